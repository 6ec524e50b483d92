// The small window in which a card or an event asks where it is to go. Its content is the form that is a page without
// a script; it opens beside what was pressed and gives the focus back.

let opener = null;

function menu() {
  return document.getElementById("board-ways");
}

export function shut() {
  menu()?.hidePopover();
}

/** Fetch a form and show it beside an element. */
export async function ask(address, beside) {
  const window_ = menu();
  opener = beside;
  await htmx.ajax("GET", address, { source: window_, target: window_, swap: "innerHTML" });
  const at = beside.getBoundingClientRect();
  window_.showPopover();
  const room = window_.getBoundingClientRect();
  window_.style.left = `${Math.max(8, Math.min(at.right - room.width, innerWidth - room.width - 8))}px`;
  window_.style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - room.height - 8))}px`;
  window_.querySelector("button:not([disabled]), input:not([type=hidden])")?.focus();
}

document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.id === "board-ways" && event.newState === "closed" && opener?.isConnected) {
      opener.focus({ preventScroll: true });
    }
  },
  true,
);

/** Whether a press is one that opens the window, and not one that opens a tab. */
export function plain(event) {
  return !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
}
