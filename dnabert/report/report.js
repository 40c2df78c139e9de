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
  const numberArrays = { 4: Int32Array, 8: Float64Array };
  const x = new Float32Array(bytes(data.x));
  const y = new Float32Array(bytes(data.y));
  const columns = new Map();
  for (const column of data.columns) {
    const array = column.kind === "category" ? codeArrays[column.width] : column.kind === "share" ? Uint16Array : numberArrays[column.width];
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
  const radius = data.n > 60000 ? 1.1 : data.n > 15000 ? 1.5 : 2.5;
  const count = (n) => n.toLocaleString("en-US");
  const short = (text) => (text.length > 26 ? `${text.slice(0, 25)}…` : text || "none");
  // Cividis (Nunez et al. 2018); few is pale on white and dark on black, without the end that the ground would swallow.
  const cividis = ["#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369", "#E1CC55", "#FEE838"];
  const looks = {
    light: { ink: "#1b1f24", line: "#d8dee4", ground: "#ffffff", scale: [...cividis].reverse(), colour: (light) => light },
    dark: { ink: "#e6e9ed", line: "#3a424c", ground: "#15181d", scale: cividis.slice(2), colour: (light) => data.dark[light] ?? light },
  };
  const paper = matchMedia("print"); // paper is white whatever the screen is
  let saving = false; // and so is what is downloaded, for papers and slides
  const look = () => looks[document.documentElement.dataset.look === "dark" && !paper.matches && !saving ? "dark" : "light"];
  const inLight = (make) => {
    if (look() === looks.light) return make();
    const seen = (light) => { saving = light; window.dispatchEvent(new Event("look")); };
    seen(true);
    try { return make(); } finally { seen(false); }
  };
  // The cluster that is spoken of: chosen by a search, a card or a point, or pointed to in the legend for as long as it is.
  const spoken = { chosen: null, pointed: null };
  const speak = (how, label) => {
    if (spoken[how] === label) return;
    spoken[how] = label;
    window.dispatchEvent(new Event("cluster"));
  };
  const labelOf = (card) => (card.id === "cluster--1" ? "noise" : card.id.slice("cluster-".length));
  const hidden = new Set(); // names of the legend's entries that are switched off
  const points = new window.dnabertPoints(document.getElementById("points"), x, y);

  // One layer per value that has a look of its own; all that share the grey of "other" make one.
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
    const cluster = column.key === "label";
    const rows = groups.map((group) => new Uint32Array(group.n));
    const filled = new Uint32Array(groups.length);
    for (let i = 0; i < data.n; i++) { const g = groupOf[column.data[i]]; rows[g][filled[g]++] = i; }
    return groups.map((group, g) => {
      const name = group.names.length > 1 ? `${count(group.names.length)} more`
        : cluster && g >= column.backgrounds ? `cluster ${group.names[0]}` : short(group.names[0]);
      const told = `${name} (${count(filled[g])})`;
      return { label: cluster && group.names.length === 1 ? group.names[0] : null, rows: rows[g].subarray(0, filled[g]), name: told, visible: !hidden.has(told), colour: look().colour(group.colour), symbol: group.symbol };
    });
  };

  const STEPS = 256; // of a scale of colours
  const [WHOLE, UNKNOWN] = [65534, 65535]; // a share of 1, and one that is not known, as of islands in a genome without their annotation
  const byShare = (column) => {
    const [low, high] = rangeOf(column);
    const [known, unknown] = [true, false].map((is) => everyRow.filter((row) => (column.data[row] !== UNKNOWN) === is));
    const shade = Uint8Array.from(column.data, (each) => (STEPS - 1) * (each - low) / (high - low || 1));
    const colours = Uint32Array.from({ length: STEPS }, (_, i) => mixed(look().scale, i / (STEPS - 1)));
    const scaled = { rows: known, name: column.title, visible: true, symbol: "circle", colours, shade };
    if (!unknown.length) return [scaled];
    const name = `not known (${count(unknown.length)})`;
    return [{ rows: unknown, name, visible: !hidden.has(name), colour: look().colour(data.unknown), symbol: "circle" }, scaled];
  };
  const everyRow = Uint32Array.from({ length: data.n }, (_, i) => i);
  const mixed = (scale, share) => { // between two neighbours of a scale, as a canvas's pixel
    const at = Math.min(scale.length - 2, Math.floor(share * (scale.length - 1)));
    const rest = share * (scale.length - 1) - at;
    const [low, high] = [scale[at], scale[at + 1]].map((colour) => parseInt(colour.slice(1), 16));
    const channel = (by) => Math.round(((low >> by) & 255) * (1 - rest) + ((high >> by) & 255) * rest);
    return ((255 << 24) | (channel(0) << 16) | (channel(8) << 8) | channel(16)) >>> 0;
  };

  const shapes = {
    circle: "M7 2a5 5 0 1 0 .01 0z", diamond: "M7 1l6 6-6 6-6-6z", "triangle-up": "M7 1.5l6 11H1z",
  };
  const swatch = ({ colour, symbol }) => {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("viewBox", "0 0 14 14");
    picture.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", shapes[symbol]);
    path.setAttribute("fill", colour);
    picture.append(path);
    return picture;
  };
  const entry = (layer) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(layer.visible));
    button.append(swatch(layer), layer.name);
    button.addEventListener("click", () => {
      layer.visible = !layer.visible;
      if (layer.visible) hidden.delete(layer.name); else hidden.add(layer.name);
      button.setAttribute("aria-pressed", String(layer.visible));
      points.redraw();
    });
    for (const kind of ["pointerenter", "focus"]) button.addEventListener(kind, () => speak("pointed", layer.label ?? null));
    for (const kind of ["pointerleave", "blur"]) button.addEventListener(kind, () => speak("pointed", null));
    return button;
  };
  const all = (layers, visible) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = visible ? "show all" : "hide all";
    button.addEventListener("click", () => {
      for (const layer of layers) {
        layer.visible = visible;
        if (visible) hidden.delete(layer.name); else hidden.add(layer.name);
      }
      legend.querySelectorAll("[aria-pressed]").forEach((each) => each.setAttribute("aria-pressed", String(visible)));
      points.redraw();
    });
    return button;
  };
  const percent = (share) => `${Math.round(100 * share)} %`;
  const rangeOf = ({ data: values }) => {
    let [low, high] = [65535, 0];
    for (const each of values) if (each !== UNKNOWN) { if (each < low) low = each; if (each > high) high = each; }
    return [Math.min(low, high), high];
  };
  const ends = (column) => rangeOf(column).map((end) => percent(end / WHOLE));
  const scaleBar = (column) => {
    const bar = document.createElement("div");
    bar.className = "scale";
    bar.style.backgroundImage = `linear-gradient(to top, ${look().scale.join(", ")})`;
    const [low, high] = ends(column);
    return [high, bar, low];
  };
  const explain = (column, layers) => {
    const title = document.createElement("b");
    title.textContent = column.title;
    const parts = column.kind === "share" ? [...scaleBar(column), ...layers.filter((layer) => layer.colour).map(entry)]
      : [...layers.map(entry), ...(layers.length > 1 ? [all(layers, true), all(layers, false)] : [])];
    legend.replaceChildren(title, ...parts);
  };
  const draw = () => {
    const column = columns.get(selector.value);
    const layers = column.kind === "category" ? byCategory(column) : byShare(column);
    explain(column, layers);
    points.set(layers, { radius, ground: look().ground, ink: look().ink, axes: ["UMAP 1 (no unit)", "UMAP 2 (no unit)"] });
  };

  const value = (key, row) => {
    const column = columns.get(key);
    if (!column) return null;
    if (column.kind === "category") return column.values[column.data[row]];
    if (column.kind === "share") return column.data[row] === UNKNOWN ? null : column.data[row] / WHOLE;
    return column.data[row];
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
    const [noise, again] = [value("label", row) === "noise", value("confidence", row)];
    const sure = [probability === null || noise ? "" : `strength ${percent(probability)}`, again === null ? "" : `again in ${percent(again)} of repeats`].filter(Boolean).join(", ");
    add("cluster", `${value("label", row)}${sure ? ` (${sure})` : ""}`);
    const known = (key) => (value(key, row) === "unknown" ? null : value(key, row)); // else not annotated
    const gene = [value("gene", row), known("gene_type")].filter(Boolean).join(", ");
    add("gene", gene === "intergenic" ? "none" : gene); // the type of windows that are in no gene
    add("region", known("region"));
    const repeat = value("repeat", row);
    if (value("repeat_class", row) !== "unknown") add("repeat", [value("repeat_class", row), repeat === null ? null : percent(repeat)].filter(Boolean).join(" "));
    const gc = value("gc", row);
    add("GC", gc === null ? null : percent(gc));
    return parts;
  };
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
    let card = null;
    try { card = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { /* an address that was cut within a %20 */ }
    if (!card || card.tagName !== "DETAILS") return;
    card.open = true;
    card.scrollIntoView();
    if (card.matches("[id^=cluster-]")) speak("chosen", labelOf(card));
  };
  for (const card of document.querySelectorAll("details[id^=cluster-]")) {
    card.addEventListener("toggle", () => { if (card.open) speak("chosen", labelOf(card)); });
  }

  // The map by keyboard: move, zoom, show all, and tell the window nearest to the middle of the view.
  const middle = () => {
    const { clientWidth: width, clientHeight: height } = points.canvas;
    return points.nearest(width / 2, height / 2, Math.hypot(width, height));
  };
  const keys = {
    ArrowLeft: () => points.move(-0.1, 0), ArrowRight: () => points.move(0.1, 0),
    ArrowUp: () => points.move(0, 0.1), ArrowDown: () => points.move(0, -0.1),
    "+": () => points.zoom(0.7), "=": () => points.zoom(0.7), "-": () => points.zoom(1 / 0.7), 0: () => points.reset(),
    Enter: () => { const row = middle(); if (row !== null) point(row); },
  };
  plot.addEventListener("keydown", (event) => {
    if (event.target !== plot || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const [id, key] of [["nearer", "+"], ["farther", "-"], ["whole", "0"]]) document.getElementById(id).addEventListener("click", keys[key]);

  for (const column of data.columns) {
    if (column.colourable) selector.add(new Option(column.title, column.key));
  }
  if (data.n < data.total) document.getElementById("sampled").textContent = ` (${count(data.n)} drawn at random for the map)`;
  selector.addEventListener("change", () => { hidden.clear(); draw(); });
  const point = (row) => {
    hover.setAttribute("aria-live", "polite"); // asked for, so a screen reader says it
    tell(row);
    points.pointed = { row, text: place(row) };
    points.redraw();
  };
  points.hover = (row) => {
    hover.setAttribute("aria-live", "off");
    if (row !== null) tell(row); else if (points.pointed) tell(points.pointed.row);
  };
  points.click = (row) => {
    point(row); // it stays told, so that its sequence can be copied when the reader comes back
    speak("chosen", value("label", row));
    const card = cardOf(row);
    if (!card) return;
    if (location.hash === `#${card.id}`) openCard(); else location.hash = card.id;
  };
  draw();
  points.draw();
  plot.dataset.ready = "yes";
  window.addEventListener("look", draw);
  paper.addEventListener("change", () => { draw(); points.draw(); });
  window.addEventListener("hashchange", openCard);
  document.addEventListener("click", (event) => { // an address that stands there already is no change of it
    const link = event.target.closest("a[href^='#cluster-']");
    if (link && link.hash === location.hash) openCard();
  });
  openCard();

  const mark = (rows) => {
    points.marked = rows;
    points.pointed = null;
    points.redraw();
  };
  // The map with its legend as SVG: the points as one picture in it, for 200,000 shapes no program would open.
  const picture = () => {
    const { clientWidth: width, clientHeight: height } = points.canvas;
    const { ink, ground, scale } = look();
    const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
    const column = columns.get(selector.value);
    const line = (i) => (column.kind === "share" ? 256 : 44) + 17 * i;
    const entries = points.layers.filter((layer) => layer.visible && layer.colour).map((layer, i) => `<g transform="translate(${width + 12} ${line(i) - 10})"><path d="${shapes[layer.symbol]}" fill="${layer.colour}"/></g><text x="${width + 32}" y="${line(i) + 1}">${escaped(layer.name)}</text>`);
    const stops = scale.map((colour, i) => `<stop offset="${1 - i / (scale.length - 1)}" stop-color="${colour}"/>`).reverse().join("");
    const [low, high] = column.kind === "share" ? ends(column) : [];
    const bar = `<linearGradient id="scale" x2="0" y2="1">${stops}</linearGradient><rect x="${width + 12}" y="50" width="16" height="180" fill="url(#scale)"/><text x="${width + 34}" y="58">${high}</text><text x="${width + 34}" y="230">${low}</text>`;
    const full = Math.max(height, line(entries.length) + 10);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width + 220}" height="${full}" viewBox="0 0 ${width + 220} ${full}" font-family="sans-serif" font-size="11" fill="${ink}"><rect width="100%" height="100%" fill="${ground}"/><image href="${points.snapshot()}" width="${width}" height="${height}"/><text x="${width + 12}" y="22" font-weight="bold">${escaped(column.title)}</text>${column.kind === "share" ? bar : ""}${entries.join("")}</svg>`;
  };
  window.dnabertMap = { n: data.n, total: data.total, along: data.along, other: data.other, columns, value, count, place, mark, point, picture, points, bytes, codeArrays, look, inLight, paper, spoken, speak, labelOf };
})();
