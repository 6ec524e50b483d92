"""Schemas of what is seen: view, form, menu. They name fields and never repeat what those say."""

from __future__ import annotations

from typing import Any

from engine.metadata.kinds.parts import (
    LONGEST_KEY,
    Schema,
    choice,
    document,
    dotted,
    expression,
    flag,
    key,
    label,
    mapping,
    names,
    one_or_more,
    shape,
    whole,
    words,
)

_ANYTHING: Schema = {
    "type": "object",
    "additionalProperties": {"x-layer": "free"},
    "description": "What this widget can be told besides.",
    "x-layer": "free",
}
_PATHS: dict[str, Any] = {
    "propertyNames": {"pattern": "^[a-z_][a-z0-9_]*([.][a-z_][a-z0-9_]*)*$", "maxLength": 4 * LONGEST_KEY}
}


def _path(description: str) -> Schema:
    return words(description, holds="path")


def _pictures() -> dict[str, Schema]:
    """The other ways in which a view can show its records."""
    return {
        "kanban": shape(
            "Cards in columns.",
            {
                "by": _path("Select field whose options are the columns."),
                "sum": _path("Number that is added up for each column."),
                "card": names("Fields on a card.", holds="path"),
                "due": _path("Day that a card counts down to."),
                "stale": whole("Days without a change after which a card says so.", 1, 10_000),
                "limits": mapping(
                    "Most cards that a column should have, by option.", whole("Most cards.", 1, 1_000_000)
                ),
                "over": choice("What becomes of a card that is one too many.", ["warn", "refuse"], default="warn"),
            },
            "by",
        ),
        "calendar": shape(
            "Records on their days.",
            {
                "start": _path("When it begins."),
                "end": _path("When it ends."),
                "title": _path("What stands on it."),
                "color": _path("Select field that gives the colour."),
                "span": choice("How much of it is shown first.", ["month", "week", "day", "agenda"], default="month"),
                "with": names("Views of other entities whose records stand on the same days.", holds="view"),
            },
            "start",
        ),
        "timeline": shape(
            "Records as bars.",
            {
                "start": _path("When it begins."),
                "end": _path("When it ends."),
                "title": _path("What stands on it."),
                "group": _path("Field whose values are the lines."),
                "color": _path("Select field that gives the colour."),
            },
            "start",
        ),
        "tree": shape("Records below their parents.", {"parent": _path("Lookup of the entity to itself.")}, "parent"),
        "nearby": shape("Records by their distance.", {"place": _path("Geo field that says where they are.")}, "place"),
    }


def view_schema() -> Schema:
    """Return the schema of `view`."""
    column = shape(
        "One column.",
        {
            "label": label("What stands above it, if not the field's own label."),
            "widget": words("How a cell looks."),
            "align": choice("Where its values stand.", ["left", "center", "right"]),
            "width": whole("Width in pixels.", 20, 2_000),
            "hidden": flag("Not shown until somebody asks for it."),
            "wrap": flag("A text that is too long for it goes on below; otherwise it is cut off, in one line."),
            "after": words("It stands behind this column.", holds="path"),
            "options": _ANYTHING,
        },
    )
    return document(
        "view",
        "A way to look at the records of an entity.",
        {
            "view": dotted("Its name, such as visit.today.", "locked"),
            "entity": key("Entity that it shows.", "locked", holds="entity"),
            "title": label("What it is called."),
            "help": label("A sentence that explains it."),
            "where": expression("Only records for which this is true."),
            "columns": mapping("Fields, or paths along links, that it shows.", column, **_PATHS),
            "order": names("How it is sorted; -field turns it round.", holds="order"),
            "group_by": one_or_more("Fields whose values stand together.", holds="path"),
            "filters": names("Fields offered as quick filters.", holds="path"),
            **_pictures(),
            "display": choice(
                "How it is shown when somebody opens it, where that fits.",
                ["table", "kanban", "calendar", "timeline", "tree", "split", "nearby"],
            ),
            "actions": names("Transitions, workflows with a button, and actions of plugins."),
            "roles": one_or_more("Roles that see it.", holds="role"),
            "when": expression("Shown only to people for whom this is true; it knows `user.*`, `today` and `now`."),
            "hidden": flag("Not offered."),
        },
        "entity",
    )


