// Entry module. Every page works without it: each part below only enhances
// links and forms that already do their job on their own.

import { dialogs } from "./js/dialog.js";
import { forms } from "./js/form.js";
import { keys } from "./js/keys.js";
import { tables } from "./js/table.js";
import { grids } from "./js/grid.js";
import { charts } from "./js/chart.js";

function enhance(root) {
  dialogs(root);
  forms(root);
  tables(root);
  grids(root);
  charts(root);
}

enhance(document);
keys(document);

// Content swapped in by htmx is enhanced like the first page load.
document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail?.ctx?.target ?? event.target;
  enhance(target instanceof Element ? target : document);
});
