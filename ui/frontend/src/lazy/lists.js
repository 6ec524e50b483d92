// What a list gains from a script beside ticking: heads that stay in sight, columns as wide as one likes, menus of rows.

const STEP = 16;
const LEAST = 40;

// --- heads stay in sight where the table fits its card

const watch = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    fit(target);
  }
});

function fit(box) {
  const table = box.querySelector("table.list");
  if (table) {
    box.classList.remove("is-whole");
    box.classList.toggle("is-whole", table.scrollWidth <= box.clientWidth + 1);
  }
}

// --- widths

function grips() {
  for (const head of document.querySelectorAll(".listing thead th[data-path]:not([data-grip])")) {
    head.dataset.grip = "";
    const grip = document.createElement("span");
    grip.className = "width-grip";
    grip.tabIndex = 0;
    grip.setAttribute("role", "separator");
    grip.setAttribute("aria-orientation", "vertical");
    grip.setAttribute("aria-label", head.closest("form").dataset.wide);
    grip.setAttribute("aria-valuenow", String(Math.round(head.getBoundingClientRect().width)));
    head.append(grip);
  }
  for (const box of document.querySelectorAll(".listing .table-responsive")) {
    watch.observe(box);
    fit(box);
  }
}

function draw(head, width) {
  const size = Math.max(LEAST, Math.round(width));
  head.dataset.width = String(size);
  head.style.inlineSize = `${size}px`;
  head.style.minInlineSize = `${size}px`;
  head.querySelector(".width-grip").setAttribute("aria-valuenow", String(size));
}

let saving = 0;

function save(head) {
  clearTimeout(saving);
  saving = setTimeout(() => {
    const form = head.closest("form");
    const sent = new FormData();
    sent.set("_token", form.querySelector("[name=_token]").value);
    sent.set("state", location.search.slice(1));
    for (const each of form.querySelectorAll("thead th[data-path]")) {
      const path = each.dataset.path.split(":")[0];
      sent.append("column", path);
      if (each.dataset.width) {
        sent.set(`width-${path}`, each.dataset.width);
      }
    }
    fetch(`${location.pathname}/columns/width`, { method: "POST", body: sent }).catch(() => {});
  }, 400);
}

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.(".width-grip");
  if (!grip || event.button !== 0) {
    return;
  }
  event.preventDefault();
  const head = grip.parentElement;
  const start = event.clientX;
  const before = head.getBoundingClientRect().width;
  const way = getComputedStyle(head).direction === "rtl" ? -1 : 1;
  grip.classList.add("is-drawn");
  grip.setPointerCapture(event.pointerId);
  const move = (moved) => draw(head, before + way * (moved.clientX - start));
  const end = () => {
    grip.classList.remove("is-drawn");
    grip.removeEventListener("pointermove", move);
    if (head.getBoundingClientRect().width !== before) {
      save(head);
    }
  };
  grip.addEventListener("pointermove", move);
  grip.addEventListener("pointerup", end, { once: true });
  grip.addEventListener("pointercancel", end, { once: true });
});

document.addEventListener("keydown", (event) => {
  const grip = event.target.closest?.(".width-grip");
  if (grip && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
    event.preventDefault();
    const head = grip.parentElement;
    draw(head, head.getBoundingClientRect().width + (event.key === "ArrowRight" ? STEP : -STEP));
    save(head);
  }
  if (event.key === "Escape") {
    document.querySelector(".row-menu:popover-open")?.hidePopover();
  }
});

// --- menus of rows, which rows have no bytes for

function menus() {
  for (const form of document.querySelectorAll("form.listing")) {
    const start = `/${form.getAttribute("action").split("/")[1]}/`;
    for (const row of form.querySelectorAll("tbody tr:not([data-menu], .more)")) {
      row.dataset.menu = "";
      const own = [...row.querySelectorAll(`a[href^="${start}"]`)].find(
        (link) => link.getAttribute("href").length === start.length + 36,
      );
      if (own && row.lastElementChild) {
        const more = Object.assign(document.createElement("a"), { className: "act more", href: `${own.href}/acts` });
        more.setAttribute("aria-label", `${form.dataset.more}: ${own.textContent}`);
        more.setAttribute("role", "button");
        row.lastElementChild.append(more);
      }
    }
  }
}

