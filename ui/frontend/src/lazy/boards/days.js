// Calendars and timelines: what has a day is dragged to another one, or made longer at its edge; keys do the same.
// The server answers with the display as it is then, so whatever it refuses stands where it stood.

import { ask, plain, shut } from "./menu.js";

const FAR = 5; // pixels before a press becomes a drag
const SLOT = 30; // minutes

let dragged = null;

function displayOf(node) {
  return node.closest("[data-calendar], [data-timeline]");
}

function send(node, values) {
  const display = displayOf(node);
  const { entity, query, back } = display.dataset;
  const { event: id, version } = node.dataset;
  node.classList.add("is-moving");
  const list = document.getElementById("list");
  return htmx
    .ajax("POST", `/${entity}/${id}/board/when${query ? `?${query}` : ""}`, {
      source: list,
      target: list,
      swap: "innerHTML",
      selectOOB: "#notices",
      values: { version, back, ...values },
    })
    .then(() => document.querySelector(`[data-event="${id}"]`)?.focus({ preventScroll: true }))
    .catch(() => node.classList.remove("is-moving"));
}

function dayAt(x, y) {
  return document.elementsFromPoint(x, y).find((each) => each.dataset?.day);
}

function between(first, last) {
  return Math.round((Date.parse(last) - Date.parse(first)) / 86_400_000);
}

/** How far a pointer has gone, in days and minutes. */
function away({ clientX, clientY }) {
  const { node, x, y, day } = dragged;
  const line = node.closest("[data-days]");
  if (line) {
    return { days: Math.round(((clientX - x) / line.getBoundingClientRect().width) * Number(line.dataset.days)), minutes: 0 };
  }
  const cell = dayAt(clientX, clientY);
  const days = cell && day ? between(day.dataset.day, cell.dataset.day) : 0;
  const column = node.closest("[data-hours]") && day;
  const minutes = column ? Math.round(((clientY - y) / column.getBoundingClientRect().height) * (1440 / SLOT)) * SLOT : 0;
  return { days: dragged.edge && column ? 0 : days, minutes, cell };
}

document.addEventListener("pointerdown", (event) => {
  const node = event.target.closest?.("[data-event]");
  if (!node || !displayOf(node) || event.button !== 0 || event.pointerType === "touch") {
    return;
  }
  const day = dayAt(event.clientX, event.clientY);
  const edge = event.target.closest("[data-edge]") ? event.target.closest("[data-edge]").dataset.edge || "end" : "";
  dragged = { node, x: event.clientX, y: event.clientY, day, edge, over: null, far: false };
});

document.addEventListener("pointermove", (event) => {
  if (!dragged) {
    return;
  }
  const { node, x, y } = dragged;
  if (!dragged.far && Math.hypot(event.clientX - x, event.clientY - y) < FAR) {
    return;
  }
  dragged.far = true;
  event.preventDefault();
  node.classList.add("is-moving");
  const { cell } = away(event);
  if (cell !== dragged.over) {
    dragged.over?.classList.remove("is-over");
    cell?.classList.add("is-over");
    dragged.over = cell;
  }
  if (node.closest("[data-days]") && !dragged.edge) {
    node.style.translate = `${event.clientX - x}px 0`;
  } else if (!dragged.edge) {
    node.style.translate = `${event.clientX - x}px ${event.clientY - y}px`;
  }
});

function drop(event) {
  if (!dragged) {
    return;
  }
  const { node, edge, over, far } = dragged;
  const { days, minutes } = far ? away(event) : { days: 0, minutes: 0 };
  over?.classList.remove("is-over");
  node.removeAttribute("style");
  node.classList.remove("is-moving");
  dragged = null;
  if (far) {
    // The link below the pointer was dragged, not pressed.
    addEventListener("click", (press) => (press.preventDefault(), press.stopPropagation()), { capture: true, once: true });
    setTimeout(() => dispatchEvent(new Event("click")), 0);
  }
  if (event.type === "pointerup" && (days || minutes)) {
    send(node, { days, minutes, edge });
  }
}

document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);
document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.("[data-event]")) {
    event.preventDefault();
  }
});

// --- keys, and the form

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -SLOT], ArrowDown: [0, SLOT] };

document.addEventListener("keydown", (event) => {
  const node = event.target.closest?.("[data-event]");
  if (!node || !displayOf(node)) {
    return;
  }
  const { entity, query } = displayOf(node).dataset;
  if (event.key.toLowerCase() === "m" && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    event.stopPropagation();
    ask(`/${entity}/${node.dataset.event}/board/when${query ? `?${query}` : ""}`, node);
  } else if (event.shiftKey && STEPS[event.key]) {
    const [days, minutes] = STEPS[event.key];
    if (days || node.closest("[data-hours]")) {
      event.preventDefault();
      send(node, { days, minutes, edge: event.altKey ? "end" : "" });
    }
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-when-open]");
  if (link && plain(event)) {
    event.preventDefault();
    ask(link.getAttribute("href"), link);
    return;
  }
  // A press on an empty hour begins something at that hour.
  const column = event.target.closest?.("[data-new]");
  if (column && event.target === column) {
    const at = column.getBoundingClientRect();
    const minutes = Math.floor(((event.clientY - at.top) / at.height) * (1440 / SLOT)) * SLOT;
    const clock = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
    location.assign(column.dataset.new.replace(/T\d\d:\d\d/, `T${clock}`));
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("#board-ways [data-when]");
  if (!form) {
    return;
  }
  event.preventDefault();
  const list = document.getElementById("list");
  const values = Object.fromEntries(new FormData(form));
  shut();
  htmx
    .ajax("POST", form.getAttribute("action"), { source: list, target: list, swap: "innerHTML", selectOOB: "#notices", values })
    .then(() => document.querySelector(`[data-event="${form.dataset.when}"]`)?.focus({ preventScroll: true }));
});

/** A day begins in the morning, not at midnight. */
function scroll() {
  for (const hours of document.querySelectorAll("[data-hours]:not([data-scrolled])")) {
    hours.dataset.scrolled = "";
    hours.scrollTop = (hours.scrollHeight / 24) * 7.5;
  }
}

document.addEventListener("htmx:afterSettle", scroll);
scroll();
