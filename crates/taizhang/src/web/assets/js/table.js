// Tables with a selection column: one box selects all, and the selection bar
// shows how many are chosen. Without scripts the boxes and the form still work.

export function tables(root) {
  for (const all of root.querySelectorAll("input[data-select-all]")) {
    if (all.dataset.ready) continue;
    all.dataset.ready = "1";
    all.hidden = false;
    const table = all.closest("table");
    const scope = all.closest("form") ?? document;
    const boxes = () => [...table.querySelectorAll("tbody input[type=checkbox]")];
    // A box that stands for everything that matches, beyond what the page shows.
    const view = scope.querySelector("input[data-selects-view]");
    const show = () => {
      const chosen = boxes().filter((box) => box.checked);
      all.checked = chosen.length > 0 && chosen.length === boxes().length;
      all.indeterminate = chosen.length > 0 && !all.checked;
      for (const box of boxes()) box.closest("tr").classList.toggle("is-on", box.checked);
      for (const bar of scope.querySelectorAll(".sel-bar")) bar.classList.toggle("is-on", chosen.length > 0 || !!view?.checked);
      for (const count of scope.querySelectorAll("[data-selected-count]")) {
        count.textContent = String(chosen.length);
      }
      for (const button of scope.querySelectorAll("[data-needs-selection]")) {
        button.disabled = chosen.length === 0 && !view?.checked;
      }
    };
    all.addEventListener("change", () => {
      for (const box of boxes()) box.checked = all.checked;
      show();
    });
    table.addEventListener("change", show);
    view?.addEventListener("change", show);
    show();
  }
}
