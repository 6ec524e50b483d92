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
  if (told) {
    told.textContent = ticked > 0 ? String(ticked) : "";
  }
}

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
