// Tables sort by their headings and download as TSV; data-value carries the number behind the words, data-sort one for sorting alone.
(() => {
  "use strict";
  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000); // the browser has read the blob by then
  };
  const tools = (holder, name, offers) => {
    const bar = document.createElement("div");
    bar.className = "tools";
    for (const [kind, act] of offers) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = kind;
      button.setAttribute("aria-label", `Download ${name} as ${kind}`);
      button.addEventListener("click", () => act(`${name}.${kind.toLowerCase()}`));
      bar.append(button);
    }
    holder.after(bar);
  };
  // A name for the file: the part of the page it stands in, numbered where that part holds several.
  const named = (element, selector) => {
    const part = element.closest("[id]");
    const all = [...part.querySelectorAll(selector)].filter((each) => each.closest("[id]") === part);
    return all.length > 1 ? `${part.id}-${all.indexOf(element) + 1}` : part.id;
  };
  window.dnabertDownload = { save, tools, named };

  const key = (cell) => {
    const text = (cell.dataset.sort ?? cell.dataset.value ?? cell.textContent.trim()).replace("−", "-");
    const found = cell.classList.contains("n") ? text.match(/^[<>]?\s*(-?[\d,]*\.?\d+(?:e[-+]?\d+)?)/i) : null; // a bound sorts as its number
    const n = Number(found ? found[1].replace(/,/g, "") : text);
    return text !== "" && !Number.isNaN(n) ? n : text;
  };
  const sortable = (table) => {
    table.querySelectorAll("thead th").forEach((th, i) => {
      const button = document.createElement("button");
      button.type = "button";
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
  };

  const told = (cell) => {
    if (cell.dataset.value) return cell.dataset.value;
    const copy = cell.cloneNode(true);
    copy.querySelectorAll("small").forEach((remark) => remark.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const tsv = (table) => [...table.rows].map((row) => [...row.cells].map(told).join("\t")).join("\n") + "\n";
  for (const table of document.querySelectorAll("main table:not(.outcomes)")) {
    const holder = table.closest(".scroll");
    if (holder) { // what scrolls must be reached without a mouse
      holder.tabIndex = 0;
      holder.setAttribute("role", "region");
      holder.setAttribute("aria-label", `Table: ${(table.caption ?? table.tHead ?? table).textContent.replace(/\s+/g, " ").trim().slice(0, 80)}`);
    }
    tools(table.closest(".scroll") ?? table, named(table, "table"), [
      ["TSV", (file) => save(new Blob([tsv(table)], { type: "text/tab-separated-values" }), file)],
    ]);
  }
  // On paper nothing can be opened: all is, and what was closed closes again.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  window.addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
  document.querySelectorAll("table.sortable, details[id^=cluster-] table, #run table").forEach(sortable);
})();
