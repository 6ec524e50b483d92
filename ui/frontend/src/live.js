// What asks anew by itself does so while somebody looks at the page, and at once when they come back to it.

const due = new WeakMap();

function poll() {
  if (document.visibilityState !== "visible" || !navigator.onLine) {
    return;
  }
  const now = Date.now();
  for (const each of document.querySelectorAll("[data-poll]")) {
    const seconds = Number(each.dataset.poll) || 60;
    if (!due.has(each)) {
      due.set(each, now + seconds * 1000);
    } else if (now >= due.get(each)) {
      due.set(each, now + seconds * 1000);
      window.htmx.trigger(each, "poll");
    }
  }
}

setInterval(poll, 5000);
poll();
document.addEventListener("visibilitychange", poll);

// The present stage is in sight, however narrow the screen is.
function show() {
  for (const bar of document.querySelectorAll(".stages-way")) {
    const now = bar.querySelector(".is-now");
    if (now && bar.scrollWidth > bar.clientWidth) {
      bar.scrollLeft = now.offsetLeft - (bar.clientWidth - now.offsetWidth) / 2;
    }
  }
}

show();
