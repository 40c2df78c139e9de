// In the head, so that the page never flashes in the other look. `data-look` is what the style sheet and the map follow.
(() => {
  "use strict";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  // Storage may be forbidden (private windows, some browsers on file://): then the choice lasts as long as the page.
  const stored = () => { try { return localStorage.getItem("dnabert-look"); } catch { return null; } };
  const store = (look) => { try { localStorage.setItem("dnabert-look", look); } catch { /* kept on the page only */ } };
  let chosen = ["dark", "light"].includes(stored()) ? stored() : null;
  const apply = () => {
    root.dataset.look = chosen ?? (system.matches ? "dark" : "light");
    const button = document.getElementById("look");
    if (button) {
      button.hidden = false;
      button.textContent = root.dataset.look === "dark" ? "Light look" : "Dark look";
    }
    window.dispatchEvent(new Event("look"));
  };
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("look").addEventListener("click", () => {
      chosen = root.dataset.look === "dark" ? "light" : "dark";
      store(chosen);
      apply();
    });
    apply();
  });
  apply();
})();
