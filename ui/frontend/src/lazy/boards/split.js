// A list beside a record: a record that is chosen comes into its place, the address keeps it, the arrow keys go on.
// On a phone there is no room beside the list, so a record opens as its page.

function choose(link) {
  const pane = document.getElementById("split-record");
  link.closest("ol").querySelector("[aria-current]")?.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  history.replaceState(history.state, "", link.getAttribute("href"));
  htmx.ajax("GET", link.dataset.record, {
    source: pane,
    target: pane,
    swap: "innerHTML show:none",
    select: "#content > *:not(#notices)",
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-split] a[data-record]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) {
    return;
  }
  event.preventDefault();
  const pane = document.getElementById("split-record");
  if (getComputedStyle(pane).display === "none") {
    location.assign(link.dataset.record);
  } else {
    choose(link);
  }
});

let waiting = 0;

document.addEventListener("keydown", (event) => {
  const link = event.target.closest?.("[data-split] a[data-record]");
  if (!link || event.altKey || event.ctrlKey || event.metaKey || !["ArrowDown", "ArrowUp"].includes(event.key)) {
    return;
  }
  const links = [...link.closest("ol").querySelectorAll("a[data-record]")];
  const next = links[links.indexOf(link) + (event.key === "ArrowDown" ? 1 : -1)];
  if (next) {
    event.preventDefault();
    next.focus();
    // Whoever holds the key down wants the last one alone.
    clearTimeout(waiting);
    waiting = setTimeout(() => choose(next), 150);
  }
});

// --- my own place, for lists by distance

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-here]");
  if (!button) {
    return;
  }
  button.disabled = true;
  navigator.geolocation?.getCurrentPosition(
    ({ coords }) => {
      const form = button.closest("form");
      form.querySelector("[name=near]").value = `${coords.latitude.toFixed(5)}, ${coords.longitude.toFixed(5)}`;
      form.requestSubmit();
    },
    () => {
      button.disabled = false;
      document.getElementById("near-refused").hidden = false;
    },
    { maximumAge: 60_000, timeout: 15_000 },
  );
});

for (const button of document.querySelectorAll("[data-here]")) {
  button.hidden = !("geolocation" in navigator);
}
