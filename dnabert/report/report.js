"use strict";
(() => {
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const plot = document.getElementById("map");
  const selector = document.getElementById("colour");
  const hover = document.getElementById("hover");

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
  const size = data.n > 60000 ? 2.4 : data.n > 15000 ? 3 : 5;
  const count = (n) => n.toLocaleString("en-US");
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const short = (text) => escaped(text.length > 26 ? text.slice(0, 25) + "…" : text || "none");
  let shown = []; // per trace: the rows it draws, so that a point leads back to its window

  const trace = (rows, look) => {
    const xs = new Float32Array(rows.length);
    const ys = new Float32Array(rows.length);
    for (let i = 0; i < rows.length; i++) { xs[i] = x[rows[i]]; ys[i] = y[rows[i]]; }
    shown.push(rows);
    return { type: "scattergl", mode: "markers", x: xs, y: ys, hoverinfo: "none", ...look };
  };

  // One trace per value that has a look of its own; all that share the grey of "other" make one trace.
  const byCategory = (column) => {
    const other = "#8A8A8A";
    const groupOf = new Int32Array(column.values.length);
    const groups = [];
    let shared = -1;
    column.values.forEach((value, i) => {
      if (column.colours[i] === other) {
        if (shared < 0) { shared = groups.length; groups.push({ names: [], n: 0, colour: other, symbol: "circle" }); }
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
      return trace(rows[g], {
        name: `${name} (${count(group.n)})`,
        marker: { color: group.colour, symbol: group.symbol, size, opacity: g < column.backgrounds ? 0.55 : 0.8 },
      });
    });
  };

  const byShare = (column) => {
    const rows = new Uint32Array(data.n);
    const values = new Float32Array(data.n);
    for (let i = 0; i < data.n; i++) { rows[i] = i; values[i] = column.data[i] / 65535; }
    return [trace(rows, {
      name: column.title, showlegend: false,
      marker: { color: values, colorscale: "Cividis", reversescale: true, size, opacity: 0.8,
                colorbar: { title: { text: column.title, side: "right" }, thickness: 12, tickformat: ".0%" } },
    })];
  };

  const axis = (title) => ({ title: { text: title, font: { size: 11 }, standoff: 4 }, showticklabels: false, zeroline: false, showgrid: false, showline: true, linecolor: "#d8dee4" });
  const draw = () => {
    const column = columns.get(selector.value);
    shown = [];
    const traces = column.kind === "category" ? byCategory(column) : byShare(column);
    const layout = {
      margin: { l: 30, r: 8, t: 34, b: 30 }, hovermode: "closest", dragmode: "pan", uirevision: "map",
      font: { family: "system-ui, sans-serif", size: 12, color: "#1b1f24" },
      xaxis: axis("UMAP 1 (no unit)"), yaxis: axis("UMAP 2 (no unit)"),
      legend: { itemsizing: "constant", font: { size: 11 }, title: { text: column.title } },
    };
    return Plotly.react(plot, traces, layout, {
      responsive: true, scrollZoom: true, displaylogo: false, displayModeBar: true,
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
      toImageButtonOptions: { format: "png", scale: 2, filename: "map" },
    });
  };

  const value = (key, row) => {
    const column = columns.get(key);
    if (!column) return null;
    if (column.kind === "category") return column.values[column.data[row]];
    return column.kind === "share" ? column.data[row] / 65535 : column.data[row];
  };
  const percent = (share) => `${Math.round(100 * share)} %`;
  const told = (row) => {
    const parts = [];
    const add = (name, text) => { if (text !== null && text !== undefined && text !== "") parts.push([name, text]); };
    const chrom = value("chrom", row);
    const start = value("start", row);
    const place = chrom === null ? null : start === null ? chrom : `${chrom}:${count(start + 1)}–${count(value("end", row))}`;
    add("place", [value("genome", row), place].filter(Boolean).join(" "));
    add("cluster", value("label", row));
    add("gene", [value("gene", row), value("gene_type", row)].filter(Boolean).join(", "));
    add("region", value("region", row));
    const repeat = value("repeat", row);
    add("repeat", [value("repeat_class", row), repeat === null ? null : percent(repeat)].filter(Boolean).join(" "));
    const gc = value("gc", row);
    add("GC", gc === null ? null : percent(gc));
    return parts;
  };
  const rowOf = (event) => shown[event.points[0].curveNumber][event.points[0].pointNumber];
  const tell = (row) => {
    hover.replaceChildren();
    told(row).forEach(([name, text], i) => {
      const strong = document.createElement("b");
      strong.textContent = `${name} `;
      if (i) hover.append(" · ");
      hover.append(strong, text);
    });
  };
  const openCard = () => {
    const card = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (card && card.tagName === "DETAILS") { card.open = true; card.scrollIntoView(); }
  };

  for (const column of data.columns) {
    if (column.colourable) selector.add(new Option(column.title, column.key));
  }
  if (data.n < data.total) document.getElementById("sampled").textContent = ` (${count(data.n)} drawn at random for the map)`;
  selector.addEventListener("change", draw);
  draw().then(() => {
    plot.on("plotly_hover", (event) => tell(rowOf(event)));
    plot.on("plotly_click", (event) => {
      const label = value("label", rowOf(event));
      if (label !== "noise" && document.getElementById(`cluster-${label}`)) location.hash = `cluster-${label}`;
    });
    plot.dataset.ready = "yes";
  });
  window.addEventListener("hashchange", openCard);
  openCard();

  // Tables sort by a click or Enter on a heading; data-value carries the number behind the words.
  const key = (cell) => {
    const text = cell.dataset.value ?? cell.textContent.trim();
    const n = Number(text);
    return text !== "" && !Number.isNaN(n) ? n : text;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    table.querySelectorAll("thead th").forEach((th, i) => {
      const button = document.createElement("button");
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const falling = th.getAttribute("aria-sort") !== "descending";
        table.querySelectorAll("thead th").forEach((each) => each.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows].map((row) => [key(row.cells[i]), row]);
        rows.sort(([a], [b]) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? 1 : -1));
        if (falling) rows.reverse();
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    });
  }
})();
