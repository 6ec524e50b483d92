// The page of a record on paper: its button opens the dialog of the browser.

const button = document.querySelector("[data-print]");
button.hidden = false;
button.addEventListener("click", () => window.print());
