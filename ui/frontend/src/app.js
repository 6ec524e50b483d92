// What every page loads. Pages work without it: it spares whole pages from being sent, and shows at once what the
// server would show a moment later.

import htmx from "htmx.org";

// What Tabler's markup needs a script for. Each of these listens for its own data-bs-* attributes.
import "@tabler/core/js/src/bootstrap/collapse";
import "@tabler/core/js/src/bootstrap/dropdown";
import "@tabler/core/js/src/bootstrap/toast";

// The other files of this folder, put here by the build.
import "guanxi:parts";

// Nothing is made from text at run time and no style is written into the page: the content security policy allows
// neither. Refusals are pages too, so they are swapped in; what comes back from another site never is. Pages are not
// kept in the browser's storage, since the next person at this computer may not see what the last one saw.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  historyCacheSize: 0,
  includeIndicatorStyles: false,
  refreshOnHistoryMiss: true,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "409", swap: true },
    { code: "422", swap: true },
    { code: "...", swap: false, error: true },
  ],
  selfRequestsOnly: true,
});

window.htmx = htmx;
