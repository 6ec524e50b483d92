// Keys: Ctrl K and / open the palette, ? the sheet of keys, g and a letter go somewhere, and some act on what is shown.
// Nothing happens while somebody types, and single keys can be switched off.

import { openPalette, openSheet, tellKeys } from "./shell.js";

const WAIT = 1200;
const ON_PAGE = {
  n: "main .head a[href$='/new'], main a.btn-primary[href$='/new']",
  e: "main .head a[href$='/edit']",
  s: "main .star [data-shortcut=s]",
};
let going = 0;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) {
    return;
  }
  const control = event.ctrlKey || event.metaKey;
  if (control && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
  } else if (control && event.key === "Enter") {
    const form = event.target.closest?.("main form[method=post]");
    if (form) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button.btn-primary") ?? undefined);
    }
  } else if (event.key === "Escape") {
    const open = document.getElementById("shell-open");
    if (open?.checked) {
      open.checked = false;
    }
  } else if (document.body.dataset.keys === "on" && !control && !event.altKey && !types(event.target)) {
    single(event);
  }
});

function types(target) {
  return target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog");
}

function single(event) {
  if (going && Date.now() - going < WAIT) {
    going = 0;
    follow(event, `.shell-side [data-go="${CSS.escape(event.key)}"]`);
  } else if (event.key === "g") {
    going = Date.now();
  } else if (event.key === "/") {
    event.preventDefault();
    openPalette();
  } else if (event.key === "?") {
    openSheet("/search/keys", document.querySelector("[data-keys-open]")?.textContent.trim() ?? "");
  } else if (event.key === "j" || event.key === "k") {
    move(event.key === "j" ? 1 : -1);
  } else if (event.key === "x") {
    document.activeElement.closest?.(".list tbody tr")?.querySelector("input[type=checkbox]")?.click();
  } else if (ON_PAGE[event.key]) {
    follow(event, ON_PAGE[event.key]);
  }
}

function follow(event, selector) {
  const found = document.querySelector(selector);
  if (found) {
    event.preventDefault();
    found.click();
  }
}

function move(step) {
  const links = [...document.querySelectorAll(".list tbody tr:not(.more) a[href]:first-of-type")].filter(
    (link, at, all) => all.findIndex((other) => other.closest("tr") === link.closest("tr")) === at,
  );
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1)];
  next?.focus();
  next?.closest("tr").scrollIntoView({ block: "nearest" });
}

if (document.body.dataset.keys === "on") {
  for (const [key, selector] of Object.entries(ON_PAGE)) {
    const found = document.querySelector(selector);
    if (found) {
      found.setAttribute("aria-keyshortcuts", key);
      found.title = `${found.title || found.textContent.trim()} (${key})`;
    }
  }
}

tellKeys(document);
