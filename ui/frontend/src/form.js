// Forms: what a link's choice means, what is shown, needed or locked while somebody types, and a question before
// anything typed is lost. Without it the server does the same once the form is sent.

import { compile } from "./expression.js";

document.addEventListener("input", (event) => {
  const link = event.target.closest?.("[data-link]");
  if (link) {
    choose(link, event.target.value);
  }
  const form = event.target.closest?.("form[data-guard]");
  if (form) {
    form.dataset.touched = "1";
    follow(form);
  }
});

document.addEventListener("submit", (event) => {
  delete event.target.dataset?.touched;
});

window.addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-guard][data-touched]")) {
    event.preventDefault();
  }
});

for (const form of document.querySelectorAll("form[data-guard]")) {
  follow(form);
}

/** Keep the id of the record whose title was chosen. */
function choose(link, title) {
  const found = [...link.querySelectorAll("option")].find((option) => option.value === title);
  if (found) {
    link.querySelector("[data-link-id]").value = found.dataset.id;
    link.querySelector("[data-link-title]").value = title;
  }
}

/** Show, require and lock fields as their conditions say; a condition that cannot be worked out here changes nothing. */
function follow(form) {
  const conditional = form.querySelectorAll("[data-visible-when], [data-required-when], [data-read-only-when]");
  if (conditional.length === 0) {
    return;
  }
  const row = values(form);
  const env = JSON.parse(form.dataset.env);
  for (const field of conditional) {
    const { visibleWhen, requiredWhen, readOnlyWhen } = field.dataset;
    const visible = holds(visibleWhen, row, env);
    if (visible !== null) {
      field.hidden = !visible;
    }
    const locked = holds(readOnlyWhen, row, env);
    if (locked !== null) {
      for (const input of field.querySelectorAll("input, select, textarea")) {
        input.toggleAttribute("data-locked", locked);
        if ("readOnly" in input) {
          input.readOnly = locked;
        }
      }
    }
    const required = holds(requiredWhen, row, env);
    if (required !== null) {
      field.classList.toggle("is-required", required);
    }
  }
}

function holds(condition, row, env) {
  if (!condition) {
    return null;
  }
  try {
    return Boolean(compile(JSON.parse(condition))(row, env));
  } catch {
    return null;
  }
}

function values(form) {
  const row = {};
  for (const input of form.querySelectorAll("[data-field] [name]")) {
    const { name, type } = input;
    if (name.startsWith("was-") || name.startsWith("title-")) {
      continue;
    }
    if (name.startsWith("id-")) {
      row[name.slice(3)] = input.value || null;
    } else if (type === "checkbox") {
      row[name] = input.checked;
    } else if (!(name in row)) {
      row[name] = input.value === "" ? null : input.value;
    }
  }
  return row;
}
