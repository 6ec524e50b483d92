// Fields filled in where they stand: in the cells of a list and among the facts of a record. In a list the arrow keys
// walk from cell to cell, Enter or F2 opens one, Tab goes on to the next; Escape leaves things as they are.
// Without a script the form of the record is the way.

const LIST = "table.list";
const HEAD = "th[data-path]";
const TYPED = "input:not([type=hidden]), select, textarea";
let open = null; // {host, before, focus}

// --- where things are

const tableOf = (cell) => cell.closest(LIST);
const headOf = (cell) => tableOf(cell)?.tHead?.rows[0]?.cells[cell.cellIndex];
const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => addressOf(row));

/** Where the record of a row is: its link to the form is there only for who may change it. */
function addressOf(row) {
  return row.querySelector("a.act")?.getAttribute("href")?.replace(/\/edit$/, "") ?? "";
}

/** {address, field} of what is filled in in a cell or a fact; null where nothing is. */
function placeOf(host) {
  if (host.matches(".fact")) {
    const way = host.querySelector(".fact-edit")?.getAttribute("href");
    return way ? { address: way.replace(/\/edit#.*$/, ""), field: host.dataset.cell } : null;
  }
  const head = headOf(host);
  const address = addressOf(host.parentElement);
  return head?.hasAttribute("data-edit") && address ? { address, field: head.dataset.path.split(":")[0] } : null;
}

const valueOf = (host) => (host.matches(".fact") ? host.querySelector("dd:not(.fact-way)") : host);

// --- opening, saving, leaving

async function openCell(host) {
  const place = placeOf(host);
  if (!place || (open && !(await close()))) {
    return;
  }
  const answer = await ask(`${place.address}/cell/${place.field}`);
  if (!answer) {
    return;
  }
  if (!answer.ok) {
    say(answer.words);
    return;
  }
  const value = valueOf(host);
  open = { host, place, before: [...value.childNodes] };
  fill(value, answer.text);
  host.classList.add("is-open");
  start(value);
}

// A form within the form of the list: as text it would not be taken, as nodes it is.
function fill(value, text) {
  const made = Object.assign(document.createElement("template"), { innerHTML: text });
  value.replaceChildren(document.importNode(made.content, true));
}

function start(value) {
  const input = value.querySelector(TYPED);
  input?.focus();
  if (input?.matches("input[type=text], input[type=tel], input[type=email], input[type=url]")) {
    input.select();
  }
}

function leave() {
  if (!open) {
    return;
  }
  const { host, before } = open;
  open = null;
  valueOf(host).replaceChildren(...before);
  host.classList.remove("is-open");
  stand(host);
}

const changedSince = (form) =>
  [...form.elements].some((each) => {
    if (each.type === "checkbox" || each.type === "radio") {
      return each.checked !== each.defaultChecked;
    }
    if (each.tagName === "SELECT") {
      return [...each.options].some((option) => option.selected !== option.defaultSelected);
    }
    return each.type !== "hidden" && each.value !== each.defaultValue;
  });

/** Save what is open, or leave it when nothing was changed; say whether nothing is open any more. */
async function close() {
  const form = open && valueOf(open.host).querySelector("[data-cell-form]");
  if (!form) {
    return true;
  }
  if (!changedSince(form) && !form.querySelector(".field-wrong")) {
    leave();
    return true;
  }
  return save(form);
}

async function save(form) {
  if (form.dataset.sent) {
    return false;
  }
  form.dataset.sent = "1";
  const { host, place } = open;
  const facts = host.matches(".fact");
  const body = new FormData(form);
  const heads = facts ? [] : [...tableOf(host).tHead.rows[0].querySelectorAll(HEAD)];
  body.set("columns", facts ? place.field : heads.map((head) => head.dataset.path).join(","));
  body.set("as", facts ? "facts" : "list");
  const answer = await ask(form.getAttribute("action"), body);
  delete form.dataset.sent;
  if (!answer) {
    return false;
  }
  if (!answer.ok) {
    if (answer.text.includes("data-cell-form")) {
      fill(valueOf(host), answer.text);
      start(valueOf(host));
    } else {
      say(answer.words);
    }
    return false;
  }
  leave();
  take(host, heads, answer.text);
  return true;
}

/** Put in place what the server says the row shows now, and what it has to say. */
function take(host, heads, text) {
  const made = new DOMParser().parseFromString(text, "text/html");
  for (const told of made.querySelectorAll("template[data-path]")) {
    const { path } = told.dataset;
    const head = heads.find((each) => each.dataset.path.split(":")[0] === path);
    const cell = head ? host.parentElement.cells[head.cellIndex] : valueOf(host);
    cell.replaceChildren(document.importNode(told.content, true));
  }
  current(made.querySelector("template[data-now]")?.dataset.now);
  for (const back of made.querySelectorAll("#notices input[name=back]")) {
    back.value = location.pathname + location.search;
  }
  document.getElementById("notices")?.append(...made.querySelectorAll("#notices > .notice"));
  document.dispatchEvent(new CustomEvent("htmx:oobAfterSwap"));
  document.dispatchEvent(new CustomEvent("guanxi:saved"));
  if (host.matches(".fact")) {
    refresh(host.dataset.cell);
  } else {
    stand(host);
  }
}

/** Let the page of a record know its version: what was saved here is no news from others. */
function current(version) {
  if (version) {
    document.querySelectorAll("[data-version]").forEach((each) => (each.dataset.version = version));
    document.getElementById("present")?.setAttribute("hx-vals", JSON.stringify({ version }));
  }
}

const PARTS = [".record-facts", ".highlights", ".record-head h1", ".stages"];

/** Bring the page of a record up to date: other facts may follow from the one that was changed. */
async function refresh(key) {
  const answer = await ask(location.href, null, {});
  if (!answer?.ok || open) {
    return;
  }
  const made = new DOMParser().parseFromString(answer.text, "text/html");
  for (const part of PARTS) {
    const [here, there] = [document.querySelector(part), made.querySelector(part)];
    if (here && there && here.innerHTML !== there.innerHTML) {
      here.replaceChildren(...document.importNode(there, true).childNodes);
      window.htmx?.process(here);
    }
  }
  const fact = document.querySelector(`.fact[data-cell="${CSS.escape(key)}"] .fact-edit`);
  if (document.activeElement === document.body || document.activeElement === null) {
    fact?.focus({ preventScroll: true });
  }
}

async function ask(address, body = null, headers = { "HX-Request": "true" }) {
  const answer = await fetch(address, { method: body ? "POST" : "GET", body, headers }).catch(() => null);
  if (!answer) {
    return null;
  }
  const way = answer.headers.get("HX-Redirect") ?? (answer.redirected ? answer.url : "");
  if (way) {
    location.assign(way);
    return null;
  }
  const text = await answer.text();
  const page = answer.ok ? null : new DOMParser().parseFromString(text, "text/html");
  return { ok: answer.ok, text, words: page?.querySelector("main p, main h1")?.textContent.trim() ?? "" };
}

function say(text) {
  if (text) {
    document.dispatchEvent(new CustomEvent("guanxi:notice", { detail: { text, kind: "danger" } }));
  }
}

// --- with the pointer

document.addEventListener("dblclick", (event) => {
  const host = event.target.closest?.(`${LIST} tbody td, .fact[data-cell]`);
  if (host && !event.target.closest("form[data-cell-form], a, button, input, select, textarea")) {
    event.preventDefault();
    getSelection()?.removeAllRanges();
    openCell(host);
  }
});

document.addEventListener("click", (event) => {
  const pencil = event.target.closest?.(".fact-edit");
  if (pencil && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openCell(pencil.closest(".fact"));
    return;
  }
  if (event.target.closest?.("[data-cell-leave]")) {
    leave();
    return;
  }
  const cell = event.target.closest?.(`${LIST} tbody td`);
  if (cell && !event.target.closest("a, button, input, label, form") && headOf(cell)?.matches(HEAD)) {
    stand(cell);
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("[data-cell-form]");
  if (form) {
    event.preventDefault();
    event.stopPropagation();
    save(form);
  }
}, true);

document.addEventListener("focusout", (event) => {
  const form = event.target.closest?.("[data-cell-form]");
  if (form && document.hasFocus() && !form.contains(event.relatedTarget)) {
    // What takes the focus may be inside a moment later, such as a choice that is pressed.
    setTimeout(() => {
      if (form.isConnected && !form.contains(document.activeElement) && document.hasFocus()) {
        close();
      }
    }, 120);
  }
});

// --- with the keyboard

/** Let a cell be the one that the keys speak to. */
function stand(host) {
  const table = tableOf(host);
  if (!table) {
    host.querySelector(".fact-edit")?.focus({ preventScroll: true });
    return;
  }
  table.querySelectorAll("td[tabindex]").forEach((each) => each.removeAttribute("tabindex"));
  host.tabIndex = 0;
  host.focus({ preventScroll: true });
  host.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function step(cell, down, right) {
  const table = tableOf(cell);
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => row.cells.length > 2);
  const row = rows[rows.indexOf(cell.parentElement) + down];
  const next = row?.cells[cell.cellIndex + right];
  return next && headOf(next)?.matches(HEAD) ? next : null;
}

/** The next cell that can be filled in, in reading order or against it. */
function nextOpen(host, back) {
  if (host.matches(".fact")) {
    const facts = [...document.querySelectorAll(".fact[data-cell]")].filter((each) => each.offsetParent);
    return facts[facts.indexOf(host) + (back ? -1 : 1)];
  }
  const table = tableOf(host);
  const cells = rowsOf(table).flatMap((row) => [...row.cells]).filter((cell) => headOf(cell)?.hasAttribute("data-edit"));
  return cells[cells.indexOf(host) + (back ? -1 : 1)];
}

const MOVES = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("[data-cell-form]");
  if (form) {
    keysInside(event, form);
    return;
  }
  const cell = event.target.matches?.(`${LIST} tbody td`) ? event.target : null;
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const move = MOVES[event.key];
  if (move) {
    event.preventDefault();
    const rtl = document.dir === "rtl" ? -1 : 1;
    const next = step(cell, move[0], move[1] * rtl);
    if (next) {
      stand(next);
    }
  } else if (event.key === "Enter" || event.key === "F2") {
    event.preventDefault();
    if (placeOf(cell)) {
      openCell(cell);
    } else if (event.key === "Enter") {
      cell.querySelector("a")?.click();
    }
  } else if (event.key === " ") {
    const box = cell.parentElement.querySelector('input[name="id"]');
    if (box) {
      event.preventDefault();
      box.click();
    }
  } else if (event.key === "Escape") {
    cell.removeAttribute("tabindex");
    cell.blur();
  }
});

async function keysInside(event, form) {
  if (event.isComposing) {
    return;
  }
  const expanded = event.target.getAttribute("aria-expanded") === "true" && form.querySelector('[aria-selected="true"]');
  const { host } = open ?? {};
  if (!host || event.defaultPrevented) {
    return;
  }
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    leave();
  } else if (event.key === "Enter" && !expanded && event.target.matches("input, select") && !event.shiftKey) {
    event.preventDefault();
    if (await close()) {
      const below = tableOf(host) && step(host, 1, 0);
      if (below && event.target.matches("input")) {
        stand(below);
      }
    }
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    close();
  } else if (event.key === "Tab" && lastOf(form, event.target, event.shiftKey)) {
    event.preventDefault();
    if (await close()) {
      const next = nextOpen(host, event.shiftKey);
      if (next) {
        openCell(next);
      }
    }
  }
}

