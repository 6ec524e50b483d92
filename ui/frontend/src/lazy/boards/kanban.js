// The board: cards are dragged from column to column, or sent by their menu. The card is shown where it goes at once;
// what the server answers is the card as it is, so a move that is refused brings it back, with the reason in a notice.

import Sortable from "sortablejs";

import { ask, plain, shut as shutMenu } from "./menu.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const known = new WeakSet();
const places = new Map(); // id of a card -> where it came from

function columnOf(node) {
  return node.closest("[data-column].board-column");
}

function takes(column, name) {
  const from = column.dataset.takes;
  return from === "*" || from.split(" ").includes(name);
}

function putBack(card) {
  const place = places.get(card.dataset.card);
  if (place) {
    place.list.insertBefore(card, place.next?.parentNode === place.list ? place.next : null);
  }
  card.classList.remove("is-moving");
}

/** Tell the server where a card was put, and put it where the server says that it is. */
function send(board, card, column) {
  const { card: id, version } = card.dataset;
  const heads = [...board.querySelectorAll(".board-head")].map((head) => `#${head.id}`);
  const focused = card.contains(document.activeElement);
  card.classList.add("is-moving");
  // What dragging left of styles would be written onto the card that comes.
  card.removeAttribute("style");
  const { entity, query, back } = board.dataset;
  htmx
    .ajax("POST", `/${entity}/${id}/board/move${query ? `?${query}` : ""}`, {
      source: card,
      target: card,
      swap: "outerHTML",
      select: `#card-${id}`,
      selectOOB: [...heads, "#notices"].join(","),
      values: { to: column.dataset.column, version, back },
    })
    .then(() => settled(board, id, focused))
    .catch(() => putBack(card));
}

function settled(board, id, focused) {
  const card = board.querySelector(`[data-card="${id}"]`);
  if (card) {
    if (card.classList.contains("is-moving")) {
      putBack(card); // nothing was answered
    }
    const home = [...board.querySelectorAll(".board-column")].find((each) => each.dataset.column === card.dataset.column);
    if (home && columnOf(card) !== home) {
      const place = places.get(id);
      const list = home.querySelector("[data-cards]");
      list.insertBefore(card, place?.list === list && place.next?.parentNode === list ? place.next : list.firstChild);
    }
    if (focused) {
      card.querySelector("a")?.focus();
    }
  }
  places.delete(id);
}

function remember(card) {
  places.set(card.dataset.card, { list: card.parentNode, next: card.nextElementSibling });
}

/** Show which columns a card can go to. */
function open(board, card) {
  const from = columnOf(card);
  for (const column of board.querySelectorAll(".board-column")) {
    if (column !== from) {
      column.classList.add(takes(column, from.dataset.column) ? "is-open" : "is-closed");
    }
  }
}

/** The list in which a hand let go: Sortable looks only every 50 ms where the hand is, and a quick one is past it. */
function listUnder(board, event) {
  const { clientX: x, clientY: y } = event?.changedTouches?.[0] ?? event ?? {};
  if (x === undefined) {
    return null;
  }
  const columns = document.elementsFromPoint(x, y).map(columnOf);
  return columns.find((column) => board.contains(column))?.querySelector("[data-cards]");
}

function shut(board) {
  for (const column of board.querySelectorAll(".board-column")) {
    column.classList.remove("is-open", "is-closed");
  }
}

/** A copy without the styles that were set by script: written into the page they would break its policy. */
function unstyled(deep) {
  const style = this.style.cssText;
  this.removeAttribute("style");
  const copy = Node.prototype.cloneNode.call(this, deep);
  this.style.cssText = style;
  return copy;
}

function setUp(board) {
  if (known.has(board)) {
    return;
  }
  known.add(board);
  board.addEventListener("keydown", keys);
  if (!("moving" in board.dataset)) {
    return;
  }
  board.addEventListener(
    "pointerdown",
    (event) => {
      const card = event.target.closest(".board-card");
      if (card) {
        card.cloneNode = unstyled;
      }
    },
    true,
  );
  for (const list of board.querySelectorAll("[data-cards]")) {
    Sortable.create(list, {
      group: {
        name: "board",
        // A column that no step leads to takes the card all the same: the server says in words why it goes back.
        put: true,
      },
      draggable: ".board-card[data-moves]",
      filter: ".board-card-move",
      preventOnFilter: false,
      sort: false,
      delay: 180,
      delayOnTouchOnly: true,
      touchStartThreshold: 5,
      forceFallback: true,
      fallbackOnBody: true,
      fallbackTolerance: 4,
      animation: calm.matches ? 0 : 150,
      scrollSensitivity: 80,
      onStart({ item }) {
        remember(item);
        open(board, item);
      },
      onEnd({ item, from, originalEvent }) {
        shut(board);
        const to = listUnder(board, originalEvent) ?? item.parentNode;
        if (to !== item.parentNode) {
          to.append(item);
        }
        if (to === from) {
          places.delete(item.dataset.card);
        } else {
          send(board, item, columnOf(item));
        }
      },
    });
  }
}

// --- the menu of a card

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-move]");
  if (link && link.closest("[data-board]") && plain(event)) {
    event.preventDefault();
    ask(link.getAttribute("href"), link);
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("#board-ways [data-way]");
  if (!form) {
    return;
  }
  event.preventDefault();
  const board = document.querySelector("[data-board]");
  const card = board.querySelector(`[data-card="${form.dataset.way}"]`);
  const column = [...board.querySelectorAll(".board-column")].find(
    (each) => each.dataset.column === event.submitter?.value,
  );
  shutMenu();
  if (!card || !column) {
    return;
  }
  remember(card);
  column.querySelector("[data-cards]").prepend(card);
  card.querySelector("a")?.focus();
  send(board, card, column);
});

// --- keys

const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

function keys(event) {
  const card = event.target.closest(".board-card");
  if (!card || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  if (event.key === "m" || event.key === "M") {
    const link = card.querySelector("[data-move]");
    if (link) {
      event.preventDefault();
      event.stopPropagation();
      ask(link.getAttribute("href"), link);
    }
    return;
  }
  const step = STEPS[event.key];
  if (!step) {
    return;
  }
  event.preventDefault();
  const lists = [...event.currentTarget.querySelectorAll("[data-cards]")].map((each) => [
    ...each.querySelectorAll(".board-card"),
  ]);
  let column = lists.findIndex((each) => each.includes(card));
  let row = lists[column].indexOf(card);
  if (step[0]) {
    do {
      column += step[0];
    } while (lists[column] && lists[column].length === 0);
    row = Math.min(row, (lists[column]?.length ?? 0) - 1);
  } else {
    row += step[1];
  }
  lists[column]?.[row]?.querySelector("a")?.focus();
}

function start() {
  document.querySelectorAll("[data-board]").forEach(setUp);
}

document.addEventListener("htmx:afterSettle", start);
start();
