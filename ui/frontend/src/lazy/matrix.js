// A table of ticks: pressing the head of a row or a column ticks all of it, or takes all its ticks away.

function all(boxes) {
  const on = !boxes.every((each) => each.checked);
  for (const each of boxes) {
    each.checked = on;
  }
}

for (const form of document.querySelectorAll("[data-matrix]")) {
  for (const head of form.querySelectorAll("thead th[data-column], tbody th")) {
    const boxes = () =>
      head.dataset.column
        ? [...form.querySelectorAll(`input[name="${CSS.escape(`o.${head.dataset.column}`)}"]`)]
        : [...head.parentElement.querySelectorAll("input[type=checkbox]")];
    if (!boxes().length) {
      continue;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "options-all";
    button.append(...head.childNodes);
    button.addEventListener("click", () => all(boxes()));
    head.append(button);
  }
}
