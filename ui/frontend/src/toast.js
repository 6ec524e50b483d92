// Notices stand at the edge and go after a while. Who reads one, or is about to press its button, has all the time.
// What went wrong stays until it is closed. Other scripts say something with the event guanxi:notice {text, kind}.

const SHOWN = 10000;
const known = new WeakSet();

function prepare(notice) {
  if (known.has(notice)) {
    return;
  }
  known.add(notice);
  const close = Object.assign(document.createElement("button"), { type: "button", className: "btn-close" });
  close.setAttribute("aria-label", notice.parentElement?.dataset.close ?? "×");
  close.addEventListener("click", () => notice.remove());
  notice.append(close);
  if (notice.matches(".alert-danger")) {
    return;
  }
  let left = SHOWN;
  let since = Date.now();
  let timer = setTimeout(() => notice.remove(), left);
  const held = () => notice.matches(":hover, :focus-within");
  const hold = () => {
    clearTimeout(timer);
    left -= Date.now() - since;
  };
  const go = () => {
    if (!held()) {
      since = Date.now();
      timer = setTimeout(() => notice.remove(), Math.max(left, 2000));
    }
  };
  for (const [on, off] of [["mouseenter", "mouseleave"], ["focusin", "focusout"]]) {
    notice.addEventListener(on, hold);
    notice.addEventListener(off, () => setTimeout(go));
  }
}

function prepareAll() {
  document.querySelectorAll("#notices > .notice").forEach(prepare);
}

document.addEventListener("guanxi:notice", (event) => {
  const { text, kind = "success" } = event.detail;
  const notice = Object.assign(document.createElement("div"), { className: `alert alert-${kind} notice` });
  notice.setAttribute("role", kind === "danger" ? "alert" : "status");
  notice.append(Object.assign(document.createElement("span"), { className: "notice-text", textContent: text }));
  document.getElementById("notices")?.append(notice);
  prepareAll();
});
// What was asked for beside the page and refused would be seen by nobody: the reason stands in a notice.
document.addEventListener("htmx:responseError", (event) => {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const said = ["h1", "[data-reason]"].map((each) => page.querySelector(`[data-failure] ${each}`)?.textContent.trim());
  tell(said.filter(Boolean).join(": "));
});
document.addEventListener("htmx:sendError", () => tell(""));

function tell(text) {
  const words = text || document.getElementById("notices")?.dataset.lost;
  document.dispatchEvent(new CustomEvent("guanxi:notice", { detail: { text: words, kind: "danger" } }));
}

document.addEventListener("htmx:afterSettle", prepareAll);
document.addEventListener("htmx:oobAfterSwap", prepareAll);
prepareAll();
