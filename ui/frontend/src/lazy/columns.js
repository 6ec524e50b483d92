// The page of columns: they are dragged into their order, and found by words.

import Sortable from "sortablejs";

function prepare() {
  const list = document.querySelector("[data-sorted]:not([data-ready])");
  if (list) {
    list.dataset.ready = "";
    Sortable.create(list, { animation: 120, handle: ".column-grip", draggable: "li" });
  }
  const search = document.querySelector("[data-narrows][hidden]");
  if (search) {
    search.hidden = false;
  }
}

document.addEventListener("input", (event) => {
  const search = event.target.closest?.("[data-narrows]");
  if (!search) {
    return;
  }
  const words = search.value.trim().toLowerCase();
  const root = search.closest("form");
  for (const each of root.querySelectorAll(search.dataset.narrows)) {
    each.hidden = words !== "" && !each.textContent.toLowerCase().includes(words);
  }
  for (const group of root.querySelectorAll(".column-group")) {
    const found = group.querySelector(`${search.dataset.narrows}:not([hidden])`);
    group.hidden = !found;
    group.open = words !== "" ? Boolean(found) : group.open;
  }
});

document.addEventListener("htmx:afterSettle", prepare);
prepare();
