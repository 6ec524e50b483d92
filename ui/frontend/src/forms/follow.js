// What is shown, needed, locked, offered and worked out while somebody types. Where the browser cannot tell, the server
// is asked; and it has the last word when the form is saved.

import { compile, toJson } from "../expression.js";
import { lineOf, put, values } from "./values.js";

const CONDITIONAL = "[data-visible-when], [data-required-when], [data-read-only-when], [data-options-when]";
const AGGREGATES = new Set(["any", "all", "count", "sum_of"]);
const NUMBERS = new Set(["number", "integer", "money", "percent"]);
const ROUNDS = 4; // of formulas that read one another
const WAIT = 300;
const compiled = new Map();
const known = new WeakMap();
const waiting = new WeakMap();

/**
 * Bring a form in line with what stands in it.
 *
 * `touched` are the names of the fields that changed since the last time; without it all of the form is gone through.
 * What reads none of them is left alone: of three hundred fields a key changes one.
 */
export function follow(form, touched = null) {
  const told = whatOf(form);
  const env = told.env;
  const before = touched && told.row;
  const row = before ? { ...before } : values(form, env);
  const tables = Object.entries(told.live.tables);
  if (before && !again(form, touched, row, env)) {
    follow(form);
    return;
  }
  const changed = before ? new Set(touched) : null;
  if (!changed || tables.length > 0 || told.live.fields.some(({ tree }) => concerns(tree, changed))) {
    workOut(form, told.live, row, env);
    for (const { key } of changed ? told.live.fields : []) {
      if (row[key] !== before[key]) {
        changed.add(key);
      }
    }
  }
  told.row = row;
  const missing = { any: false };
  told.unknown = changed ? told.unknown : new Set();
  for (const each of told.conditional) {
    if (!changed || each.reads === null || each.reads.some((key) => changed.has(key)) || told.unknown.has(each)) {
      const own = { any: false };
      apply(each.field, each.when, row, env, own);
      told.unknown[own.any ? "add" : "delete"](each);
    }
  }
  missing.any = told.unknown.size > 0;
  for (const [table, { when, parent }] of tables) {
    if (when) {
      followRows(form, table, when, parent, row, env, missing);
    }
  }
  if (missing.any || form.dataset.logic) {
    askServer(form);
  }
}

/** Put what the touched fields say into a row; false when one of them is none that was known before. */
function again(form, touched, row, env) {
  return touched.every((name) => {
    const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    return field !== null && put(form, field, row, env);
  });
}

/** What a page says of a form, with the fields that have conditions and what those read; worked out once. */
function conditionalOf(form) {
  return [...form.querySelectorAll(CONDITIONAL)]
    .filter((field) => !field.closest("[data-rows]"))
    .map((field) => {
      const when = whenOf(field);
      const trees = [when.visible, when["read-only"], when.required, ...Object.values(optionsOf(when))].filter(Boolean);
      return { field, when, reads: trees.flatMap(firstKeys) };
    });
}

function optionsOf(when) {
  return (typeof when.options === "string" ? JSON.parse(when.options) : when.options) ?? {};
}

/** The fields of the record that an expression begins at. */
function firstKeys(tree) {
  const read = typeof tree === "string" ? JSON.parse(tree) : tree;
  return reads(read).map((path) => path.split(".")[0]);
}

function concerns(tree, changed) {
  return reads(tree).some((path) => changed.has(path.split(".")[0]));
}

function whatOf(form) {
  if (!known.has(form)) {
    const live = form.dataset.liveOf ? JSON.parse(form.dataset.liveOf) : {};
    known.set(form, {
      env: JSON.parse(form.dataset.env),
      live: { fields: live.fields ?? [], tables: live.tables ?? {} },
      conditional: conditionalOf(form),
      row: null, // what stood in the form the last time
      unknown: new Set(), // conditions that only the server can tell
    });
  }
  return known.get(form);
}

function whenOf(field) {
  const { visibleWhen, requiredWhen, readOnlyWhen, optionsWhen } = field.dataset;
  return { visible: visibleWhen, required: requiredWhen, "read-only": readOnlyWhen, options: optionsWhen };
}

function apply(field, when, row, env, missing) {
  tell(when.visible, row, env, missing, (visible) => show(field, visible));
  tell(when["read-only"], row, env, missing, (locked) => lock(field, locked));
  tell(when.required, row, env, missing, (required) => need(field, required));
  for (const [key, tree] of Object.entries(optionsOf(when))) {
    tell(tree, row, env, missing, (offered) => offer(field, key, offered));
  }
}

function show(field, visible) {
  field.hidden = !visible;
  field.classList.toggle("is-off", !visible);
}

function lock(field, locked) {
  field.classList.toggle("is-locked", locked);
  const control = field.querySelector(".field-control");
  if (control) {
    control.inert = locked;
  }
}

