// Inputs that help: days by a key or a word, amounts with their groups, numbers read as they are left, pictures seen
// before they are sent, a pad for signatures, places of China. Each works as plain input without a script.

import { dayOf } from "./days.js";

const READ = "input[type=tel], input[type=email], input[type=url], input[inputmode=decimal]";
const words = () => document.querySelector("form[data-words]")?.dataset ?? {};
const touch = (input) => {
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
};

// --- days

const day = (date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
const after = (date, days) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
const today = () => {
  const env = document.querySelector("form[data-env]")?.dataset.env;
  const said = env && JSON.parse(env).today; // as the clocks of the person say
  return said ? new Date(`${said}T00:00:00`) : new Date();
};

document.addEventListener("focusin", (event) => {
  const input = event.target;
  const own = input.nextElementSibling?.matches(".day-picks") ? input.nextElementSibling : input.closest?.(".day-picks");
  document.querySelectorAll(".day-picks").forEach((each) => each !== own && each.remove());
  if (!own && input.matches?.('form[data-words] .field-control > input[type="date"]') && !input.closest("[data-rows]")) {
    input.after(picksFor(input));
  }
});

document.addEventListener("focusout", () => {
  setTimeout(() => {
    if (document.activeElement === document.body) {
      document.querySelectorAll(".day-picks").forEach((each) => each.remove());
    }
  });
});

function picksFor(input) {
  const { today: now, tomorrow, monday, typeDay } = words();
  const start = today();
  const bar = Object.assign(document.createElement("span"), { className: "day-picks" });
  const next = (8 - start.getDay()) % 7 || 7;
  for (const [label, date] of [[now, start], [tomorrow, after(start, 1)], [monday, after(start, next)]]) {
    const button = Object.assign(document.createElement("button"), {
      type: "button", className: "btn btn-sm", textContent: label, tabIndex: -1,
    });
    button.addEventListener("click", () => setDay(input, day(date)));
    bar.append(button);
  }
  const box = Object.assign(document.createElement("input"), {
    type: "text", className: "form-control form-control-sm", placeholder: typeDay, tabIndex: -1, autocomplete: "off",
  });
  box.setAttribute("aria-label", typeDay);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      take(input, box);
    } else if (event.key === "Escape") {
      input.focus();
    }
  });
  box.addEventListener("change", () => take(input, box));
  for (const kind of ["input", "change"]) {
    bar.addEventListener(kind, (event) => event.stopPropagation());
  }
  bar.append(box);
  return bar;
}

function take(input, box) {
  const found = dayOf(box.value, today());
  box.classList.toggle("is-invalid", box.value !== "" && !found);
  if (found) {
    setDay(input, day(found));
  }
}

function setDay(input, value) {
  input.value = value;
  touch(input);
  input.focus();
}

// What a native input of a day does not take goes into the box beside it: t and +/- at once, words as they are typed.
document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.('input[type="date"]') || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (event.key === "+" || event.key === "-" || event.key === "=") {
    event.preventDefault();
    const from = input.value ? new Date(`${input.value}T00:00:00`) : today();
    setDay(input, day(after(from, event.key === "-" ? -1 : 1)));
  } else if (event.key === "Process" || /^\p{L}$/u.test(event.key)) {
    input.nextElementSibling?.querySelector?.("input")?.focus();
  }
});

document.addEventListener("paste", (event) => {
  if (event.target.matches?.('input[type="date"]')) {
    const found = dayOf(event.clipboardData?.getData("text/plain") ?? "", today());
    if (found) {
      event.preventDefault();
      setDay(event.target, day(found));
    }
  }
});

// --- what is typed, read as it is left

const grouped = (text) => {
  const found = /^(-?)(\d{4,})(\.\d*)?$/.exec(text.trim());
  return found ? found[1] + found[2].replace(/\B(?=(\d{3})+$)/g, ",") + (found[3] ?? "") : text;
};

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-money]")) {
    event.target.value = event.target.value.replaceAll(",", "");
  }
});

document.addEventListener("focusout", (event) => {
  const input = event.target;
  if (input.matches?.("[data-money]")) {
    input.value = grouped(input.value);
  }
  const field = input.matches?.(READ) && input.closest("form[data-guard] [data-field]");
  if (field && input.value !== (input.dataset.readAs ?? input.defaultValue)) {
    read(input, field);
  }
});

