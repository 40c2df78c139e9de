// Find windows by gene, place or cluster; all positions here count from 1 and include both ends, as the page writes them.
(() => {
  "use strict";
  const map = window.dnabertMap;
  const { columns, value, count } = map;
  const form = document.getElementById("search");
  const input = document.getElementById("find");
  const status = document.getElementById("found");
  const panel = document.getElementById("hits");
  const LISTED = 20; // as many as a reader goes through; the rest is on the map

  const values = (key) => columns.get(key)?.values ?? [];
  const same = (key, text) => values(key).findIndex((each) => each.toLowerCase() === text.toLowerCase());
  const rowsWhere = (test) => {
    const rows = [];
    for (let i = 0; i < map.n; i++) if (test(i)) rows.push(i);
    return rows;
  };
  const coded = (key, codes) => {
    const wanted = new Set(codes);
    const { data } = columns.get(key);
    return (row) => wanted.has(data[row]);
  };

  const byCluster = (text) => {
    const found = text.match(/^(?:cluster\s*|#\s*)?(\d+)$/i);
    const code = found ? same("label", found[1]) : /^noise$/i.test(text) ? same("label", "noise") : -1;
    if (code >= 0) {
      const both = found && same("chrom", text) >= 0; // "1" may be both
      const what = found ? `in cluster ${found[1]}${both ? ` (of the sequence: “sequence ${text}”)` : ""}` : "in no cluster";
      return { what, test: coded("label", [code]), label: values("label")[code] };
    }
    return found && /\D/.test(text) ? { problem: `The map has no cluster ${found[1]}.` } : null; // a number alone may name a sequence
  };
  // Ensembl and NCBI call 22 what UCSC calls chr22.
  const named = (text) => values("chrom")[[text, `chr${text}`, text.replace(/^chr/i, "")].map((each) => same("chrom", each)).find((code) => code >= 0)];
  // A sequence's own name may hold colons ("HLA:A", "scaffold:12"): one that is known as a whole goes first.
  const byPlace = (asked) => {
    const text = named(asked) === undefined ? asked.replace(/^sequence /i, "") : asked;
    const found = named(text) !== undefined ? [text, text] : text.match(/^(\S+?)(?:\s*:\s*(\d[\d,]*)(?:\s*(?:-|–|\.\.)\s*(\d[\d,]*))?)?$/);
    if (!found) return null;
    const [, name, from, to] = found;
    const code = values("chrom").indexOf(named(name));
    if (code < 0) return from ? { problem: `The map has no chromosome ${name}; it has ${values("chrom").slice(0, 6).join(", ")}.` } : null;
    const onChromosome = coded("chrom", [code]);
    if (!from) return { what: `on ${values("chrom")[code]}`, test: onChromosome };
    if (!columns.has("start") || !columns.has("end")) return { problem: "This map has no coordinates." };
    const first = Number(from.replace(/,/g, ""));
    const last = to ? Number(to.replace(/,/g, "")) : first;
    if (last < first) return { problem: `The end ${count(last)} lies before the start ${count(first)}.` };
    const [start, end] = [columns.get("start").data, columns.get("end").data];
    return {
      what: `at ${values("chrom")[code]}:${count(first)}${to ? `–${count(last)}` : ""}`,
      test: (row) => onChromosome(row) && start[row] < last && end[row] >= first,
    };
  };
  const byGene = (text) => {
    const code = same("gene", text);
    if (code >= 0) return { what: `in gene ${values("gene")[code]}`, test: coded("gene", [code]) };
    const begin = text.toLowerCase();
    const codes = values("gene").flatMap((each, i) => (each.toLowerCase().startsWith(begin) ? [i] : []));
    return codes.length ? { what: `in ${count(codes.length)} ${codes.length === 1 ? "gene" : "genes"} beginning with ${text}`, test: coded("gene", codes) } : null;
  };
  const byGenome = (text) => {
    const code = same("genome", text);
    return code < 0 ? null : { what: `of ${values("genome")[code]}`, test: coded("genome", [code]) };
  };
  const read = (text) => byCluster(text) ?? byPlace(text) ?? byGene(text) ?? byGenome(text);
  // A genome's name may stand before anything: "human chr22:31000000", "chimp DRG1"; one may begin with another's ("human t2t").
  const understood = (text) => {
    const genomes = values("genome").filter((each) => text.toLowerCase().startsWith(`${each.toLowerCase()} `)).sort((a, b) => b.length - a.length);
    const problems = [];
    for (const genome of [...genomes, null]) {
      const found = read(genome === null ? text : text.slice(genome.length).trim());
      if (found?.problem) problems.push(found);
      else if (found) {
        const inGenome = genome === null ? () => true : byGenome(genome).test;
        return { ...found, what: genome === null ? found.what : `${found.what} of ${genome}`, test: (row) => inGenome(row) && found.test(row) };
      }
    }
    return problems[0] ?? { problem: `No gene, place or cluster “${text}” on this map.` };
  };

  const element = (tag, content, properties = {}) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...[content].flat());
    return made;
  };
  const clusterLink = (label) => {
    const id = `cluster-${label === "noise" ? -1 : label}`;
    const name = label === "noise" ? "no cluster" : `cluster ${label}`;
    return document.getElementById(id) ? element("a", name, { href: `#${id}` }) : name;
  };
  const perCluster = (rows) => {
    const counts = new Map();
    for (const row of rows) counts.set(value("label", row), (counts.get(value("label", row)) ?? 0) + 1);
    const most = [...counts].sort((a, b) => b[1] - a[1]);
    const parts = most.slice(0, 8).flatMap(([label, n], i) => [i ? "; " : "", clusterLink(label), ` ${count(n)}`]);
    return element("p", [...parts, most.length > 8 ? `; ${count(most.length - 8)} more clusters` : ""]);
  };
  const listed = (rows) => element("ol", rows.slice(0, LISTED).map((row) => {
    const show = element("button", map.place(row) || `window ${count(row + 1)}`, { type: "button", title: "Point to it on the map" });
    show.addEventListener("click", () => map.point(row));
    const gene = value("gene", row);
    return element("li", [show, gene ? ` ${gene}, ` : " ", clusterLink(value("label", row))]);
  }));

  const clear = () => {
    input.value = "";
    status.textContent = "";
    panel.hidden = true;
    panel.replaceChildren();
    map.mark([]);
    map.speak("chosen", null);
  };
  const search = (asked = null) => { // `asked`: what the text stands for where it is more than the text says
    const text = input.value.trim().replace(/\s+/g, " ");
    if (!text) { clear(); return; }
    const found = asked ?? understood(text);
    const rows = found.problem ? [] : rowsWhere(found.test);
    const drawn = map.n < map.total ? " of those drawn" : "";
    status.textContent = found.problem
      ?? `${count(rows.length)} ${rows.length === 1 ? "window" : "windows"}${drawn} ${found.what}${rows.length > LISTED ? `, the first ${LISTED} listed` : ""}.`;
    panel.hidden = rows.length === 0;
    panel.replaceChildren(...(rows.length ? [perCluster(rows), listed(rows)] : []));
    map.mark(rows);
    if (found.label) map.speak("chosen", found.label); // a place leaves the cluster that is shown along the chromosomes
  };
  const show = (text, asked = null) => {
    input.value = text;
    search(asked);
    document.getElementById("answer").scrollIntoView();
    input.focus({ preventScroll: true });
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); search(); });
  input.addEventListener("search", () => { if (!input.value) clear(); }); // the browser's own cross in the field
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !(input.value || status.textContent)) return;
    clear();
    input.focus();
  });
  // From a cluster's card back to the map.
  for (const card of document.querySelectorAll("details[id^=cluster-]")) {
    const label = map.labelOf(card);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "onmap";
    button.textContent = "Show on the map";
    button.addEventListener("click", () => show(label === "noise" ? label : `cluster ${label}`));
    card.querySelector("summary").after(button);
  }
  form.hidden = false;
  map.show = show;
})();
