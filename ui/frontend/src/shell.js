// The frame: groups of the navigation stay as they were left, the palette and the sheets come when they are asked for.

const FOLDED = "guanxi_folded";

document.addEventListener(
  "toggle",
  (event) => {
    if (!event.target.matches?.(".shell-group")) {
      return;
    }
    const folded = [...document.querySelectorAll(".shell-group:not([open])")].map((each) => each.dataset.group);
    document.cookie = `${FOLDED}=${folded.join(".")}; path=/; max-age=31536000; samesite=lax`;
  },
  true,
);

let coming = false;

/** Open the palette; it is loaded when it is first wanted. What is typed meanwhile goes into it, and is no key of the page. */
export async function openPalette(words = "") {
  const address = document.body.dataset.palette;
  if (!address || coming) {
    return;
  }
  let typed = words;
  const keep = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.key.length > 1 && event.key !== "Backspace")) {
      return;
    }
    typed = event.key === "Backspace" ? typed.slice(0, -1) : typed + event.key;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  coming = true;
  addEventListener("keydown", keep, true);
  try {
    const { open } = await import(address);
    open(typed);
  } finally {
    removeEventListener("keydown", keep, true);
    coming = false;
  }
}

/** Show a page that is a part of the help in a dialog. */
export async function openSheet(address, title) {
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    location.assign(address);
    return;
  }
  document.querySelector("dialog.sheet")?.remove();
  const dialog = Object.assign(document.createElement("dialog"), { className: "sheet card" });
  dialog.setAttribute("aria-label", title);
  dialog.innerHTML = await answer.text();
  const close = Object.assign(document.createElement("button"), { className: "btn-close", type: "button" });
  close.setAttribute("aria-label", document.querySelector("#notices")?.dataset.close ?? "×");
  close.addEventListener("click", () => dialog.close());
  const head = Object.assign(document.createElement("header"), { className: "sheet-head" });
  head.append(Object.assign(document.createElement("h1"), { textContent: title }), close);
  dialog.prepend(head);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  tellKeys(dialog);
  document.body.append(dialog);
  dialog.showModal();
}

/** Name the keys as they are called here: those of Apple have ⌘ for what others do with Ctrl; both work. */
export function tellKeys(root) {
  if (/^(Mac|iPhone|iPad)/.test(navigator.userAgentData?.platform ?? navigator.platform)) {
    document.documentElement.classList.add("is-mac");
    for (const each of root.querySelectorAll("kbd")) {
      each.textContent = each.textContent === "Ctrl" ? "⌘" : each.textContent;
    }
  }
}

export async function startTour() {
  const address = document.body.dataset.tour;
  if (address) {
    (await import(address)).start();
  }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-palette-open], [data-keys-open], [data-tour-open]");
  if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  document.querySelector("details.person[open]")?.removeAttribute("open");
  if (opener.matches("[data-palette-open]")) {
    openPalette();
  } else if (opener.matches("[data-keys-open]")) {
    openSheet(opener.getAttribute("href"), opener.textContent.trim());
  } else {
    startTour();
  }
});

// The search of the bar becomes the palette as soon as somebody types in it; Enter before that is the search page.
document.addEventListener("input", (event) => {
  if (event.target.id === "search-all" && !event.isComposing) {
    openPalette(event.target.value);
    event.target.value = "";
  }
});
document.addEventListener("compositionend", (event) => {
  if (event.target.id === "search-all" && event.target.value) {
    openPalette(event.target.value);
    event.target.value = "";
  }
});

// Who goes on elsewhere has done with the navigation that a phone shows from below.
document.addEventListener("click", (event) => {
  const open = document.getElementById("shell-open");
  if (open?.checked && event.target.closest?.("main")) {
    open.checked = false;
  }
});
