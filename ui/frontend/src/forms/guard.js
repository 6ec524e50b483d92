// A form is sent once, and nothing typed is lost unasked.

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (!form) {
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  form.querySelector("[data-send]")?.setAttribute("aria-busy", "true");
});

// Whoever comes back to a page that the browser kept may send it again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[data-send]")?.removeAttribute("aria-busy");
  }
});

// A form that htmx sent and that came back as it is, without an answer, may be sent again.
for (const kind of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(kind, (event) => {
    delete event.target.dataset?.sent;
  });
}

const unsaved = () => document.querySelector("form[data-guard][data-touched]:not([data-sent])");

window.addEventListener("beforeunload", (event) => {
  if (unsaved()) {
    event.preventDefault();
  }
});

// A page that htmx puts in place of this one is no unloading.
document.addEventListener("htmx:confirm", (event) => {
  const form = unsaved();
  const leaves = event.detail.elt?.closest?.("[hx-boost=true]") && !form?.contains(event.detail.elt);
  if (form && leaves && !window.confirm(form.dataset.leave ?? "")) {
    event.preventDefault();
  }
});
