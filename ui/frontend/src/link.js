// Links: the choices of a link while somebody types, with the keyboard and without. Without a script a name is typed
// as it is, and the server finds the record.

const WAIT = 200;
const timers = new WeakMap();

const boxOf = (target) => target.closest?.("[data-link]");
const inputOf = (box) => box.querySelector("input:not([type=hidden])");
const listOf = (box) => box.querySelector("[role=listbox]");
const optionsOf = (box) => [...listOf(box).querySelectorAll("[role=option]")];

for (const box of document.querySelectorAll("[data-link]")) {
  prepare(box);
}

function prepare(box) {
  const input = inputOf(box);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", listOf(box).id);
}

document.addEventListener("focusin", (event) => {
  const box = boxOf(event.target);
  if (box && event.target === inputOf(box)) {
    prepare(box);
    ask(box, 0);
  }
});

document.addEventListener("input", (event) => {
  const box = boxOf(event.target);
  if (box && !event.isComposing) {
    lead(box);
    ask(box, WAIT);
  }
});

document.addEventListener("compositionend", (event) => {
  const box = boxOf(event.target);
  if (box) {
    ask(box, WAIT);
  }
});

document.addEventListener("focusout", (event) => {
  const box = boxOf(event.target);
  if (box && !box.contains(event.relatedTarget)) {
    close(box);
  }
});

// The list goes when the input loses the focus, so it is chosen when the button goes down.
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("[data-link] [role=option]");
  if (option) {
    event.preventDefault();
    choose(boxOf(option), option);
  }
});

document.addEventListener("keydown", (event) => {
  const box = boxOf(event.target);
  if (!box || event.isComposing) {
    return;
  }
  const open = !listOf(box).hidden;
  const options = optionsOf(box);
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (open) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark(box, options[at < 0 && step < 0 ? options.length - 1 : (at + step + options.length) % options.length]);
    } else {
      ask(box, 0);
    }
  } else if (event.key === "Enter" && open && at >= 0) {
    event.preventDefault();
    choose(box, options[at]);
  } else if (event.key === "Escape" && open) {
    event.preventDefault();
    close(box);
  }
});

// Another script has found, or made, what the link is to lead to.
document.addEventListener("guanxi:choose", (event) => {
  const box = boxOf(event.target);
  if (box) {
    put(box, event.detail.id, event.detail.title);
  }
});

function mark(box, chosen) {
  for (const option of optionsOf(box)) {
    option.setAttribute("aria-selected", String(option === chosen));
  }
  if (chosen) {
    chosen.id ||= `${listOf(box).id}-${optionsOf(box).indexOf(chosen)}`;
    inputOf(box).setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  }
}

function ask(box, wait) {
  clearTimeout(timers.get(box));
  timers.set(box, setTimeout(() => show(box), wait));
}

async function show(box) {
  const input = inputOf(box);
  const title = box.querySelector("[data-link-title]").value;
  const address = new URL(box.dataset.address, location.href);
  // What was chosen is no question: who comes back to it sees the other choices too.
  address.searchParams.set("q", input.value === title ? "" : input.value);
  for (const other of box.dataset.include ? input.form.querySelectorAll(box.dataset.include) : []) {
    address.searchParams.set(other.name, other.type === "checkbox" ? String(other.checked) : other.value);
  }
  const asked = (box.dataset.asked = String(address));
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected || box.dataset.asked !== asked || document.activeElement !== input) {
    return;
  }
  const list = listOf(box);
  const found = await answer.text();
  // An answer that comes late must not take away what was marked in the list before it.
  const marked = optionsOf(box).find((option) => option.getAttribute("aria-selected") === "true")?.dataset.id;
  list.innerHTML = found;
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  input.removeAttribute("aria-activedescendant");
  const again = optionsOf(box).find((option) => option.dataset.id === marked);
  if (marked && again) {
    mark(box, again);
  }
}

function close(box) {
  clearTimeout(timers.get(box));
  delete box.dataset.asked;
  listOf(box).hidden = true;
  inputOf(box).setAttribute("aria-expanded", "false");
  inputOf(box).removeAttribute("aria-activedescendant");
}

function choose(box, option) {
  const { id, title, fresh, named } = option.dataset;
  if (fresh) {
    // What was typed last may be newer than the list that this choice stands in.
    const address = new URL(fresh, location);
    const typed = inputOf(box).value.trim();
    if (typed && !box.querySelector("[data-link-id]")?.value) {
      address.searchParams.set(named, typed);
    }
    close(box);
    box.dispatchEvent(new CustomEvent("guanxi:fresh", { bubbles: true, detail: { address: address.href } }));
    return;
  }
  put(box, id, title);
}

/** Let a link lead to a record. */
function put(box, id, title) {
  const input = inputOf(box);
  const many = box.closest("[data-links]");
  if (many) {
    add(many, box, id, title);
    input.value = "";
  } else {
    input.value = title;
    box.querySelector("[data-link-id]").value = id;
    box.querySelector("[data-link-title]").value = title;
    const kind = box.parentElement.querySelector("[data-link-kind]");
    if (kind) {
      kind.value = id.split("/")[0];
    }
  }
  lead(box);
  close(box);
  input.dispatchEvent(new CustomEvent("guanxi:chosen", { bubbles: true }));
}

/** Where the record can be opened that a link leads to; nowhere while something else is typed. */
function lead(box) {
  const way = box.querySelector("[data-link-open]");
  if (way) {
    const id = box.querySelector("[data-link-id]").value;
    const chosen = id && inputOf(box).value === box.querySelector("[data-link-title]").value;
    way.hidden = !chosen;
    way.href = chosen ? `/${id.includes("/") ? id : `${way.dataset.linkOpen}/${id}`}` : "#";
  }
}

/** One more of several: a box that is ticked, as the server writes it. */
function add(many, box, id, title) {
  const name = many.dataset.links;
  const known = many.querySelector(`input[type=checkbox][value="${CSS.escape(id)}"]`);
  if (known) {
    known.checked = true;
    return;
  }
  const label = document.createElement("label");
  label.className = "form-check form-check-inline";
  const tick = Object.assign(document.createElement("input"), { type: "checkbox", name, value: id, checked: true });
  tick.className = "form-check-input";
  const words = Object.assign(document.createElement("span"), { className: "form-check-label", textContent: title });
  label.append(tick, words);
  many.insertBefore(label, box);
}
