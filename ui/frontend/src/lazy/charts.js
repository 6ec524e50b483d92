// Fetches what draws charts when the first one is there: a page of numbers waits for nothing else. Until then, and
// without a script, the same numbers stand in a table.

function drawAll(root) {
  const places = [...(root.querySelectorAll?.("[data-chart]") ?? [])];
  if (root.matches?.("[data-chart]")) {
    places.push(root);
  }
  if (places.length > 0) {
    import("./charts/draw.js").then(({ draw }) => places.filter((each) => each.isConnected).forEach(draw));
  }
}

document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
drawAll(document);

for (const link of document.querySelectorAll("[data-print]")) {
  link.hidden = false;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    window.print();
  });
}

// A choice above the cards takes effect at once; two days are both needed first.
document.querySelector("form.dash-filters")?.addEventListener("change", (event) => {
  const form = event.currentTarget;
  const period = form.elements.period?.value;
  if (period !== "between" || (form.elements.from.value && form.elements.to.value)) {
    form.requestSubmit();
  }
});