function need(field, required) {
  const mark = field.querySelector(".required");
  if (mark) {
    mark.hidden = !required;
  }
  field.querySelector(".form-control, .form-select")?.setAttribute("aria-required", String(required));
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

/** What an expression makes of a row, undefined when the row does not hold all that it reads. */
function evaluated(tree, row, env) {
  const key = typeof tree === "string" ? tree : JSON.stringify(tree);
  try {
    if (!compiled.has(key)) {
      const read = JSON.parse(key);
      compiled.set(key, [compile(read), reads(read)]);
    }
    const [evaluate, paths] = compiled.get(key);
    return paths.every((path) => path in row) ? evaluate(row, env) : undefined;
  } catch {
    return undefined; // the server knows
  }
}

function tell(condition, row, env, missing, say) {
  if (!condition) {
    return;
  }
  const found = evaluated(condition, row, env);
  if (found === undefined) {
    missing.any = true;
  } else {
    say(Boolean(found));
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

// --- what is worked out

function workOut(form, live, row, env) {
  for (const [table, told] of Object.entries(live.tables)) {
    const lines = [...form.querySelectorAll(`[data-rows="${CSS.escape(table)}"] tr`)];
    const found = [];
    for (const line of lines) {
      const value = lineOf(line, table, env);
      if (value) {
        const whole = { ...value, ...above(told.parent, row) };
        settle(told.fields ?? [], whole, env);
        found.push(whole);
        write(line, told.fields ?? [], whole, `${table}-${line.dataset.place}-`);
      } else {
        write(line, told.fields ?? [], {}, `${table}-${line.dataset.place}-`);
      }
    }
    row[table] = found;
  }
  settle(live.fields, row, env);
  write(form, live.fields, row, "");
  for (const output of form.querySelectorAll("[data-total]")) {
    const field = live.fields.find(({ key }) => key === output.dataset.total);
    const foot = output.closest("tfoot");
    if (field && row[field.key] !== undefined) {
      output.textContent = shown(row[field.key], field);
      foot.hidden = false;
    }
  }
}

/** What stands in the record itself, as its child rows read it. */
function above(parent, row) {
  if (!parent) {
    return {};
  }
  return Object.fromEntries(Object.entries(row).map(([path, value]) => [`${parent}.${path}`, value]));
}

function settle(fields, row, env) {
  for (const { key } of fields) {
    delete row[key];
  }
  for (let round = 0, open = fields; open.length > 0 && round < ROUNDS; round += 1) {
    open = open.filter(({ key, tree, scale }) => {
      const found = evaluated(tree, row, env);
      if (found !== undefined) {
        row[key] = rounded(toJson(found), scale);
      }
      return found === undefined;
    });
  }
}

/** A number with as many decimals as its field keeps, half to even as the server does. */
function rounded(value, scale) {
  if (scale === undefined || typeof value !== "string" || !/^-?\d+(\.\d+)?$/.test(value)) {
    return value;
  }
  const tree = JSON.stringify({ call: "round", args: [{ path: ["x"], type: "number" }, { number: String(scale) }] });
  const made = evaluated(tree, { x: value }, {});
  return made === undefined ? value : toJson(made);
}

function write(place, fields, row, prefix) {
  for (const field of fields) {
    const output = place.querySelector(`[data-live="${CSS.escape(prefix + field.key)}"]`);
    if (output && field.key in row) {
      const words = shown(row[field.key], field);
      if (output.textContent !== words) {
        output.textContent = words;
      }
    } else if (output && prefix) {
      output.textContent = "";
    }
  }
}

function shown(value, { kind, currency, plain, scale }) {
  if (value === null || value === undefined || value === "") {
    return "";
  }
  const language = document.documentElement.lang;
  if (NUMBERS.has(kind)) {
    const digits = { minimumFractionDigits: scale ?? 0, maximumFractionDigits: scale ?? 10 };
    const currencyDisplay = plain ? "narrowSymbol" : "symbol";
    const style = kind === "money" ? { style: "currency", currency, currencyDisplay } : {};
    const unit = kind === "percent" ? "%" : "";
    // As a text, so that no digit of a long number is lost on the way.
    return new Intl.NumberFormat(language, { ...digits, ...style }).format(String(value)) + unit;
  }
  if (kind === "boolean") {
    return value ? "✓" : "✗";
  }
  return String(value);
}

// --- conditions in child rows

function followRows(form, table, when, parent, row, env, missing) {
  for (const line of form.querySelectorAll(`[data-rows="${CSS.escape(table)}"] tr`)) {
    const prefix = `${table}-${line.dataset.place}-`;
    const value = { ...fieldsOf(line, table, env), ...above(parent, row) };
    for (const [key, found] of Object.entries(when)) {
      const field = line.querySelector(`[data-field="${CSS.escape(prefix + key)}"]`);
      if (field) {
        apply(field, found, value, env, { ...missing });
      }
    }
  }
}

function fieldsOf(line, table, env) {
  const value = lineOf(line, table, env);
  if (value) {
    return value;
  }
  const prefix = `${table}-${line.dataset.place}-`;
  return Object.fromEntries(
    [...line.querySelectorAll("[data-field]")].map(({ dataset }) => [dataset.field.slice(prefix.length), null]),
  );
}

// --- what only the server can tell

function askServer(form) {
  clearTimeout(waiting.get(form));
  waiting.set(form, setTimeout(() => ask(form), WAIT));
}

async function ask(form) {
  const body = new FormData(form);
  for (const [name, value] of [...body]) {
    if (value instanceof File) {
      body.delete(name);
    }
  }
  body.set("record", form.dataset.record ?? "");
  const sent = JSON.stringify([...body]);
  if (form.dataset.asked === sent) {
    return;
  }
  form.dataset.asked = sent;
  const answer = await fetch(`/${form.dataset.entity}/form/logic`, { method: "POST", body }).catch(() => null);
  if (!answer?.ok || answer.redirected || form.dataset.asked !== sent) {
    return;
  }
  const { fields, sections } = await answer.json();
  for (const [key, { visible, required, options }] of Object.entries(fields)) {
    const field = form.querySelector(`[data-field="${CSS.escape(key)}"]`);
    if (!field) {
      continue;
    }
    if (visible !== undefined) {
      show(field, visible);
    }
    if (required !== undefined) {
      need(field, required);
    }
    for (const [option, offered] of Object.entries(options ?? {})) {
      offer(field, option, offered);
    }
  }
  for (const [key, visible] of Object.entries(sections)) {
    const section = form.querySelector(`[data-section="${CSS.escape(key)}"]`);
    if (section) {
      show(section, visible);
    }
  }
}
