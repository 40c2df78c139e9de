// The map: points from the packed columns, a legend of buttons, hover, click, the marks of a search.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const plot = document.getElementById("map");
  const selector = document.getElementById("colour");
  const hover = document.getElementById("hover");
  const legend = document.getElementById("legend");

  const bytes = (text) => {
    const raw = atob(text);
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out.buffer;
  };
  const codeArrays = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };
  const x = new Float32Array(bytes(data.x));
  const y = new Float32Array(bytes(data.y));
  const columns = new Map();
  for (const column of data.columns) {
    const array = column.kind === "category" ? codeArrays[column.width] : column.kind === "share" ? Uint16Array : Int32Array;
    columns.set(column.key, { ...column, data: new array(bytes(column.data)) });
  }
  // A window's bases are unpacked when it is pointed to: two bits a base, in base64 of which four letters are three bytes.
  const bases = data.sequences;
  const stretches = (packed) => {
    const counts = new Uint16Array(bytes(packed.counts));
    const from = new Uint32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) from[i + 1] = from[i] + 2 * counts[i];
    return { from, bounds: new Uint16Array(bytes(packed.bounds)) };
  };
  const [lower, unknown] = bases ? [stretches(bases.lower), stretches(bases.unknown)] : [];
  const sequence = (row) => {
    if (!bases) return null;
    const width = Math.ceil(bases.shown / 4);
    const [begin, end] = [row * width, (row + 1) * width];
    const first = Math.floor(begin / 3);
    const four = new Uint8Array(bytes(bases.data.slice(4 * first, 4 * Math.ceil(end / 3)))).subarray(begin - 3 * first);
    const letters = Array.from({ length: bases.shown }, (_, i) => "ACGT"[(four[i >> 2] >> (2 * (i & 3))) & 3]);
    const where = ({ from, bounds }, change) => {
      for (let i = from[row]; i < from[row + 1]; i += 2) for (let at = bounds[i]; at < bounds[i + 1]; at++) letters[at] = change(letters[at]);
    };
    where(unknown, () => "N");
    where(lower, (letter) => letter.toLowerCase());
    return letters.join("");
  };
  const size = data.n > 60000 ? 2.4 : data.n > 15000 ? 3 : 5;
  const count = (n) => n.toLocaleString("en-US");
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const short = (text) => (text.length > 26 ? `${text.slice(0, 25)}…` : text || "none");
  // Cividis (Nunez et al. 2018); few is pale on white and dark on black, without the end that the ground would swallow.
  const cividis = ["#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369", "#E1CC55", "#FEE838"];
  const looks = {
    light: { ink: "#1b1f24", line: "#d8dee4", ground: "#ffffff", scale: [...cividis].reverse(), colour: (light) => light },
    dark: { ink: "#e6e9ed", line: "#3a424c", ground: "#15181d", scale: cividis.slice(2), colour: (light) => data.dark[light] ?? light },
  };
  const paper = matchMedia("print"); // paper is white whatever the screen is
  const look = () => looks[document.documentElement.dataset.look === "dark" && !paper.matches ? "dark" : "light"];
  let shown = []; // per trace: the rows it draws, so that a point leads back to its window
  let marked = []; // rows that the search found
  let pointed = null; // the one of them that an arrow points to
  const hidden = new Set(); // names of the legend's entries that are switched off

  const trace = (rows, drawing) => {
    const xs = new Float32Array(rows.length);
    const ys = new Float32Array(rows.length);
    for (let i = 0; i < rows.length; i++) { xs[i] = x[rows[i]]; ys[i] = y[rows[i]]; }
    shown.push(rows);
    return { type: "scattergl", mode: "markers", x: xs, y: ys, hoverinfo: "none", ...drawing };
  };

  // One trace per value that has a look of its own; all that share the grey of "other" make one trace.
  const byCategory = (column) => {
    const groupOf = new Int32Array(column.values.length);
    const groups = [];
    let shared = -1;
    column.values.forEach((value, i) => {
      if (column.colours[i] === data.other) {
        if (shared < 0) { shared = groups.length; groups.push({ names: [], n: 0, colour: data.other, symbol: "circle" }); }
        groups[shared].names.push(value); groups[shared].n += column.counts[i]; groupOf[i] = shared;
      } else {
        groupOf[i] = groups.length;
        groups.push({ names: [value], n: column.counts[i], colour: column.colours[i], symbol: column.symbols[i] });
      }
    });
    const rows = groups.map((group) => new Uint32Array(group.n));
    const filled = new Uint32Array(groups.length);
    for (let i = 0; i < data.n; i++) { const g = groupOf[column.data[i]]; rows[g][filled[g]++] = i; }
    const cluster = column.key === "label";
    return groups.map((group, g) => {
      const name = group.names.length > 1 ? `${count(group.names.length)} more`
        : cluster && g >= column.backgrounds ? `cluster ${group.names[0]}` : short(group.names[0]);
      const told = `${name} (${count(group.n)})`;
      return trace(rows[g], {
        name: escaped(told), visible: !hidden.has(escaped(told)),
        marker: { color: look().colour(group.colour), symbol: group.symbol, size, opacity: g < column.backgrounds ? 0.55 : 0.8 },
      });
    });
  };

  const byShare = (column) => {
    const rows = new Uint32Array(data.n);
    const values = new Float32Array(data.n);
    for (let i = 0; i < data.n; i++) { rows[i] = i; values[i] = column.data[i] / 65535; }
    const { scale } = look();
    return [trace(rows, {
      name: column.title, showlegend: false,
      marker: { color: values, colorscale: scale.map((colour, i) => [i / (scale.length - 1), colour]), size, opacity: 0.8,
                colorbar: { title: { text: column.title, side: "right" }, thickness: 12, tickformat: ".0%" }, showscale: false },
    })];
  };

  const markTrace = () => trace(marked, {
    name: `found (${count(marked.length)})`,
    // rings where the eye has to find a few, full points where rings would hide each other
    marker: marked.length > 2000 ? { color: look().ink, symbol: "circle", size: size + 0.6, opacity: 1 }
      : { color: look().ink, symbol: "circle-open", size: marked.length > 200 ? 9 : 13, opacity: 1, line: { width: 2 } },
  });

  const shapes = {
    circle: "M7 2a5 5 0 1 0 .01 0z", diamond: "M7 1l6 6-6 6-6-6z", "triangle-up": "M7 1.5l6 11H1z",
  };
  const swatch = ({ color, symbol }) => {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("viewBox", "0 0 14 14");
    picture.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", shapes[symbol]);
    path.setAttribute("fill", color);
    picture.append(path);
    return picture;
  };
  const entry = (drawing, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(drawing.visible));
    const name = document.createElement("span");
    name.innerHTML = drawing.name; // escaped above, as plotly needs it
    button.append(swatch(drawing.marker), name);
    button.addEventListener("click", () => {
      const visible = button.getAttribute("aria-pressed") !== "true";
      if (visible) hidden.delete(drawing.name); else hidden.add(drawing.name);
      button.setAttribute("aria-pressed", String(visible));
      Plotly.restyle(plot, { visible }, [i]);
    });
    return button;
  };
  const all = (drawings, visible) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = visible ? "show all" : "hide all";
    button.addEventListener("click", () => {
      for (const drawing of drawings) if (visible) hidden.delete(drawing.name); else hidden.add(drawing.name);
      legend.querySelectorAll("[aria-pressed]").forEach((each) => each.setAttribute("aria-pressed", String(visible)));
      Plotly.restyle(plot, { visible }, drawings.map((_, i) => i));
    });
    return button;
  };
  const percent = (share) => `${Math.round(100 * share)} %`;
  const scaleBar = (column, { colorscale }) => {
    const bar = document.createElement("div");
    bar.className = "scale";
    bar.style.backgroundImage = `linear-gradient(to top, ${colorscale.map(([, colour]) => colour).join(", ")})`;
    const range = column.data.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [65535, 0]);
    return [percent(range[1] / 65535), bar, percent(range[0] / 65535)];
  };
  const explain = (column, drawings) => {
    const title = document.createElement("b");
    title.textContent = column.title;
    const parts = column.kind === "share" ? scaleBar(column, drawings[0].marker)
      : [...drawings.map(entry), ...(drawings.length > 1 ? [all(drawings, true), all(drawings, false)] : [])];
    legend.replaceChildren(title, ...parts);
  };

  const axis = (title) => ({ title: { text: title, font: { size: 11 }, standoff: 4 }, showticklabels: false, zeroline: false, showgrid: false, showline: true, linecolor: look().line });
  const arrows = () => {
    if (pointed === null) return [];
    const { ink, ground } = look();
    return [{
      x: x[pointed], y: y[pointed], text: escaped(place(pointed)), ax: 0, ay: -46, showarrow: true, arrowwidth: 2,
      arrowcolor: ink, font: { color: ink }, bgcolor: ground, bordercolor: ink, borderpad: 3,
    }];
  };
  const layout = (column) => ({
    margin: { l: 30, r: 8, t: 34, b: 30 }, hovermode: "closest", dragmode: "pan", uirevision: "map", showlegend: false,
    font: { family: "system-ui, sans-serif", size: 12, color: look().ink },
    paper_bgcolor: look().ground, plot_bgcolor: look().ground,
    xaxis: axis("UMAP 1 (no unit)"), yaxis: axis("UMAP 2 (no unit)"),
    legend: { itemsizing: "constant", font: { size: 11 }, title: { text: column.title } },
    annotations: arrows(),
  });
  const draw = () => {
    const column = columns.get(selector.value);
    shown = [];
    const drawings = column.kind === "category" ? byCategory(column) : byShare(column);
    explain(column, drawings);
    return Plotly.react(plot, marked.length ? [...drawings, markTrace()] : drawings, layout(column), {
      scrollZoom: true, displaylogo: false, displayModeBar: true,
      modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    });
  };

  const value = (key, row) => {
    const column = columns.get(key);
    if (!column) return null;
    if (column.kind === "category") return column.values[column.data[row]];
    return column.kind === "share" ? column.data[row] / 65535 : column.data[row];
  };
  const place = (row) => {
    const [chrom, start] = [value("chrom", row), value("start", row)];
    const where = chrom === null ? null : start === null ? chrom : `${chrom}:${count(start + 1)}–${count(value("end", row))}`;
    return [value("genome", row), where].filter(Boolean).join(" ");
  };
  const told = (row) => {
    const parts = [];
    const add = (name, text) => { if (text !== null && text !== undefined && text !== "") parts.push([name, text]); };
    add("place", place(row));
    const probability = value("probability", row);
    const sure = probability === null || value("label", row) === "noise" ? "" : ` (strength ${percent(probability)})`;
    add("cluster", `${value("label", row)}${sure}`);
    add("gene", [value("gene", row), value("gene_type", row)].filter(Boolean).join(", "));
    add("region", value("region", row));
    const repeat = value("repeat", row);
    add("repeat", [value("repeat_class", row), repeat === null ? null : percent(repeat)].filter(Boolean).join(" "));
    const gc = value("gc", row);
    add("GC", gc === null ? null : percent(gc));
    return parts;
  };
  const rowOf = (event) => shown[event.points[0].curveNumber][event.points[0].pointNumber];
  const cardOf = (row) => {
    const label = value("label", row);
    return document.getElementById(`cluster-${label === "noise" ? -1 : label}`);
  };
  const tell = (row) => {
    hover.replaceChildren();
    told(row).forEach(([name, text], i) => {
      const strong = document.createElement("b");
      strong.textContent = `${name} `;
      if (i) hover.append(" · ");
      hover.append(strong, text);
      if (name !== "cluster" || !cardOf(row)) return;
      const link = document.createElement("a");
      link.href = `#${cardOf(row).id}`;
      link.textContent = "card";
      hover.append(" ", link);
    });
    const letters = sequence(row);
    if (letters === null) return;
    const shown = document.createElement("div");
    shown.className = "sequence";
    shown.textContent = letters;
    const part = bases.shown < bases.length ? `bases ${count(bases.first + 1)} to ${count(bases.first + bases.shown)} of its ${count(bases.length)}` : `${count(bases.length)} bases`;
    shown.title = `${part}, forward strand; lower case: soft-masked as repeat; a click selects them`;
    hover.append(shown);
  };
  const openCard = () => {
    const card = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (card && card.tagName === "DETAILS") { card.open = true; card.scrollIntoView(); }
  };

  // The map by keyboard: move, zoom, show all, and tell the window nearest to the middle of the view.
  const ranges = () => [plot._fullLayout.xaxis.range, plot._fullLayout.yaxis.range].map((range) => range.map(Number));
  const view = (change) => {
    const [xs, ys] = ranges().map(([low, high], i) => change[i](low, high));
    Plotly.relayout(plot, { "xaxis.range": xs, "yaxis.range": ys });
  };
  const moved = (share) => (low, high) => [low + share * (high - low), high + share * (high - low)];
  const scaled = (factor) => (low, high) => [low, high].map((end) => (low + high) / 2 + (end - (low + high) / 2) * factor);
  const nearest = () => {
    const [[left, right], [bottom, top]] = ranges();
    let best = null;
    let least = Infinity;
    plot.data.forEach((drawing, i) => {
      if (drawing.visible === false) return;
      for (const row of shown[i]) {
        const distance = ((x[row] - (left + right) / 2) / (right - left)) ** 2 + ((y[row] - (bottom + top) / 2) / (top - bottom)) ** 2;
        if (distance < least) { least = distance; best = row; }
      }
    });
    return best;
  };
  const keys = {
    ArrowLeft: () => view([moved(-0.1), moved(0)]), ArrowRight: () => view([moved(0.1), moved(0)]),
    ArrowUp: () => view([moved(0), moved(0.1)]), ArrowDown: () => view([moved(0), moved(-0.1)]),
    "+": () => view([scaled(0.7), scaled(0.7)]), "=": () => view([scaled(0.7), scaled(0.7)]), "-": () => view([scaled(1 / 0.7), scaled(1 / 0.7)]),
    0: () => Plotly.relayout(plot, { "xaxis.autorange": true, "yaxis.autorange": true }),
    Enter: () => { const row = nearest(); if (row !== null) point(row); },
  };
  const byKey = (event) => {
    if (event.target !== plot || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  };

  for (const column of data.columns) {
    if (column.colourable) selector.add(new Option(column.title, column.key));
  }
  if (data.n < data.total) document.getElementById("sampled").textContent = ` (${count(data.n)} drawn at random for the map)`;
  selector.addEventListener("change", () => { hidden.clear(); draw(); });
  draw().then(() => {
    plot.on("plotly_hover", (event) => { hover.setAttribute("aria-live", "off"); tell(rowOf(event)); });
    plot.on("plotly_unhover", () => { if (pointed !== null) tell(pointed); });
    plot.on("plotly_click", (event) => {
      const row = rowOf(event);
      point(row); // it stays told, so that its sequence can be copied when the reader comes back
      const card = cardOf(row);
      if (!card) return;
      if (location.hash === `#${card.id}`) openCard(); else location.hash = card.id;
    });
    plot.addEventListener("keydown", byKey);
    plot.dataset.ready = "yes";
    window.addEventListener("look", draw);
    paper.addEventListener("change", draw);
    new ResizeObserver(() => Plotly.Plots.resize(plot)).observe(plot);
  });
  window.addEventListener("hashchange", openCard);
  openCard();

  const mark = (rows) => {
    marked = rows;
    if (pointed !== null) { pointed = null; Plotly.relayout(plot, { annotations: arrows() }); }
    const last = plot.data.length - 1;
    const old = plot.data[last].name.startsWith("found (");
    if (old) { shown.pop(); Plotly.deleteTraces(plot, last); }
    if (rows.length) Plotly.addTraces(plot, markTrace());
  };
  const point = (row) => {
    hover.setAttribute("aria-live", "polite"); // asked for, so a screen reader says it
    tell(row);
    pointed = row;
    Plotly.relayout(plot, { annotations: arrows() });
  };
  const picture = (format) => Plotly.toImage(
    { data: plot.data.map((each) => ({ ...each, marker: { ...each.marker, showscale: each.showlegend === false } })),
      layout: { ...plot.layout, showlegend: true } },
    { format, width: plot.clientWidth + 220, height: plot.clientHeight, scale: 2 },
  );
  window.dnabertMap = { n: data.n, total: data.total, columns, value, count, place, mark, point, picture };
})();
