// The palette: one input with a list of choices below it (the combobox pattern of the ARIA practices). What is on the
// page itself comes first, then what the server finds; it is asked while somebody types, never in the middle of a
// character of an input method, and an answer that is no longer wanted is broken off.

const WAIT = 150;
const ACTS = 8;
let dialog, input, results, asking, timer, scope, asked;

const options = () => [...results.querySelectorAll("[role=option]:not([hidden])")];
const marked = () => results.querySelector("[role=option][aria-selected=true]");

/** Open the palette, with words in its input. */
export function open(words = "") {
  if (dialog?.open) {
    return;
  }
  dialog?.remove();
  make();
  scope = "";
  asked = null;
  document.body.append(dialog);
  dialog.showModal();
  input.value = words;
  input.focus();
  input.setSelectionRange(words.length, words.length);
  ask(0);
}

function make() {
  const bar = document.getElementById("search-all");
  dialog = Object.assign(document.createElement("dialog"), { className: "palette" });
  dialog.setAttribute("aria-label", bar.placeholder);
  input = Object.assign(document.createElement("input"), { type: "text", className: "form-control palette-input" });
  const about = {
    role: "combobox",
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    "aria-controls": "palette-list",
    "aria-label": bar.placeholder,
    placeholder: bar.placeholder,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    enterkeyhint: "go",
  };
  for (const [name, value] of Object.entries(about)) {
    input.setAttribute(name, value);
  }
  results = Object.assign(document.createElement("div"), { className: "palette-results" });
  dialog.append(input, results);
  input.addEventListener("input", (event) => event.isComposing || ask(WAIT));
  input.addEventListener("compositionend", () => ask(WAIT));
  input.addEventListener("keydown", press);
  dialog.addEventListener("click", click);
  dialog.addEventListener("close", () => asking?.abort());
}

function press(event) {
  if (event.isComposing) {
    return;
  }
  const all = options();
  const at = all.indexOf(marked());
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    mark(all[at < 0 && step < 0 ? all.length - 1 : (at + step + all.length) % all.length]);
  } else if (event.key === "PageDown" || event.key === "PageUp") {
    event.preventDefault();
    mark(all[Math.min(Math.max(at + (event.key === "PageDown" ? 8 : -8), 0), all.length - 1)]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    clearTimeout(timer);
    if (asked !== input.value.trim()) {
      // Typed faster than it was answered: what is marked belongs to other words.
      ask(0, true);
    } else {
      choose(marked(), event.ctrlKey || event.metaKey);
    }
  } else if (event.key === "Tab") {
    const scopes = [...results.querySelectorAll("[data-scope]")];
    const next = scopes.findIndex((each) => each.dataset.scope === scope) + (event.shiftKey ? -1 : 1);
    if (scopes.length) {
      event.preventDefault();
      narrow(scopes[(next + scopes.length) % scopes.length]);
    }
  }
}

function click(event) {
  const option = event.target.closest("[role=option]");
  const chip = event.target.closest("[data-scope]");
  if (event.target === dialog) {
    dialog.close();
  } else if (chip) {
    narrow(chip);
    input.focus();
  } else if (option?.acts) {
    event.preventDefault();
    choose(option);
  }
}

function narrow(chip) {
  scope = chip.dataset.scope;
  ask(0);
}

function choose(option, apart = false) {
  if (option?.acts) {
    dialog.close();
    option.acts.click();
  } else if (option && apart) {
    window.open(option.href, "_blank", "noopener");
  } else if (option) {
    dialog.close();
    location.assign(option.href);
  }
}

function mark(option) {
  for (const each of options()) {
    each.setAttribute("aria-selected", String(each === option));
  }
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function ask(wait, go = false) {
  clearTimeout(timer);
  timer = setTimeout(() => show(go), wait);
}

async function show(go) {
  asking?.abort();
  asking = new AbortController();
  const words = input.value.trim();
  const address = `/search/palette?q=${encodeURIComponent(words)}&in=${encodeURIComponent(scope)}`;
  let answer, text;
  try {
    answer = await fetch(address, { headers: { "HX-Request": "true" }, signal: asking.signal });
    text = await answer.text();
  } catch {
    return;
  }
  if (!answer.ok || answer.redirected) {
    location.assign(`/search?q=${encodeURIComponent(words)}`);
    return;
  }
  results.innerHTML = text;
  asked = words;
  if (!scope) {
    addActs(words.toLowerCase());
  }
  mark(options()[0]);
  if (go) {
    choose(marked());
  }
}

/** What can be done on the page behind: its own links and buttons, pressed by themselves. */
function addActs(words) {
  const heading = document.querySelector("main h1")?.textContent.trim() ?? "";
  const found = [];
  for (const each of document.querySelectorAll(
    "main .head :is(a.btn, button, .menu-entries a), main .steps-bar button, main [data-act]",
  )) {
    const label = (each.textContent.trim() || each.title).replace(/\s+/g, " ");
    if (label && !each.disabled && !each.matches("[aria-current]") && words.split(" ").every((word) => label.toLowerCase().includes(word))) {
      found.push([label, each]);
    }
  }
  found.length = Math.min(found.length, ACTS);
  if (!found.length) {
    return;
  }
  const group = document.createElement("div");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", heading);
  const head = Object.assign(document.createElement("p"), { className: "palette-head", textContent: heading });
  head.setAttribute("role", "presentation");
  group.append(head);
  found.forEach(([label, acts], number) => {
    const option = Object.assign(document.createElement("div"), { id: `palette-act-${number}`, acts });
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    const drawing = acts.querySelector("svg")?.cloneNode(true);
    option.append(...(drawing ? [drawing] : []));
    option.append(Object.assign(document.createElement("span"), { className: "palette-label", textContent: label }));
    group.append(option);
  });
  const list = results.querySelector("[role=listbox]");
  // While nothing is typed what is on the page is what is most likely wanted; words mean records and places first.
  if (words) {
    list.append(group);
  } else {
    list.prepend(group);
  }
}
