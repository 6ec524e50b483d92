// A record that is made from within the form of another: a small form below the link, which then leads to it.

let open = null; // {panel, box}

const inputOf = (box) => box.querySelector("input:not([type=hidden])");

document.addEventListener("guanxi:fresh", async (event) => {
  const box = event.target;
  const answer = await fetch(event.detail.address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected || answer.headers.has("HX-Redirect")) {
    location.assign(event.detail.address); // the page asks before anything typed is lost
    return;
  }
  leave();
  const panel = Object.assign(document.createElement("dialog"), { className: "fresh card" });
  open = { panel, box };
  fill(panel, await answer.text());
  document.body.append(panel);
  panel.show();
  place(panel, inputOf(box));
  panel.querySelector(".form-control, .form-select")?.focus();
});

function fill(panel, text) {
  const made = Object.assign(document.createElement("template"), { innerHTML: text });
  panel.replaceChildren(document.importNode(made.content, true));
  panel.setAttribute("aria-label", panel.querySelector("h2")?.textContent ?? "");
}

/** Below the input where there is room, else above it. */
function place(panel, input) {
  const at = input.getBoundingClientRect();
  const below = innerHeight - at.bottom;
  const left = Math.max(8, Math.min(at.left, innerWidth - panel.offsetWidth - 8));
  panel.style.left = `${left + scrollX}px`;
  const top = below < panel.offsetHeight + 8 && at.top > below ? Math.max(8, at.top - panel.offsetHeight - 4) : at.bottom + 4;
  panel.style.top = `${top + scrollY}px`;
}

function leave() {
  if (open) {
    const { panel, box } = open;
    open = null;
    panel.remove();
    inputOf(box).focus();
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-quick-leave]")) {
    leave();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && open && open.panel.contains(event.target) && !event.defaultPrevented) {
    event.preventDefault();
    leave();
  }
});

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target.closest?.("[data-quick-form]");
    if (!form || !open) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (form.dataset.sent) {
      return;
    }
    form.dataset.sent = "1";
    const asked = { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } };
    const answer = await fetch(form.getAttribute("action"), asked).catch(() => null);
    delete form.dataset.sent;
    if (!answer || !open) {
      return;
    }
    const text = await answer.text();
    const made = new DOMParser().parseFromString(text, "text/html").querySelector("[data-made]");
    if (made) {
      const { box } = open;
      leave();
      const target = form.getAttribute("action").split("/")[1];
      const any = box.parentElement.querySelector("[data-link-kind]") || box.closest(".any-input");
      const id = any ? `${target}/${made.dataset.made}` : made.dataset.made;
      box.dispatchEvent(new CustomEvent("guanxi:choose", { bubbles: true, detail: { id, title: made.dataset.title } }));
    } else if (text.includes("data-quick-form")) {
      fill(open.panel, text);
      open.panel.querySelector(".is-wrong .form-control, .is-wrong .form-select")?.focus();
    }
  },
  true,
);
