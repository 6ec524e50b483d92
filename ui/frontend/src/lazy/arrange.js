// Cards of a dashboard are dragged to their place, and made larger or smaller at their corner. What it does, the
// buttons of each card do too, without a script and by keyboard.

import Sortable from "sortablejs";

const board = document.querySelector("[data-arrange]");
const COLUMNS = 12;
const LEAST = 2;
const MOST_ROWS = 12;

function post(values) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
  return fetch(board.dataset.arrange, {
    method: "POST",
    headers: { ...headers, "HX-Request": "true" },
    body: new URLSearchParams(values),
    credentials: "same-origin",
  }).then((answer) => {
    if (!answer.ok) {
      location.reload(); // what is shown is not what is kept
    }
  });
}

function keys() {
  return [...board.querySelectorAll("[data-key]")].map((each) => each.dataset.key);
}

function sized(card, width, height) {
  card.classList.remove(`dash-w${card.dataset.width}`, `dash-h${card.dataset.height}`);
  Object.assign(card.dataset, { width, height });
  card.classList.add(`dash-w${width}`, `dash-h${height}`);
}

function resizable(card) {
  const corner = document.createElement("span");
  corner.className = "dash-corner";
  corner.setAttribute("aria-hidden", "true");
  card.append(corner);
  corner.addEventListener("pointerdown", (start) => {
    start.preventDefault();
    corner.setPointerCapture(start.pointerId);
    const gap = parseFloat(getComputedStyle(board).columnGap);
    const column = (board.clientWidth + gap) / COLUMNS;
    const row = (card.offsetHeight + gap) / Number(card.dataset.height);
    const before = [Number(card.dataset.width), Number(card.dataset.height)];
    const within = (value, least, most) => Math.min(Math.max(Math.round(value), least), most);
    const move = (event) => {
      const width = within(before[0] + (event.clientX - start.clientX) / column, LEAST, COLUMNS);
      const height = within(before[1] + (event.clientY - start.clientY) / row, 1, MOST_ROWS);
      sized(card, width, height);
    };
    corner.addEventListener("pointermove", move);
    corner.addEventListener(
      "pointerup",
      () => {
        corner.removeEventListener("pointermove", move);
        post({ act: "size", card: card.dataset.key, width: card.dataset.width, height: card.dataset.height });
      },
      { once: true },
    );
  });
}

if (board) {
  Sortable.create(board, {
    animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
    draggable: "[data-key]",
    handle: ".dash-head",
    filter: "button, a, input",
    preventOnFilter: false,
    ghostClass: "is-dragged",
    onEnd: () => post({ act: "order", order: keys().join(",") }),
  });
  board.querySelectorAll("[data-key]").forEach(resizable);
}