/** Say whether Tab would leave the inputs of a cell: one with several inputs is walked through first. */
function lastOf(form, input, back) {
  const inputs = [...form.querySelectorAll(TYPED)].filter((each) => each.offsetParent);
  return inputs.at(back ? 0 : -1) === input || !inputs.includes(input);
}

/** The way in for the keyboard: the first cell of a list can be reached by Tab. */
function offer() {
  for (const table of document.querySelectorAll(LIST)) {
    const [row] = rowsOf(table);
    const heads = table.tHead?.rows[0]?.querySelectorAll("th[data-edit]");
    if (row && heads?.length && !table.querySelector("td[tabindex]")) {
      table.setAttribute("role", "grid");
      row.cells[heads[0].cellIndex].tabIndex = 0;
    }
  }
}

document.addEventListener("htmx:afterSettle", offer);
offer();

// --- a record that is made in a list of what belongs to this one

document.addEventListener("htmx:afterSettle", async (event) => {
  const form = event.target.querySelector?.("form[data-forms]") ?? null;
  if (!form || !event.target.matches(".belonging-new")) {
    return;
  }
  (form.querySelector(".is-wrong .form-control") ?? form.querySelector(".form-control, .form-select"))?.focus();
  await import(form.dataset.forms).catch(() => null);
  form.dispatchEvent(new CustomEvent("guanxi:form", { bubbles: true }));
});

/** Close the form; what was typed is asked about first. */
function closeNew(form) {
  if (form.dataset.touched && !confirm(form.dataset.leave)) {
    return;
  }
  const list = form.closest(".belonging");
  form.remove();
  list.querySelector(".card-acts a[hx-get]")?.focus();
}

document.addEventListener("click", (event) => {
  const leave = event.target.closest?.("[data-related-leave]");
  if (leave) {
    closeNew(leave.form);
  }
});

document.addEventListener("keydown", (event) => {
  const form = event.key === "Escape" && !event.defaultPrevented ? event.target.closest?.(".belonging-new form") : null;
  if (form) {
    event.preventDefault();
    closeNew(form);
  }
});