def _section() -> Schema:
    """A block of a form."""
    item = shape(
        "One field of the section.",
        {
            "row": whole("Row, from 1.", 1, 500),
            "column": whole("Place in the row, from 1.", 1, 12),
            "after": words("It stands in the row below this field.", holds="field"),
            "widget": words("How it looks."),
            "hidden": flag("Left out."),
            "options": _ANYTHING,
        },
    )
    return shape(
        "A block of fields.",
        {
            "label": label("What stands above it."),
            "columns": whole("How many fields stand beside one another.", 1, 4, default=2),
            "rows": {
                "type": "array",
                "items": {"type": ["array", "string"], "items": {"type": "string"}},
                "description": "The fields, row by row.",
                "x-layer": "free",
                "x-holds": "field",
            },
            "fields": mapping("The fields by key: where they stand and how they look.", item, removable=False),
            "visible_when": expression("Shown only while this is true."),
            "after": words("It stands behind this section."),
        },
    )


def form_schema() -> Schema:
    """Return the schema of `form`."""
    related: Schema = {
        "type": "array",
        "items": shape(
            "A list of records that lead here.",
            {
                "relation": words("The relation.", holds="relation"),
                "view": dotted("View that shows them.", holds="view"),
            },
            "relation",
        ),
        "description": "Lists of records that lead here.",
        "x-layer": "free",
    }
    tab = shape(
        "One tab.",
        {
            "label": label("What it is called."),
            "sections": mapping("Its blocks.", _section()),
            "related": related,
            "after": words("It stands behind this tab."),
        },
    )
    return document(
        "form",
        "How a record is shown and edited.",
        {
            "form": dotted("Its name, such as visit.default.", "locked"),
            "entity": key("Entity that it shows.", "locked", holds="entity"),
            "tabs": mapping("Its tabs.", tab),
            "steps": flag("Filled in tab by tab, one after the other."),
            "highlights": names("Fields that stand beside the name of a record.", holds="field"),
            "around": names("Relations whose records' happenings are told along with the record's.", holds="relation"),
            "panels": mapping(
                "Panels beside the form: right, left, top or bottom, each with what stands in it.",
                names("What stands in it."),
                propertyNames={"enum": ["right", "left", "top", "bottom"]},
            ),
        },
        "entity",
        "tabs",
    )


def menu_schema() -> Schema:
    """Return the schema of `menu`."""
    items: Schema = {"$ref": "#/$defs/items"}
    item = shape(
        "One entry.",
        {
            "label": label("What it is called, if not as what it leads to."),
            "entity": key("Entity whose list it opens.", holds="entity"),
            "view": dotted("View that it opens.", holds="view"),
            "dashboard": dotted("Dashboard that it opens.", holds="dashboard"),
            "report": dotted("Report that it opens.", holds="report"),
            "url": words("Address that it opens.", pattern=r"^(/|https?://|mailto:|tel:)"),
            "icon": words("Name of its icon."),
            "roles": one_or_more("Roles that see it.", holds="role"),
            "when": expression("Shown only to people for whom this is true; it knows `user.*`, `today` and `now`."),
            "hidden": flag("Not shown."),
            "after": words("It stands behind this entry."),
            "items": items,
        },
    )
    return document(
        "menu",
        "The navigation.",
        {
            "menu": dotted("Its name; main is the one on every page.", "locked"),
            "label": label("What it is called."),
            "items": items,
        },
        "items",
        **{"$defs": {"items": mapping("Its entries.", item)}},
    )
