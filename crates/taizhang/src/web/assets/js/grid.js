// A table that is walked like a sheet: <table data-grid> whose rows have
// data-href. Arrow keys move the cell, Home and End along the row, Ctrl with
// them to the ends, Page keys by ten rows, Space selects the row, Shift with
// an arrow or a click selects a range, Ctrl+A all, Enter opens. Reaching the
// end brings the next page in below, as long as the pager has one.

// Rows beyond which the pager is used instead: each one costs the browser.
const ROWS_MOST = 2000;
const PAGE = 10;

export function grids(root) {
  for (const table of root.querySelectorAll("table[data-grid]")) {
    if (table.dataset.ready) continue;
    table.dataset.ready = "1";
    grid(table);
  }
}

function grid(table) {
  const body = table.tBodies[0];
  const rows = () => [...body.rows];
  const cells = (row) => [...row.cells].filter((cell) => !cell.classList.contains("sel"));
  const box = (row) => row?.querySelector("td.sel input[type=checkbox]");
  let at = null;
  let anchor = null;
  let column = 0;

  table.setAttribute("role", "grid");
  if (box(rows()[0])) table.setAttribute("aria-multiselectable", "true");
  const dress = (row) => {
    row.setAttribute("role", "row");
    for (const cell of row.cells) {
      if (cell.tagName === "TD") cell.setAttribute("role", "gridcell");
      // One stop for the Tab key, whatever the size of the table; links and
      // boxes of the rows are reached by the keys of the grid.
      for (const inner of cell.querySelectorAll("a[href], input")) inner.tabIndex = -1;
    }
  };
  rows().forEach(dress);
  const marks = () => {
    for (const row of rows()) {
      const own = box(row);
      if (own) row.setAttribute("aria-selected", String(own.checked));
    }
  };
  table.addEventListener("change", marks);
  marks();
  const first = rows()[0];
  if (first) cells(first)[0].tabIndex = 0;

  const focus = (row, quiet) => {
    const list = cells(row);
    column = Math.max(0, Math.min(column, list.length - 1));
    for (const old of body.querySelectorAll("[tabindex='0']")) old.tabIndex = -1;
    const cell = list[column];
    cell.tabIndex = 0;
    at = row;
    if (!quiet) {
      cell.focus({ preventScroll: true });
      reveal(cell);
    }
  };
  // Sticky heads and the phone's bar cover a part of the window.
  const reveal = (cell) => {
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    const top = (table.tHead?.getBoundingClientRect().bottom ?? 0) + 4;
    const under = top - cell.getBoundingClientRect().top;
    if (under > 0) window.scrollBy(0, -under);
  };
  const set = (row, on) => {
    const own = box(row);
    if (!own || own.checked === on) return;
    own.checked = on;
    own.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const range = (from, to) => {
    const list = rows();
    const [a, b] = [list.indexOf(from), list.indexOf(to)].sort((x, y) => x - y);
    list.forEach((row, i) => {
      const own = box(row);
      if (own) own.checked = i >= a && i <= b;
    });
    box(to)?.dispatchEvent(new Event("change", { bubbles: true }));
  };

  body.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td, th");
    const row = cell?.closest("tr");
    if (!row) return;
    at = row;
    const i = cells(row).indexOf(cell);
    if (i >= 0) column = i;
  });
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (!row) return;
    const onBox = event.target.matches("td.sel, td.sel input");
    if (event.shiftKey && anchor && box(row)) {
      if (!onBox) event.preventDefault();
      window.getSelection()?.removeAllRanges();
      range(anchor, row);
      return;
    }
    anchor = row;
    if (event.target.closest("a, button, input")) return;
    const i = cells(row).indexOf(event.target.closest("td, th"));
    if (i >= 0) column = i;
    focus(row);
  });
  body.addEventListener("mousedown", (event) => {
    // A range of rows, not of letters.
    if (event.shiftKey && anchor) event.preventDefault();
  });

  table.addEventListener("keydown", async (event) => {
    const row = event.target.closest?.("tbody tr");
    if (!row || event.altKey) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    const list = rows();
    const i = list.indexOf(row);
    const ctrl = event.ctrlKey || event.metaKey;
    let to = null;
    switch (event.key) {
      case "ArrowDown": to = ctrl ? list.length - 1 : i + 1; break;
      case "ArrowUp": to = ctrl ? 0 : i - 1; break;
      case "PageDown": to = i + PAGE; break;
      case "PageUp": to = i - PAGE; break;
      case "ArrowLeft": column = ctrl ? 0 : column - 1; to = i; break;
      case "ArrowRight": column = ctrl ? Infinity : column + 1; to = i; break;
      case "Home": column = 0; to = ctrl ? 0 : i; break;
      case "End": column = Infinity; to = ctrl ? list.length - 1 : i; break;
      case " ":
        if (!box(row)) return;
        event.preventDefault();
        set(row, !box(row).checked);
        anchor = row;
        focus(row);
        return;
      case "a":
        if (!ctrl || !box(row)) return;
        event.preventDefault();
        range(list[0], list[list.length - 1]);
        return;
      case "Enter": {
        // Enter on a link is the link's own; on a cell it opens the row.
        if (event.target.closest("a[href]")) return;
        event.preventDefault();
        const link = event.target.querySelector?.("a[href]");
        const href = link?.getAttribute("href") ?? row.dataset.href;
        if (!href) return;
        if (ctrl) window.open(href, "_blank", "noopener");
        else window.location.assign(href);
        return;
      }
      case "Escape":
        for (const one of list) if (box(one)) box(one).checked = false;
        box(row)?.dispatchEvent(new Event("change", { bubbles: true }));
        anchor = null;
        return;
      default: return;
    }
    event.preventDefault();
    if (to >= list.length) {
      await more();
      to = Math.min(to, rows().length - 1);
    }
    const next = rows()[Math.max(0, to)];
    const extends_ = event.shiftKey && ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"].includes(event.key);
    if (extends_ && box(row)) {
      anchor ??= row;
      range(anchor, next);
    } else if (next !== row) {
      anchor = next;
    }
    focus(next);
  });

  // The next page, put below.
  const pager = table.closest("section")?.querySelector("nav.pager");
  let loading = null;
  const link = () => pager?.querySelector("a[rel=next]");
  function more() {
    if (loading) return loading;
    const next = link();
    if (!next || body.rows.length >= ROWS_MOST) return Promise.resolve();
    table.setAttribute("aria-busy", "true");
    loading = fetch(next.href, { headers: { accept: "text/html" } })
      .then((response) => (response.ok ? response.text() : Promise.reject(new Error(String(response.status)))))
      .then((text) => {
        const page = new DOMParser().parseFromString(text, "text/html");
        const found = page.querySelector("table[data-grid]");
        const known = new Set(rows().map((row) => row.dataset.href));
        for (const row of found ? [...found.tBodies[0].rows] : []) {
          // An item that moved meanwhile may come twice.
          if (known.has(row.dataset.href)) continue;
          const own = document.importNode(row, true);
          body.append(own);
          dress(own);
        }
        const after = page.querySelector("nav.pager a[rel=next]");
        if (after) next.setAttribute("href", after.getAttribute("href"));
        else next.remove();
        table.dispatchEvent(new Event("change"));
      })
      // The link is still there for whoever wants to try.
      .catch(() => {})
      .finally(() => {
        loading = null;
        table.removeAttribute("aria-busy");
      });
    return loading;
  }
  if (pager && "IntersectionObserver" in window) {
    // Nobody scrolls through a page that they have not begun to read.
    let read = false;
    window.addEventListener("scroll", () => { read = true; }, { once: true, passive: true });
    const watch = new IntersectionObserver(async (entries) => {
      if (!read || !entries.some((entry) => entry.isIntersecting)) return;
      await more();
      // Still in sight: looked at again.
      if (link()) {
        watch.unobserve(pager);
        watch.observe(pager);
      }
    }, { rootMargin: "600px" });
    watch.observe(pager);
  }
}
