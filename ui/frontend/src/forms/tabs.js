// Tabs and steps of a form. Without a script all of it stands on one page, and the tabs lead there.

/** Show one tab of a form at a time; the first that has something wrong, else the first. */
export function setUp(form) {
  const bar = form.querySelector("[data-tabs]");
  if (!bar) {
    return;
  }
  form.classList.add("is-tabbed");
  const links = [...bar.querySelectorAll("[data-tab]")];
  const wrong = links.find((link) => link.querySelector(".tab-wrong"));
  const asked = links.find((link) => link.hash === location.hash);
  show(form, (wrong ?? asked ?? links[0]).dataset.tab);
  bar.addEventListener("click", (event) => {
    const link = event.target.closest("[data-tab]");
    if (link) {
      event.preventDefault();
      show(form, link.dataset.tab);
    }
  });
  const ways = form.querySelector("[data-steps]");
  if (ways) {
    ways.hidden = false;
    ways.addEventListener("click", (event) => {
      const step = event.target.closest("[data-step]")?.dataset.step;
      const at = links.findIndex((link) => link.hasAttribute("aria-current"));
      if (step && links[at + Number(step)]) {
        show(form, links[at + Number(step)].dataset.tab);
        form.querySelector(".form-block:not([hidden]) .form-control")?.focus();
        bar.scrollIntoView({ block: "nearest" });
      }
    });
  }
}

function show(form, key) {
  const links = [...form.querySelectorAll("[data-tab]")];
  for (const link of links) {
    link.toggleAttribute("aria-current", link.dataset.tab === key);
    if (link.dataset.tab === key) {
      link.setAttribute("aria-current", "true");
    }
  }
  for (const block of form.querySelectorAll("[data-of-tab], [data-tab-head]")) {
    block.classList.toggle("is-elsewhere", (block.dataset.ofTab ?? block.dataset.tabHead) !== key);
  }
  const at = links.findIndex((link) => link.dataset.tab === key);
  for (const way of form.querySelectorAll("[data-step]")) {
    way.disabled = !links[at + Number(way.dataset.step)];
  }
}

/** Show the tab on which an element stands. */
export function bringUp(element) {
  const block = element.closest("[data-of-tab]");
  if (block?.classList.contains("is-elsewhere")) {
    show(block.closest("form"), block.dataset.ofTab);
  }
}

// What is wrong leads to its input, on whichever tab that is.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".wrong-list a[href^='#']");
  const goal = link && document.getElementById(link.hash.slice(1));
  if (goal) {
    event.preventDefault();
    bringUp(goal);
    const input = goal.matches("input, select, textarea") ? goal : goal.querySelector("input:not([type=hidden]), select");
    (input ?? goal).focus();
    (input ?? goal).scrollIntoView({ block: "center" });
  }
});
