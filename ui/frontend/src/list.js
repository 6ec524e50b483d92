// What a list gains from a script: one box that ticks all rows, and how many are ticked.

function rows(form) {
  return [...form.querySelectorAll('input[name="id"]')];
}

function tell(form) {
  const all = form.querySelector("[data-tick-all]");
  const told = form.querySelector("[data-ticked]");
  const boxes = rows(form);
  const ticked = boxes.filter((box) => box.checked).length;
  if (all) {
    all.hidden = boxes.length === 0;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  // All that fit may be chosen once all that are seen are ticked and there is more than is seen.
  const every = form.querySelector("[data-all]");
  if (every) {
    const more = form.querySelector("tr.more, .group-toggle") !== null;
    every.closest("label").hidden = !(more && ticked > 0 && ticked === boxes.length) && !every.checked;
    every.checked &&= ticked === boxes.length;
  }
  if (told) {
    told.textContent = ticked > 0 ? String(ticked) : "";
  }
}

let last = null;

// With Shift everything between two boxes is ticked as the second one is.
document.addEventListener("click", (event) => {
  const form = event.target.closest?.("form.listing");
  if (!form || event.target.name !== "id") {
    return;
  }
  const boxes = rows(form);
  const [from, to] = [boxes.indexOf(last), boxes.indexOf(event.target)];
  if (event.shiftKey && from >= 0) {
    for (const box of boxes.slice(Math.min(from, to), Math.max(from, to) + 1)) {
      box.checked = event.target.checked;
    }
  }
  last = event.target;
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form.listing");
  if (!form) {
    return;
  }
  if (event.target.matches("[data-tick-all]")) {
    for (const box of rows(form)) {
      box.checked = event.target.checked;
    }
  }
  tell(form);
});

function tellAll() {
  document.querySelectorAll("form.listing").forEach(tell);
}

// Groups: rows that were loaded once are only hidden and shown.
document.addEventListener("click", (event) => {
  const toggle = event.target.closest?.(".group-toggle");
  if (!toggle || event.ctrlKey || event.metaKey) {
    return;
  }
  event.preventDefault();
  const rows = document.getElementById(toggle.getAttribute("aria-controls"));
  const open = toggle.getAttribute("aria-expanded") !== "true";
  toggle.setAttribute("aria-expanded", String(open));
  rows.hidden = !open;
});

document.addEventListener("htmx:afterSettle", tellAll);
tellAll();
