// Forms: send once, submit a filter when it changes, show the chosen file,
// warn before leaving with unsaved words, print.

// A printed file must show why each conclusion was drawn, folded or not.
window.addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details.why")) fold.open = true;
});

export function forms(root) {
  for (const form of root.querySelectorAll("form")) {
    if (form.dataset.ready) continue;
    form.dataset.ready = "1";
    form.addEventListener("submit", () => sendOnce(form));
    if ("autosubmit" in form.dataset) {
      form.addEventListener("change", (event) => {
        if (event.target.matches("select, input[type=checkbox], input[type=radio], input[type=date]")) {
          form.requestSubmit();
        }
      });
    }
    if ("guard" in form.dataset) guard(form);
  }
  for (const drop of root.querySelectorAll(".drop")) dropzone(drop);
  for (const button of root.querySelectorAll("[data-print]")) {
    if (button.dataset.ready) continue;
    button.dataset.ready = "1";
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
}

// A second click on a slow line must not send the form twice. The buttons
// come back when the page is restored from the back/forward cache.
function sendOnce(form) {
  // A form that answers with a file leaves the page standing.
  if (form.method === "get" || "stays" in form.dataset) return;
  window.setTimeout(() => {
    const buttons = form.querySelectorAll("button:not([type=button])");
    for (const button of buttons) button.disabled = true;
    const release = () => {
      for (const button of buttons) button.disabled = false;
    };
    window.addEventListener("pageshow", release, { once: true });
    form.addEventListener("htmx:finally:request", release, { once: true });
  }, 0);
}

function guard(form) {
  let dirty = false;
  form.addEventListener("input", () => { dirty = true; });
  form.addEventListener("submit", () => { dirty = false; });
  window.addEventListener("beforeunload", (event) => {
    if (dirty && document.contains(form)) event.preventDefault();
  });
}

function dropzone(drop) {
  const input = drop.querySelector("input[type=file]");
  if (!input || drop.dataset.ready) return;
  drop.dataset.ready = "1";
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    drop.addEventListener(name, () => drop.classList.remove("is-over"));
  }
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer?.files.length) input.files = event.dataTransfer.files;
  });
}