/** Ask the server how it reads what was typed: it is written out, or what is wrong stands below. */
async function read(input, field) {
  const form = input.form;
  const typed = input.value;
  input.dataset.readAs = typed;
  const body = new FormData();
  body.set("_token", form.elements._token.value);
  body.set("field", field.dataset.field);
  body.set("value", typed);
  const asked = { method: "POST", body, headers: { "HX-Request": "true" } };
  const answer = await fetch(`/${form.dataset.entity}/form/read`, asked).catch(() => null);
  if (!answer?.ok || answer.redirected || answer.headers.has("HX-Redirect") || input.value !== typed) {
    return;
  }
  const { value, problem } = await answer.json();
  field.querySelectorAll(":scope > .field-read").forEach((each) => each.remove());
  input.setAttribute("aria-invalid", String(Boolean(problem)));
  field.classList.toggle("is-wrong", Boolean(problem));
  if (problem) {
    const told = Object.assign(document.createElement("p"), { className: "field-wrong field-read", textContent: problem });
    told.id = `${input.id}-read`;
    input.setAttribute("aria-describedby", told.id);
    field.append(told);
  } else {
    field.querySelectorAll(":scope > .field-wrong").forEach((each) => each.remove());
    if (value && document.activeElement !== input) {
      input.value = input.matches("[data-money]") ? grouped(value) : value;
      input.dataset.readAs = input.value;
    }
  }
}

// --- pictures and signatures

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.matches?.('input[type="file"]')) {
    preview(input);
  }
});

function preview(input) {
  const place = input.closest(".file-input");
  place?.querySelectorAll(".file-preview").forEach((each) => {
    URL.revokeObjectURL(each.src);
    each.remove();
  });
  if (place?.querySelector(".pad")) {
    return; // what is written there is seen already
  }
  for (const file of input.files) {
    if (file.type.startsWith("image/") && file.type !== "image/svg+xml") {
      const image = Object.assign(document.createElement("img"), { className: "file-preview", alt: file.name });
      image.src = URL.createObjectURL(file);
      place?.append(image);
    }
  }
}

document.addEventListener("click", (event) => {
  const input = event.target.closest?.("[data-camera]")?.closest(".file-input").querySelector("input[type=file]");
  if (input) {
    input.setAttribute("capture", "environment");
    input.click();
    input.removeAttribute("capture"); // the next press on the input itself offers what is there already too
  }
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-pad-open]");
  if (opener) {
    draw(opener);
  }
});

/** A pad to write on with a finger, a pen or the mouse; what is written becomes the file of the input. */
function draw(opener) {
  const place = opener.closest(".file-input");
  const input = place.querySelector("input[type=file]");
  if (place.querySelector("canvas")) {
    return;
  }
  const canvas = Object.assign(document.createElement("canvas"), { className: "pad", width: 600, height: 200 });
  canvas.setAttribute("aria-label", opener.textContent.trim());
  const brush = canvas.getContext("2d");
  Object.assign(brush, { lineWidth: 3, lineCap: "round", lineJoin: "round", strokeStyle: "#182433" });
  const at = ({ clientX, clientY }) => {
    const box = canvas.getBoundingClientRect();
    return [((clientX - box.left) * canvas.width) / box.width, ((clientY - box.top) * canvas.height) / box.height];
  };
  let written = false;
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    brush.beginPath();
    brush.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) {
      brush.lineTo(...at(event));
      brush.stroke();
      written = true;
    }
  });
  canvas.addEventListener("pointerup", () => {
    if (written) {
      canvas.toBlob((blob) => {
        const files = new DataTransfer();
        files.items.add(new File([blob], "signature.png", { type: "image/png" }));
        input.files = files.files;
        touch(input);
      });
    }
  });
  const again = Object.assign(document.createElement("button"), {
    type: "button", className: "btn btn-sm", textContent: opener.dataset.again,
  });
  again.addEventListener("click", () => {
    brush.clearRect(0, 0, canvas.width, canvas.height);
    written = false;
    input.value = "";
    touch(input);
  });
  place.append(canvas, again);
}

// --- places of China: what is typed is kept whatever it is, the list only helps

let places = null;

document.addEventListener("focusin", async (event) => {
  const input = event.target;
  const group = input.closest?.("[data-places]");
  const level = group && /\.(province|city|district)$/.exec(input.name)?.[1];
  if (!level) {
    return;
  }
  const country = group.querySelector('[name$=".country"]')?.value.trim() ?? "";
  if (country && !/^(cn|prc|china|中国|中华人民共和国)$/i.test(country)) {
    input.removeAttribute("list");
    return;
  }
  places ??= await import(group.dataset.places).catch(() => null);
  const value = (part) => group.querySelector(`[name$=".${part}"]`)?.value.trim() ?? "";
  const offered = places?.within(level, value("province"), value("city")) ?? [];
  const id = `${input.name}-places`;
  const list = document.getElementById(id) ?? Object.assign(document.createElement("datalist"), { id });
  list.replaceChildren(...offered.map((each) => Object.assign(document.createElement("option"), { value: each })));
  group.append(list);
  input.setAttribute("list", id);
});
