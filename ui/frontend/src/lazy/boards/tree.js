// The tree: a record is dragged below another one; the arrow keys open, close and go up and down.

let dragged = null;

function treeOf(node) {
  return node.closest("[data-tree]");
}

document.addEventListener("pointerdown", (event) => {
  const row = event.target.closest?.("[data-tree-row][data-moves]");
  if (row && event.button === 0 && event.pointerType !== "touch" && !event.target.closest(".tree-acts, a.tree-turn")) {
    dragged = { row, x: event.clientX, y: event.clientY, far: false, over: null };
  }
});

document.addEventListener("pointermove", (event) => {
  if (!dragged || (!dragged.far && Math.hypot(event.clientX - dragged.x, event.clientY - dragged.y) < 6)) {
    return;
  }
  if (!dragged.far) {
    dragged.far = true;
    dragged.row.classList.add("is-moving");
    treeOf(dragged.row).classList.add("is-dragging");
    getSelection()?.removeAllRanges();
  }
  event.preventDefault();
  const over = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-tree-row]");
  if (over !== dragged.over) {
    dragged.over?.classList.remove("is-over");
    if (over && over !== dragged.row) {
      over.classList.add("is-over");
    }
    dragged.over = over;
  }
});

function drop(event) {
  if (!dragged) {
    return;
  }
  const { row, over, far } = dragged;
  dragged = null;
  row.classList.remove("is-moving");
  over?.classList.remove("is-over");
  const tree = treeOf(row);
  tree?.classList.remove("is-dragging");
  if (!far) {
    return;
  }
  addEventListener("click", (press) => (press.preventDefault(), press.stopPropagation()), { capture: true, once: true });
  setTimeout(() => dispatchEvent(new Event("click")), 0);
  if (event.type !== "pointerup" || !over || over === row) {
    return;
  }
  const { entity, query, back } = tree.dataset;
  const id = row.closest("[data-node]").dataset.node;
  const to = over.closest("[data-node]")?.dataset.node ?? "";
  const list = document.getElementById("list");
  htmx.ajax("POST", `/${entity}/${id}/board/under${query ? `?${query}` : ""}`, {
    source: list,
    target: list,
    swap: "innerHTML",
    selectOOB: "#notices",
    values: { to, back },
  });
}

document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);
document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.("[data-tree-row][data-moves]")) {
    event.preventDefault();
  }
});

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("[data-tree-row]");
  if (!row || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  const turn = row.querySelector("a.tree-turn");
  const opened = turn?.getAttribute("aria-expanded") === "true";
  if (turn && ((event.key === "ArrowRight" && !opened) || (event.key === "ArrowLeft" && opened))) {
    event.preventDefault();
    turn.focus();
    turn.click();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const titles = [...treeOf(row).querySelectorAll(".tree-title a")];
    const at = titles.indexOf(row.querySelector(".tree-title a"));
    titles[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  }
});
