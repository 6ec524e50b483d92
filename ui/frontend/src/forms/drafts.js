// Drafts: what is typed is kept by the server a moment later. Files and passwords stay here.

const WAIT = 2000;
const timers = new WeakMap();
const underway = new WeakMap();

/** Keep a form soon; a later change puts it off. */
export function keepSoon(form) {
  if (form.dataset.draft) {
    clearTimeout(timers.get(form));
    timers.set(form, setTimeout(() => keep(form), WAIT));
  }
}

async function keep(form) {
  if (form.dataset.sent) {
    return;
  }
  const body = new FormData(form);
  for (const [name, value] of [...body]) {
    if (value instanceof File) {
      body.delete(name);
    }
  }
  for (const { name } of form.querySelectorAll("input[type=password][name]")) {
    body.delete(name);
  }
  body.set("record", form.dataset.record ?? "");
  // Before it is sent: a save that overtakes it ends what is still on its way, too.
  if (!form.elements.drafted) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "drafted", value: "1" }));
  }
  underway.get(form)?.abort();
  const control = new AbortController();
  underway.set(form, control);
  const asked = { method: "POST", body, signal: control.signal, headers: { "HX-Request": "true" } };
  const answer = await fetch(form.dataset.draft, asked).catch(() => null);
  if (!answer) {
    return; // no network just now: the next change tries again
  }
  // Who is signed out is told where to go, in another tab.
  const out = answer.redirected || answer.headers.has("HX-Redirect");
  const place = form.querySelector("[data-signed-out]");
  if (place) {
    place.hidden = !out;
  }
  if (out) {
    return;
  }
  if (answer.ok || answer.status === 422) {
    form.querySelector("[data-draft-said]").textContent = await answer.text();
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("form[data-draft]");
  if (form) {
    clearTimeout(timers.get(form));
    underway.get(form)?.abort();
  }
});

// Who comes back from another tab, where they may have signed in, need not type to be told.
document.addEventListener("visibilitychange", () => {
  for (const form of document.querySelectorAll("form[data-draft][data-touched]")) {
    if (document.hidden || !form.querySelector("[data-signed-out]")?.hidden) {
      clearTimeout(timers.get(form));
      keep(form);
    }
  }
});
