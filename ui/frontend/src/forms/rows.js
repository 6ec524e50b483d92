// Child rows in the form of their parent: added, copied, moved and removed on the spot, filled from a spreadsheet, and
// walked through with the keyboard. Without a script the buttons do the same on the server.

const YES = new Set(["true", "yes", "y", "1", "x", "✓", "是", "对"]);
const WALKED = "input.form-control, select.form-select, textarea.form-control, input[type=checkbox].form-check-input";

const changed = (element) => element.dispatchEvent(new Event("input", { bubbles: true }));
const bodyOf = (element) => element?.closest("[data-rows]");

document.addEventListener("click", (event) => {
  const more = event.target.closest?.("[data-more]");
  const body = more?.form.querySelector(`[data-rows="${CSS.escape(more.dataset.more)}"]`);
  if (body && patternOf(body)) {
    event.preventDefault();
    focus(addRow(body), 0);
    return;
  }
  const button = event.target.closest?.("[data-row-act]");
  const line = button?.closest("tr");
  if (line && patternOf(bodyOf(line))) {
    event.preventDefault();
    ACTS[button.dataset.rowAct](line);
    changed(line);
    if (button.isConnected) {
      button.focus();
    }
  }
});

const ACTS = {
  copy(line) {
    const fresh = addRow(bodyOf(line), line);
    line.after(fresh);
    take(line, fresh);
    number(bodyOf(line));
    focus(fresh, 0);
  },
  up(line) {
    line.previousElementSibling?.before(line);
    number(bodyOf(line));
  },
  down(line) {
    line.nextElementSibling?.after(line);
    number(bodyOf(line));
  },
};

/** An empty row to take as a pattern; none where every row is stored, and the server makes one. */
function patternOf(body) {
  return [...body.children].findLast((line) => !line.querySelector('[name$="-id"]')?.value);
}

/** Add an empty row at the end, and return it. */
function addRow(body) {
  const pattern = patternOf(body);
  const place = Number(body.closest(".field").querySelector("[data-count]").value);
  const [from, to] = [pattern.dataset.place, place].map((each) => `${body.dataset.rows}-${each}-`);
  const line = pattern.cloneNode(true);
  line.dataset.place = place;
  line.classList.remove("is-removed");
  for (const each of line.querySelectorAll("*")) {
    for (const { name, value } of [...each.attributes]) {
      if (value.includes(from)) {
        each.setAttribute(name, value.replaceAll(from, to));
      }
    }
    if (each.dataset.rowAct) {
      each.value = `${body.dataset.rows}:${each.dataset.rowAct}:${place}`;
    }
  }
  line.querySelectorAll(".field-wrong, .field-pick").forEach((each) => each.remove());
  line.querySelectorAll("[data-field]").forEach(empty);
  line.querySelectorAll("output").forEach((each) => (each.textContent = ""));
  line.querySelectorAll('[name$="-delete"]').forEach((each) => (each.checked = false));
  body.append(line);
  body.closest(".field").querySelector("[data-count]").value = place + 1;
  return line;
}

/** Put an input back to what it was when the form was made. */
function empty(field) {
  const was = field.querySelector('[name^="was-"]')?.value ?? "";
  field.classList.remove("is-wrong");
  for (const input of field.querySelectorAll("input, select, textarea")) {
    if (input.name.startsWith("was-")) {
      continue;
    }
    input.removeAttribute("aria-invalid");
    if (input.type === "checkbox") {
      input.checked = input.value === "true" && was === "true";
    } else {
      input.value = input.name === field.dataset.field && input.type !== "file" && !input.closest("[data-link]") ? was : "";
    }
  }
}

/** Fill a row with what stands in another one. */
function take(line, fresh) {
  const [from, to] = [line, fresh].map((each) => `${bodyOf(line).dataset.rows}-${each.dataset.place}-`);
  for (const input of line.querySelectorAll("[name]")) {
    const name = input.name.replace(from, to);
    const other = fresh.querySelector(`[name="${CSS.escape(name)}"]`);
    const own = name === `${to}id` || name === `${to}delete` || input.tagName === "BUTTON" || input.type === "file";
    if (!other || own) {
      continue;
    }
    if (name.startsWith("was-")) {
      other.value = ""; // all of it is new
    } else if (input.type === "checkbox") {
      other.checked = input.checked;
    } else {
      other.value = input.value;
    }
  }
}

/** Write into each row that is filled in where it stands, where rows have an order of their own. */
function number(body) {
  const key = body.dataset.order;
  if (!key) {
    return;
  }
  [...body.children].forEach((line, at) => {
    const input = line.querySelector(`[name="${body.dataset.rows}-${line.dataset.place}-${key}"]`);
    if (input && isFilled(line)) {
      input.value = String(at + 1);
    }
  });
}

function isFilled(line) {
  return [...line.querySelectorAll("input:not([type=hidden]), select, textarea, [name$='-id']")].some((input) =>
    input.type === "checkbox" ? input.checked && !input.name.endsWith("-delete") : input.value,
  );
}

