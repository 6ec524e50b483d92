// Forms: what is shown, needed, locked or offered while somebody types, more child rows, and a question before
// anything typed is lost. Without it the server does the same once the form is sent.

import { compile, momentIn } from "./expression.js";

const CONDITIONAL =
  "[data-visible-when], [data-required-when], [data-read-only-when], [data-options-when]";
const AGGREGATES = new Set(["any", "all", "count", "sum_of"]);
const compiled = new Map();

document.addEventListener("input", changed);
document.addEventListener("change", changed);
document.addEventListener("guanxi:chosen", changed);

function changed(event) {
  const form = event.target.closest?.("form[data-guard]");
  if (form) {
    form.dataset.touched = "1";
    follow(form);
  }
}

// --- sent once, and never lost unasked

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (!form) {
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  form.querySelector("[data-send]")?.setAttribute("aria-busy", "true");
});

// Whoever comes back to a page that the browser kept may send it again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[data-send]")?.removeAttribute("aria-busy");
  }
});

window.addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-guard][data-touched]:not([data-sent])")) {
    event.preventDefault();
  }
});

// --- conditions

/** Show, require, lock and offer as conditions say; one that cannot be worked out here changes nothing. */
function follow(form) {
  const conditional = form.querySelectorAll(CONDITIONAL);
  if (conditional.length === 0) {
    return;
  }
  const env = JSON.parse(form.dataset.env);
  const row = values(form, env);
  for (const field of conditional) {
    const { visibleWhen, requiredWhen, readOnlyWhen, optionsWhen } = field.dataset;
    tell(visibleWhen, row, env, (visible) => {
      field.hidden = !visible;
      field.classList.toggle("is-off", !visible);
    });
    tell(readOnlyWhen, row, env, (locked) => {
      field.classList.toggle("is-locked", locked);
      field.querySelector(".field-control").inert = locked;
    });
    tell(requiredWhen, row, env, (required) => {
      const mark = field.querySelector(".required");
      if (mark) {
        mark.hidden = !required;
      }
      field.querySelector(".form-control, .form-select")?.setAttribute("aria-required", String(required));
    });
    for (const [key, tree] of Object.entries(optionsWhen ? JSON.parse(optionsWhen) : {})) {
      tell(tree, row, env, (offered) => offer(field, key, offered));
    }
  }
}

/** Hide an option that may not be chosen now; one that is chosen stays, and the server says what is wrong with it. */
function offer(field, key, offered) {
  const option = field.querySelector(`option[value="${CSS.escape(key)}"]`);
  if (option) {
    option.hidden = option.disabled = !offered && !option.selected;
    return;
  }
  const box = field.querySelector(`input[value="${CSS.escape(key)}"]`);
  if (box) {
    box.closest("label").hidden = !offered && !box.checked;
  }
}

function tell(condition, row, env, say) {
  if (!condition) {
    return;
  }
  const key = typeof condition === "string" ? condition : JSON.stringify(condition);
  try {
    if (!compiled.has(key)) {
      const tree = JSON.parse(key);
      compiled.set(key, [compile(tree), reads(tree)]);
    }
    const [evaluate, paths] = compiled.get(key);
    if (paths.every((path) => path in row)) {
      say(Boolean(evaluate(row, env)));
    }
  } catch {
    // The server knows.
  }
}

/** The dotted paths that an expression reads of the record itself. */
function reads(tree) {
  if (tree === null || typeof tree !== "object") {
    return [];
  }
  if (tree.path) {
    return [tree.path.join(".")];
  }
  const parts = tree.args ?? [];
  return (AGGREGATES.has(tree.call) ? parts.slice(0, 1) : parts).flatMap(reads);
}

