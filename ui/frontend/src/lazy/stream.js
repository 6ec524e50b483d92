// The box of the stream: Ctrl+Enter sends, @ offers names, files are dropped and pasted, and one sees how far they are.
// Nothing here writes what the form would not send without a script.

const TYPED = /(^|[\s([{，。、：；！？（])@([^\s@]{0,40})$/u;
let asked = 0;

function compose(target) {
  return target.closest?.("[data-compose]");
}

// --- names

function typed(area) {
  const found = TYPED.exec(area.value.slice(0, area.selectionStart));
  return found ? { words: found[2], start: area.selectionStart - found[2].length - 1 } : null;
}

function list(form) {
  return form.querySelector(".link-choices");
}

function close(form) {
  const choices = list(form);
  if (choices) {
    choices.hidden = true;
    choices.replaceChildren();
    form.querySelector("textarea")?.removeAttribute("aria-activedescendant");
  }
}

async function offer(form, area) {
  const found = typed(area);
  if (!found) {
    close(form);
    return;
  }
  const mine = ++asked;
  const answer = await fetch(`${form.dataset.mentions}?q=${encodeURIComponent(found.words)}`, {
    headers: { "HX-Request": "true" },
  }).catch(() => null);
  if (!answer?.ok || mine !== asked || !area.isConnected) {
    return;
  }
  const choices = list(form);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  choices.replaceChildren(...page.querySelectorAll("[role='option']"));
  choices.hidden = choices.children.length === 0;
  mark(form, choices.firstElementChild);
}

function mark(form, option) {
  const choices = list(form);
  for (const each of choices.children) {
    each.setAttribute("aria-selected", String(each === option));
  }
  if (option) {
    option.id ||= `${choices.id}-${[...choices.children].indexOf(option)}`;
    form.querySelector("textarea").setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }
}

function choose(form, option) {
  const area = form.querySelector("textarea");
  const found = typed(area);
  const name = option.dataset.title || option.textContent.trim();
  const key = option.dataset.id || option.dataset.value;
  if (!found || !key) {
    close(form);
    return;
  }
  area.setRangeText(`@${name} `, found.start, area.selectionStart, "end");
  const hidden = document.createElement("input");
  hidden.type = "hidden";
  hidden.name = "mention";
  hidden.value = key;
  form.append(hidden);
  close(form);
  area.focus();
}

document.addEventListener("input", (event) => {
  const form = compose(event.target);
  // While a Chinese word is being put together, what stands there is not what is meant.
  if (form && event.target.matches("textarea") && !event.isComposing) {
    offer(form, event.target);
  }
});

document.addEventListener("compositionend", (event) => {
  const form = compose(event.target);
  if (form && event.target.matches("textarea")) {
    offer(form, event.target);
  }
});

document.addEventListener("keydown", (event) => {
  const form = compose(event.target);
  if (!form || !event.target.matches("textarea") || event.isComposing || event.keyCode === 229) {
    return;
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  const choices = list(form);
  if (!choices || choices.hidden) {
    return;
  }
  const now = choices.querySelector("[aria-selected='true']");
  const step = { ArrowDown: now?.nextElementSibling, ArrowUp: now?.previousElementSibling }[event.key];
  if (event.key in { ArrowDown: 1, ArrowUp: 1 }) {
    event.preventDefault();
    if (step) {
      mark(form, step);
    }
  } else if ((event.key === "Enter" || event.key === "Tab") && now) {
    event.preventDefault();
    choose(form, now);
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close(form);
  }
});

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("[data-compose] [role='option']");
  if (option) {
    event.preventDefault();
    choose(compose(option), option);
  }
});

document.addEventListener("focusout", (event) => {
  const form = compose(event.target);
  if (form && !form.contains(event.relatedTarget)) {
    close(form);
  }
});

// --- files

function tell(form) {
  const told = form.querySelector("[data-files]");
  const files = form.querySelector("input[type='file']")?.files ?? [];
  if (told) {
    told.textContent = [...files].map((each) => each.name).join(", ");
  }
}

function add(form, given) {
  const input = form.querySelector("input[type='file']");
  if (!input || !given.length) {
    return false;
  }
  const all = new DataTransfer();
  for (const each of [...input.files, ...given]) {
    all.items.add(each);
  }
  input.files = all.files;
  tell(form);
  return true;
}

document.addEventListener("change", (event) => {
  const form = compose(event.target);
  if (form && event.target.matches("input[type='file']")) {
    tell(form);
  }
});

document.addEventListener("paste", (event) => {
  const form = compose(event.target);
  if (form && event.clipboardData?.files.length && add(form, event.clipboardData.files)) {
    event.preventDefault();
  }
});

for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const form = event.target.closest?.("#stream")?.querySelector("[data-compose]");
    if (!form?.querySelector("input[type='file']") || !event.dataTransfer?.types.includes("Files")) {
      return;
    }
    event.preventDefault();
    form.classList.toggle("is-over", name === "dragover");
    if (name === "drop") {
      add(form, event.dataTransfer.files);
    }
  });
}

document.addEventListener("htmx:xhr:progress", (event) => {
  const bar = compose(event.target)?.querySelector("[data-progress]");
  const files = event.target.querySelector?.("input[type='file']")?.files.length;
  if (bar && files && event.detail.total) {
    bar.hidden = false;
    bar.value = (100 * event.detail.loaded) / event.detail.total;
  }
});

// Whoever answers begins to write at once.
document.addEventListener("htmx:afterSettle", (event) => {
  const form = event.target.querySelector?.("[data-compose]");
  if (form?.querySelector(".compose-answers")) {
    form.querySelector("textarea")?.focus();
  }
});
