// What the pages of forms load: conditions and formulas, child rows, drafts, and a question before anything is lost.

import { keepSoon } from "../forms/drafts.js";
import "../forms/entry.js";
import { follow } from "../forms/follow.js";
import "../forms/guard.js";
import "../forms/lookups.js";
import "../forms/rows.js";
import { bringUp, setUp } from "../forms/tabs.js";

const DUPLICATES_WAIT = 600;
const next = new Map();
let asked = 0;

for (const kind of ["input", "change", "guanxi:chosen"]) {
  document.addEventListener(kind, changed);
}

function changed(event) {
  const form = event.target.closest?.("form[data-guard]");
  if (!form || event.target.closest("[data-not-mine]")) {
    return;
  }
  form.dataset.touched = "1";
  keepSoon(form);
  // Once for each picture, however many inputs a paste or a browser's own filling-in changed.
  const name = nameOf(form, event.target);
  if (!next.has(form)) {
    next.set(form, new Set());
    requestAnimationFrame(() => {
      const touched = [...next.get(form)];
      next.delete(form);
      follow(form, touched.includes("") ? null : touched);
    });
  }
  next.get(form).add(name);
  lookForDuplicates(form);
}

/** The field of the record in which something changed, the table of a row; "" where it cannot be told. */
function nameOf(form, target) {
  const field = target.closest("[data-rows]")?.closest("[data-field]") ?? target.closest("[data-field]");
  return field && form.contains(field) ? field.dataset.field : "";
}

/** Let what stands in the form be compared with the records that there are, a moment after the last change. */
function lookForDuplicates(form) {
  const place = form.querySelector("[data-duplicates]");
  if (!place?.dataset.duplicates) {
    return;
  }
  clearTimeout(asked);
  asked = setTimeout(async () => {
    const body = new FormData(form);
    for (const [name, value] of [...body]) {
      if (value instanceof File) {
        body.delete(name);
      }
    }
    body.set("record", form.dataset.record ?? "");
    const answer = await fetch(place.dataset.duplicates, {
      method: "POST", body, headers: { "HX-Request": "true" },
    }).catch(() => null);
    if (answer?.ok && !answer.redirected) {
      place.innerHTML = await answer.text();
      place.hidden = place.textContent.trim() === "";
      window.htmx?.process(place);
    }
  }, DUPLICATES_WAIT);
}

// A form that came into the page later, such as that of a list of what belongs to a record.
document.addEventListener("guanxi:form", (event) => {
  setUp(event.target);
  follow(event.target);
});

for (const form of document.querySelectorAll("form[data-guard]")) {
  setUp(form);
  follow(form);
  const wrong = form.querySelector(".is-wrong .form-control, .is-wrong .form-select");
  if (wrong) {
    bringUp(wrong);
    wrong.focus();
  }
}
