// Dialogs. A trigger is a link to the page that holds the same form:
//   <a href="/reveal?…" data-dialog="reveal-dialog" data-fill-field="id_number">
// With scripts the <dialog id="reveal-dialog"> opens instead, and every
// data-fill-NAME value is written to the dialog's input of that name and to
// elements marked data-fill="NAME".

export function dialogs(root) {
  for (const trigger of root.querySelectorAll("[data-dialog]")) {
    if (trigger.dataset.ready) continue;
    trigger.dataset.ready = "1";
    trigger.addEventListener("click", (event) => {
      const dialog = document.getElementById(trigger.dataset.dialog);
      if (!(dialog instanceof HTMLDialogElement)) return;
      event.preventDefault();
      fill(dialog, trigger.dataset);
      dialog.showModal();
    });
  }
  for (const button of root.querySelectorAll("[data-close]")) {
    if (button.dataset.ready) continue;
    button.dataset.ready = "1";
    button.addEventListener("click", (event) => {
      const dialog = button.closest("dialog");
      if (!dialog?.open) return;
      event.preventDefault();
      dialog.close();
    });
  }
}

function fill(dialog, data) {
  for (const [key, value] of Object.entries(data)) {
    if (!key.startsWith("fill")) continue;
    const name = key.slice(4).replace(/^./, (c) => c.toLowerCase());
    for (const input of dialog.querySelectorAll("input")) {
      if (input.name === name) input.value = value;
    }
    for (const place of dialog.querySelectorAll("[data-fill]")) {
      if (place.dataset.fill === name) place.textContent = value;
    }
  }
}
