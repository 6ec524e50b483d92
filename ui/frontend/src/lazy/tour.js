// The tour: a box beside one thing after the other. It is never modal: who wants to go on works, and leaves it.

const GAP = 10;
let box, steps, words, at, before;

/** Ask what there is to show on this page, and show it. */
export async function start() {
  end();
  const answer = await fetch(`/search/tour?at=${encodeURIComponent(location.pathname)}`, {
    headers: { "HX-Request": "true" },
  }).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    return;
  }
  const told = Object.assign(document.createElement("template"), { innerHTML: await answer.text() }).content;
  words = Object.fromEntries(
    [...told.querySelector(".tour-words").content.querySelectorAll("span")].map((each) => [
      Object.keys(each.dataset)[0],
      each.textContent,
    ]),
  );
  steps = [...told.querySelectorAll("li")]
    .map((each) => ({ anchor: place(each.dataset.anchor), content: [...each.children] }))
    .filter((each) => each.anchor);
  if (steps.length) {
    before = document.activeElement;
    make();
    show(0);
  }
}

function place(selectors) {
  return selectors
    .split(",")
    .map((each) => document.querySelector(each))
    .find((each) => each?.checkVisibility());
}

function make() {
  box = Object.assign(document.createElement("div"), { className: "tour card", tabIndex: -1 });
  box.setAttribute("role", "dialog");
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      finish();
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      show(at + (event.key === "ArrowRight" ? 1 : -1));
    }
  });
  document.body.append(box);
  addEventListener("resize", put);
  addEventListener("scroll", put, { passive: true, capture: true });
}

function button(label, kind, press) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: `btn btn-sm ${kind}` });
  made.textContent = label;
  made.addEventListener("click", press);
  return made;
}

function show(number) {
  if (number < 0 || number >= steps.length) {
    return;
  }
  steps[at]?.anchor.classList.remove("is-toured");
  at = number;
  const { anchor, content } = steps[at];
  const count = Object.assign(document.createElement("span"), { className: "tour-count" });
  count.textContent = words.of.replace("##", steps.length).replace("#", at + 1);
  const last = at === steps.length - 1;
  const acts = Object.assign(document.createElement("div"), { className: "tour-acts" });
  acts.append(count, ...(last ? [] : [button(words.end, "btn-ghost", finish)]));
  acts.append(...(at ? [button(words.back, "", () => show(at - 1))] : []));
  acts.append(button(last ? words.done : words.next, "btn-primary", () => (last ? finish() : show(at + 1))));
  box.replaceChildren(...content, acts);
  box.setAttribute("aria-label", content[0].textContent);
  anchor.classList.add("is-toured");
  anchor.scrollIntoView({ block: "nearest" });
  put();
  acts.lastElementChild.focus({ preventScroll: true });
}

/** Put the box beside its anchor, where there is room: below, above, right; it never leaves the window. */
function put() {
  if (!box?.isConnected) {
    return;
  }
  const here = steps[at].anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const wide = document.documentElement.clientWidth;
  const high = document.documentElement.clientHeight;
  let left = Math.min(Math.max(here.left, GAP), wide - width - GAP);
  let top = here.bottom + GAP;
  if (top + height > high) {
    top = here.top - height - GAP;
  }
  if (top < GAP) {
    top = Math.max(GAP, Math.min(here.top + GAP, high - height - GAP));
    left = here.right + width + GAP < wide ? here.right + GAP : wide - width - GAP;
  }
  box.style.setProperty("inset-block-start", `${top}px`);
  box.style.setProperty("inset-inline-start", `${left}px`);
}

function end() {
  steps?.[at]?.anchor.classList.remove("is-toured");
  box?.remove();
  removeEventListener("resize", put);
  removeEventListener("scroll", put, { capture: true });
}

function finish() {
  end();
  before?.focus?.();
  document.querySelector(".invitation")?.remove();
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  fetch("/login/account/settings/tour", { method: "POST", headers, redirect: "manual", keepalive: true });
}