document.addEventListener("change", (event) => {
  if (event.target.name?.endsWith("-delete")) {
    const line = event.target.closest("tr");
    line?.classList.toggle("is-removed", event.target.checked);
    if (event.target.checked && line && !line.querySelector('[name$="-id"]').value && bodyOf(line).children.length > 1) {
      const next = line.nextElementSibling ?? line.previousElementSibling;
      next.querySelector("[name$='-delete']")?.focus();
      line.hidden = true; // it is sent as one that is not wanted
    }
  }
});

// --- the keyboard

document.addEventListener("keydown", (event) => {
  const line = event.target.closest?.("[data-rows] tr");
  const input = event.target;
  if (!line || !input.matches(WALKED) || event.isComposing || event.defaultPrevented) {
    return;
  }
  const open = input.getAttribute("aria-expanded") === "true";
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !open && input.tagName !== "TEXTAREA") {
    event.preventDefault();
    walk(line, input, 1, true);
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const plain = input.type === "text" && !input.closest("[data-link]");
    if (plain) {
      event.preventDefault();
      walk(line, input, event.key === "ArrowDown" ? 1 : -1, false);
    }
  }
});

/** Go to the same column of another row; below the last one a row is added when asked for. */
function walk(line, input, step, adds) {
  const column = input.closest("td").cellIndex;
  let next = step > 0 ? line.nextElementSibling : line.previousElementSibling;
  if (!next && adds && patternOf(bodyOf(line))) {
    next = addRow(bodyOf(line));
  }
  if (next) {
    focus(next, adds && !isFilled(next) ? 0 : column);
  }
}

function focus(line, column) {
  const input = line.children[column]?.querySelector(WALKED) ?? line.querySelector(WALKED);
  input?.focus();
  input?.select?.();
}

// --- a block from a spreadsheet

document.addEventListener("paste", (event) => {
  const input = event.target.closest?.("[data-rows] .form-control, [data-rows] .form-select");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  const block = read(text);
  if (!input || input.tagName === "TEXTAREA" || (block.length < 2 && (block[0]?.length ?? 0) < 2)) {
    return;
  }
  event.preventDefault();
  const body = bodyOf(input);
  const column = input.closest("td").cellIndex;
  let line = input.closest("tr");
  for (const [at, values] of block.entries()) {
    if (at > 0) {
      line = line.nextElementSibling ?? (patternOf(body) ? addRow(body) : null);
    }
    if (!line) {
      break;
    }
    values.forEach((value, place) => put(line.children[column + place], value.trim()));
  }
  number(body);
  changed(input);
});

/** The rows and cells of a text as spreadsheets copy it: tabs between cells, quotes around cells with line breaks. */
function read(text) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const row = rows.at(-1);
    const letter = text[at];
    if (quoted) {
      if (letter === '"' && text[at + 1] === '"') {
        row[row.length - 1] += '"';
        at += 1;
      } else if (letter === '"') {
        quoted = false;
      } else {
        row[row.length - 1] += letter;
      }
    } else if (letter === '"' && row.at(-1) === "") {
      quoted = true;
    } else if (letter === "\t") {
      row.push("");
    } else if (letter === "\n") {
      rows.push([""]);
    } else if (letter !== "\r") {
      row[row.length - 1] += letter;
    }
  }
  if (rows.length > 1 && rows.at(-1).join("") === "") {
    rows.pop();
  }
  return rows;
}

function put(cell, value) {
  const field = cell?.querySelector("[data-field]");
  if (!field) {
    return;
  }
  const input = field.querySelector(`[name="${CSS.escape(field.dataset.field)}"]`);
  if (!input || input.type === "file" || input.type === "password") {
    return;
  }
  if (input.type === "checkbox") {
    input.checked = YES.has(value.toLowerCase());
  } else if (input.tagName === "SELECT") {
    const same = (each) => each.value === value || each.text.trim().toLowerCase() === value.toLowerCase();
    input.value = [...input.options].find(same)?.value ?? input.value;
  } else if (input.type === "date") {
    input.value = value.replace(/^(\d{4})[./年](\d{1,2})[./月](\d{1,2})日?$/, (_, year, month, day) =>
      [year, month.padStart(2, "0"), day.padStart(2, "0")].join("-"),
    );
  } else {
    input.value = value; // of a link: its name, which the server looks up
  }
}

// --- dragged by the handle

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest?.("[data-row-grip]");
  const line = handle?.closest("tr");
  if (!line) {
    return;
  }
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
  line.classList.add("is-dragged");
  const middle = (other) => {
    const { top, height } = other.getBoundingClientRect();
    return top + height / 2;
  };
  // The others make way: a row that is taken out and put back loses the hand that holds it.
  const move = ({ clientY }) => {
    while (line.previousElementSibling && clientY < middle(line.previousElementSibling)) {
      line.after(line.previousElementSibling);
    }
    while (line.nextElementSibling && clientY > middle(line.nextElementSibling)) {
      line.before(line.nextElementSibling);
    }
  };
  const drop = () => {
    handle.removeEventListener("pointermove", move);
    line.classList.remove("is-dragged");
    number(bodyOf(line));
    changed(line);
  };
  handle.addEventListener("pointermove", move);
  handle.addEventListener("pointerup", drop, { once: true });
  handle.addEventListener("pointercancel", drop, { once: true });
});
