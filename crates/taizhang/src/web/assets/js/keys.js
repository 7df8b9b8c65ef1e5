// Keyboard: "/" to the search box, "j"/"k" through rows, Enter opens the row,
// Escape closes menus, and any control with data-key="x" answers to that key.

const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches("input, textarea, select"));

export function keys(doc) {
  doc.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of doc.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary")?.focus();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (doc.querySelector("dialog[open]")) return;
    if (event.key === "/") {
      const box = doc.querySelector("input[type=search]");
      if (!box) return;
      event.preventDefault();
      box.focus();
      box.select();
      return;
    }
    if (event.key === "j" || event.key === "k") {
      step(doc, event.key === "j" ? 1 : -1);
      return;
    }
    const wanted = [...doc.querySelectorAll("[data-key]")].find(
      (control) => control.dataset.key === event.key,
    );
    if (wanted) {
      event.preventDefault();
      wanted.focus();
      wanted.click();
    }
  });
  doc.addEventListener("click", (event) => {
    for (const menu of doc.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
}

// The first link of a row stands for the row.
function step(doc, by) {
  const links = [...doc.querySelectorAll("tbody tr")]
    .map((row) => row.querySelector("a[href]"))
    .filter(Boolean);
  if (links.length === 0) return;
  const row = doc.activeElement?.closest?.("tbody tr");
  const at = links.findIndex((link) => link.closest("tr") === row);
  const next = at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + by));
  links[next].focus();
  links[next].scrollIntoView({ block: "nearest" });
}