/** What the form says now, by path, as JSON has it; below it what is stored and has no input. */
function values(form, env) {
  const row = JSON.parse(form.dataset.row);
  for (const field of form.querySelectorAll("[data-field]")) {
    const name = field.dataset.field;
    const table = field.querySelector("[data-rows]");
    if (table) {
      row[name] = [...table.querySelectorAll("tr")].map((line) => lineOf(line, name, env)).filter(Boolean);
    } else if (!field.closest("[data-rows]")) {
      row[name] = valueOf(field, name, env);
      const was = form.elements[`was-${name}`]?.value;
      if (field.querySelector("[data-link]") && was !== (row[name] ?? "")) {
        // What lies beyond another link is not known here.
        Object.keys(row).filter((path) => path.startsWith(`${name}.`)).forEach((path) => delete row[path]);
      }
    }
  }
  return row;
}

function lineOf(line, table, env) {
  const prefix = `${table}-${line.dataset.place}-`;
  const found = {};
  for (const field of line.querySelectorAll("[data-field]")) {
    found[field.dataset.field.slice(prefix.length)] = valueOf(field, field.dataset.field, env);
  }
  const there = line.querySelector(`[name="${prefix}id"]`)?.value || Object.values(found).some((value) => value);
  return there && !line.querySelector(`[name="${prefix}delete"]`)?.checked ? found : null;
}

function valueOf(field, name, env) {
  const named = [...field.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
  const link = field.querySelector("[data-link-id]");
  if (link && named.length === 1 && named[0].closest("[data-link]")) {
    return named[0].value.trim() === "" ? null : link.value || null;
  }
  if (named.length > 1 || field.querySelector("[role=group]")) {
    return named.filter((box) => box.checked).map((box) => box.value);
  }
  const [input] = named;
  if (!input) {
    return null;
  }
  if (input.type === "checkbox") {
    return input.checked;
  }
  const text = input.value.trim();
  if (text === "") {
    return null;
  }
  if (input.type === "datetime-local") {
    return momentIn(text, env["user.timezone"]);
  }
  return input.inputMode === "decimal" ? text.replaceAll(/[,，\s]/g, "") : text;
}

// --- child rows

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-more]");
  const body = button?.form.querySelector(`[data-rows="${CSS.escape(button.dataset.more)}"]`);
  const last = body?.querySelector("tr:last-child");
  if (!last || last.querySelector('[name$="-id"]')?.value) {
    return; // no empty row to take as a pattern: the server makes one
  }
  event.preventDefault();
  const [from, to] = [Number(last.dataset.place), body.children.length].map((place) => `${button.dataset.more}-${place}-`);
  const line = last.cloneNode(true);
  line.dataset.place = body.children.length;
  for (const each of line.querySelectorAll("*")) {
    for (const { name, value } of [...each.attributes]) {
      if (value.includes(from)) {
        each.setAttribute(name, value.replaceAll(from, to));
      }
    }
  }
  line.querySelectorAll(".field-wrong, .field-pick").forEach((each) => each.remove());
  line.querySelectorAll("[data-field]").forEach(empty);
  body.append(line);
  button.form.querySelector(`[name="count-${CSS.escape(button.dataset.more)}"]`).value = body.children.length;
  line.querySelector(".form-control, .form-select")?.focus();
});

/** Put an input back to what it was when the form was made. */
function empty(field) {
  const was = field.querySelector('[name^="was-"]')?.value ?? "";
  field.classList.remove("is-wrong");
  for (const input of field.querySelectorAll("input, select, textarea")) {
    if (input.name.startsWith("was-")) {
      continue;
    }
    if (input.type === "checkbox") {
      input.checked = input.value === "true" && was === "true";
    } else {
      input.value = input.name === field.dataset.field && input.type !== "file" && !input.closest("[data-link]") ? was : "";
    }
  }
}

document.addEventListener("change", (event) => {
  if (event.target.name?.endsWith("-delete")) {
    event.target.closest("tr")?.classList.toggle("is-removed", event.target.checked);
  }
});

for (const form of document.querySelectorAll("form[data-guard]")) {
  follow(form);
  form.querySelector(".is-wrong .form-control, .is-wrong .form-select")?.focus();
}