document.addEventListener("click", async (event) => {
  const act = event.target.closest?.(".listing .act.more");
  if (!act || event.ctrlKey || event.metaKey || !("popover" in act)) {
    return;
  }
  event.preventDefault();
  const answer = await fetch(act.href, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    location.assign(act.href);
    return;
  }
  let menu = document.querySelector(".row-menu");
  if (!menu) {
    menu = Object.assign(document.createElement("div"), { className: "row-menu card", popover: "auto" });
    document.body.append(menu);
  }
  menu.innerHTML = await answer.text();
  menu.showPopover();
  const at = act.getBoundingClientRect();
  const box = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(at.right - box.width, innerWidth - box.width - 8))}px`;
  menu.style.top = `${at.bottom + box.height > innerHeight ? Math.max(8, at.top - box.height) : at.bottom}px`;
  menu.querySelector("a, button")?.focus();
});

// --- with Shift a head is sorted by after those before; pressed again it is turned round

const MOST_ORDERS = 4;

document.addEventListener("click", (event) => {
  const head = event.shiftKey && event.target.closest?.(".list thead th[data-path]");
  const table = head && event.target.closest("a") && head.closest("table");
  if (!table) {
    return;
  }
  event.preventDefault();
  const path = head.dataset.sort ?? head.dataset.path.split(":")[0];
  const orders = table.dataset.order.split(",").filter(Boolean);
  const at = orders.findIndex((each) => each.replace("-", "") === path);
  if (at >= 0) {
    orders[at] = orders[at].startsWith("-") ? path : `-${path}`;
  } else {
    orders.push(path);
  }
  const there = new URL(location.href);
  ["cursor", "rows"].forEach((name) => there.searchParams.delete(name));
  there.searchParams.set("order", orders.slice(0, MOST_ORDERS).join(","));
  location.assign(there);
});

// --- how many records each choice of the filters would leave: asked for when the list is there, told in its options

let asked = "";

async function tellNumbers() {
  const form = document.querySelector("form.filters[data-facets]");
  if (!form || asked === location.href) {
    return;
  }
  asked = location.href;
  const here = asked;
  const answer = await fetch(`${form.dataset.facets}${location.search}`).catch(() => null);
  if (!answer?.ok || answer.redirected || here !== location.href) {
    return;
  }
  for (const [name, numbers] of Object.entries(await answer.json())) {
    const select = form.elements.namedItem(name);
    if (select instanceof HTMLSelectElement) {
      // Options that become longer do not move what stands beside them.
      select.parentElement.style.flexBasis = `${select.parentElement.getBoundingClientRect().width}px`;
      select.style.inlineSize = "100%";
      for (const option of select.options) {
        option.dataset.label ??= option.textContent;
        if (option.value in numbers) {
          option.textContent = `${option.dataset.label} · ${numbers[option.value]}`;
        }
      }
    }
  }
}

const later = window.requestIdleCallback ?? ((task) => setTimeout(task, 200));

// --- what is cut off is told whole

document.addEventListener("pointerover", (event) => {
  const cell = event.target.closest?.(".list :is(tbody td, th[data-path])");
  const box = cell?.querySelector(":scope > a:only-child") ?? cell;
  if (box && !box.title && (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight + 1)) {
    box.title = box.textContent.trim();
  }
});

function prepare() {
  grips();
  menus();
  later(tellNumbers);
}

document.addEventListener("htmx:afterSettle", prepare);
prepare();
// The view that is open is in sight, however many stand before it; the page itself stays where it is.
const current = document.querySelector(".views [aria-current]");
if (current) {
  const bar = current.parentElement;
  bar.scrollLeft += Math.max(0, current.getBoundingClientRect().right - bar.getBoundingClientRect().right);
}
