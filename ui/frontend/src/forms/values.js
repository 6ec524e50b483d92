// What a form says now: its inputs as values that expressions take.

import { momentIn } from "../expression.js";

/** What the form says now, by path, as JSON has it; below it what is stored and has no input. */
export function values(form, env) {
  const row = JSON.parse(form.dataset.row);
  for (const field of form.querySelectorAll("[data-field]")) {
    put(form, field, row, env);
  }
  return row;
}

/** Put what one field says now into a row; false when it stands in a row of its own, which its table tells. */
export function put(form, field, row, env) {
  const name = field.dataset.field;
  const table = field.querySelector("[data-rows]");
  if (table) {
    row[name] = [...table.querySelectorAll("tr")].map((line) => lineOf(line, name, env)).filter(Boolean);
    return true;
  }
  if (field.closest("[data-rows]")) {
    return false;
  }
  row[name] = valueOf(field, name, env);
  const was = form.elements[`was-${name}`]?.value;
  if (field.querySelector("[data-link]") && was !== (row[name] ?? "")) {
    // What lies beyond another link is not known here.
    Object.keys(row).filter((path) => path.startsWith(`${name}.`)).forEach((path) => delete row[path]);
  }
  return true;
}

export function lineOf(line, table, env) {
  const prefix = `${table}-${line.dataset.place}-`;
  const found = {};
  for (const field of line.querySelectorAll("[data-field]")) {
    found[field.dataset.field.slice(prefix.length)] = valueOf(field, field.dataset.field, env);
  }
  const there = line.querySelector(`[name="${prefix}id"]`)?.value || Object.values(found).some((value) => value);
  return there && !line.querySelector(`[name="${prefix}delete"]`)?.checked ? found : null;
}

export function valueOf(field, name, env) {
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
