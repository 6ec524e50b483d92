// What the displays of lists gain from a script: dragging, menus in their place, keys. Without it everything is a page.

import "./boards/kanban.js";
import "./boards/days.js";
import "./boards/split.js";
import "./boards/tree.js";
