// Where along the chromosomes the windows lie: a bar per sequence, upwards what is shown, downwards all windows.
(() => {
  "use strict";
  const map = window.dnabertMap;
  const { along, columns, count, spoken } = map;
  if (!along) return;
  const section = document.getElementById("chromosomes");
  const picture = section.querySelector("svg");
  const selector = document.getElementById("along");
  const told = document.getElementById("along-told");
  const pointed = document.getElementById("along-bin");

  // Counts per bin of each label; all windows' are their sum.
  const bins = new Uint16Array(map.bytes(along.bins));
  const numbers = new map.codeArrays[along.bytes](map.bytes(along.n));
  let total = 0;
  const bars = along.bars.map((bar) => ({ ...bar, first: total, last: (total += bar.bins) }));
  const every = new Float64Array(total);
  let from = 0;
  const clusters = new Map(along.labels.map((label, i) => {
    const cells = { from, to: (from += along.cells[i]) };
    for (let k = cells.from; k < cells.to; k++) every[bins[k]] += numbers[k];
    return [label, { ...cells, size: along.sizes[i], sentence: along.sentences[i] }];
  }));
  const dense = ({ from: begin, to: end }) => {
    const counts = new Float64Array(total);
    for (let k = begin; k < end; k++) counts[bins[k]] = numbers[k];
    return counts;
  };
  const noise = clusters.has("noise") ? dense(clusters.get("noise")) : new Float64Array(total);
  const clustered = every.map((n, i) => n - noise[i]);
  const windows = (n) => `${count(n)} ${n === 1 ? "window" : "windows"}`;
  const most = (counts) => counts.reduce((a, b) => Math.max(a, b), 0);
  const overMost = (counts) => { const highest = most(counts) || 1; return counts.map((n) => n / highest); };
  const sum = (counts) => counts.reduce((a, b) => a + b, 0);
  const [everyone, loose] = [sum(along.sizes), clusters.get("noise")?.size ?? 0];
  const percent = (part, whole) => `${Math.round(100 * part / whole)} %`;

  // What is shown: a cluster's windows, or the share of windows that are in any.
  const shown = () => {
    const label = spoken.pointed ?? spoken.chosen;
    if (!clusters.has(label)) {
      return {
        label: "", counts: clustered, heights: clustered.map((n, i) => (every[i] ? n / every[i] : 0)), colour: map.look().ink,
        legend: "share in a cluster; full height: 100 %",
        sentence: `Of ${windows(everyone)} ${count(everyone - loose)} are in a cluster (${percent(everyone - loose, everyone)}). Choose one to see where it lies.`,
        tell: (i) => `${count(clustered[i])} of ${windows(every[i])} in a cluster${every[i] ? ` (${percent(clustered[i], every[i])})` : ""}`,
      };
    }
    const cluster = clusters.get(label);
    const counts = dense(cluster);
    const name = label === "noise" ? "no cluster" : `cluster ${label}`;
    return {
      label, counts, heights: overMost(counts), colour: colourOf(label), sentence: cluster.sentence,
      legend: `windows of ${name}; full height: ${count(most(counts))}`,
      tell: (i) => `${windows(counts[i])} of ${name} (of its ${count(cluster.size)}), ${windows(every[i])} in all`,
    };
  };
  const colourOf = (label) => { // as on the map; what has no colour of its own there is drawn in ink
    const { values, colours, backgrounds } = columns.get("label");
    const i = values.indexOf(label);
    const plain = i < backgrounds || colours[i] === undefined || colours[i] === map.other;
    return plain ? map.look().ink : map.look().colour(colours[i]);
  };

  const [UP, DOWN, TEXT, GAP, KEY] = [22, 12, 14, 9, 36]; // heights of a bar's halves, its name, the space under it, and the key above all
  const ROW = TEXT + UP + DOWN + GAP;
  const longest = Math.max(...bars.map((bar) => bar.length));
  const allHeights = overMost(every);
  const height = KEY + ROW * bars.length;
  let [width, binWidth] = [0, 0]; // set by the observer: to ask for it here would lay the page out anew for every drawing
  const svg = (tag, properties, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const columnsOf = (bar, heights, base, unit) => {
    const end = 1 + Math.max(2, bar.length * binWidth / along.width);
    let path = "";
    for (let i = bar.first; i < bar.last; i++) {
      if (!heights[i]) continue;
      const high = (Math.sign(unit) * Math.max(1, Math.abs(unit) * heights[i])).toFixed(1); // one window is seen, too
      const left = 1 + (i - bar.first) * binWidth;
      path += `M${left.toFixed(2)} ${base}v${high}H${Math.min(end, left + Math.max(1, binWidth)).toFixed(2)}V${base}z`;
    }
    return path;
  };
  const name = (bar) => `${bar.genome} ${bar.chrom}`.trim();
  const drawBar = (bar, row) => {
    const { ink, line, soft } = looks();
    const base = KEY + ROW * row + TEXT + UP;
    const long = Math.max(2, bar.length * binWidth / along.width);
    const fits = Math.max(12, Math.floor(width / 6.2) - 14);
    const text = name(bar).length > fits ? `${name(bar).slice(0, fits - 1)}…` : name(bar);
    return [
      svg("text", { x: 1, y: base - UP - 4, fill: ink }, `${text}, ${count(bar.length)} bp`),
      svg("rect", { x: 1, y: base - UP, width: long, height: UP + DOWN, fill: "none", stroke: line }),
      svg("path", { d: columnsOf(bar, allHeights, base, DOWN), fill: soft }),
      svg("path", { d: columnsOf(bar, what.heights, base, -UP), fill: what.colour }),
      svg("path", { d: `M1 ${base}h${long}`, stroke: line, fill: "none" }),
    ];
  };
  const looks = () => ({ ...map.look(), soft: map.look().colour(map.other) });
  let at = null; // number of the bin pointed to
  const cursor = () => {
    if (at === null) return [];
    const row = bars.findIndex((bar) => at < bar.last);
    const x = 1 + (at - bars[row].first) * binWidth;
    return [svg("rect", { class: "cursor", x: x - 1.5, y: KEY + ROW * row + TEXT - 2, width: binWidth + 3, height: UP + DOWN + 4, fill: "none", stroke: map.look().ink, "stroke-width": 1.5 })];
  };
  let what = shown();
  const draw = () => {
    if (!width) return;
    const { ground, ink, soft } = looks();
    for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "sans-serif", "font-size": 11 })) picture.setAttribute(key, value);
    picture.replaceChildren(
      svg("rect", { width: "100%", height: "100%", fill: ground }),
      ...[[8, what.colour, `up: ${what.legend}`], [24, soft, `down: all windows; full height: ${count(most(every))}`]].flatMap(([y, fill, text]) => [
        svg("rect", { x: 1, y: y - 5, width: 10, height: 10, fill }), svg("text", { x: 16, y: y + 4, fill: ink }, text)]),
      ...bars.flatMap((bar, row) => drawBar(bar, row)),
      ...cursor(),
    );
  };
  const update = () => {
    what = shown();
    selector.value = what.label;
    told.setAttribute("aria-live", spoken.pointed === null ? "polite" : "off"); // not for every entry of the legend that is passed
    told.textContent = what.sentence;
    if (at !== null) tell();
    draw();
  };

  const region = (number) => {
    const bar = bars.find((each) => number < each.last);
    const start = (number - bar.first) * along.width;
    return { bar, first: start + 1, last: Math.min(start + along.width, bar.length) };
  };
  const tell = () => {
    const { bar, first, last } = region(at);
    const where = document.createElement("b");
    where.textContent = `${name(bar)}:${count(first)}–${count(last)} `;
    pointed.replaceChildren(where, what.tell(at));
  };
  const go = (number, live) => {
    if (number === at) return;
    pointed.setAttribute("aria-live", live);
    picture.querySelector(".cursor")?.remove();
    at = number;
    if (at === null) return;
    tell();
    picture.append(...cursor());
  };
  const find = (number) => {
    const { bar, first, last } = region(number);
    const [start, end] = [columns.get("start").data, columns.get("end").data];
    const inBin = (row) => Math.floor((start[row] + end[row]) / 2 / along.width) === number - bar.first;
    map.show(`${name(bar)}:${count(first)}-${count(last)}`, { // the windows that the bin counts, not those as well that reach into it
      what: `with their middle at ${name(bar)}:${count(first)}–${count(last)}`,
      test: (row) => map.value("chrom", row) === bar.chrom && (map.value("genome", row) ?? "") === bar.genome && inBin(row),
    });
  };
  const under = (event) => {
    const box = picture.getBoundingClientRect();
    const bar = bars[Math.floor((height * (event.clientY - box.top) / box.height - KEY) / ROW)];
    const bin = Math.floor((width * (event.clientX - box.left) / box.width - 1) / binWidth);
    return bar && bin >= 0 && bin < bar.bins ? bar.first + bin : null;
  };
  picture.addEventListener("pointermove", (event) => go(under(event), "off"));
  picture.addEventListener("pointerleave", () => go(null, "off"));
  picture.addEventListener("click", (event) => { const bin = under(event); if (bin !== null) find(bin); });

  // By keyboard: along a bar to the next bin that has windows of what is shown, and to the bar above or below.
  const inBar = (bar, test) => {
    for (let i = bar.first; i < bar.last; i++) if (what.counts[i] && test(i)) return i;
    return null;
  };
  const lastInBar = (bar, test) => {
    for (let i = bar.last - 1; i >= bar.first; i--) if (what.counts[i] && test(i)) return i;
    return null;
  };
  const step = (by) => {
    const row = bars.findIndex((bar) => at < bar.last);
    const bar = bars[Math.max(0, Math.min(bars.length - 1, row + by))];
    return inBar(bar, (i) => i >= bar.first + at - bars[row].first) ?? lastInBar(bar, () => true) ?? bar.first;
  };
  const own = () => region(at).bar;
  const keys = {
    ArrowLeft: () => lastInBar(own(), (i) => i < at) ?? at, ArrowRight: () => inBar(own(), (i) => i > at) ?? at,
    ArrowUp: () => step(-1), ArrowDown: () => step(1),
    Home: () => inBar(own(), () => true) ?? at, End: () => lastInBar(own(), () => true) ?? at,
  };
  picture.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && at !== null) { event.preventDefault(); find(at); }
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    const begun = inBar(bars[0], () => true) ?? 0;
    go(at === null ? begun : keys[event.key](), "polite");
  });

  const order = [...along.labels].sort((a, b) => (a === "noise") - (b === "noise"));
  selector.add(new Option("share of the windows in a cluster", ""));
  for (const label of order) selector.add(new Option(`${label === "noise" ? "no cluster" : `cluster ${label}`} (${count(clusters.get(label).size)})`, label));
  selector.addEventListener("change", () => map.speak("chosen", selector.value || null));
  section.hidden = false;
  update();
  for (const kind of ["cluster", "look"]) window.addEventListener(kind, update);
  map.paper.addEventListener("change", update);
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === width) return;
    width = contentRect.width;
    binWidth = (width - 2) * along.width / longest;
    draw();
  }).observe(section);
})();
