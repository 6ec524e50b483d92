"""Schemas of numbers that are seen: dashboard and report. They name fields and never repeat what those say."""

from __future__ import annotations

from engine.metadata.kinds.parts import (
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

PERIODS = (
    "today", "this_week", "last_week", "this_month", "last_month", "next_month", "this_quarter", "last_quarter",
    "this_year", "last_year", "last_7_days", "last_30_days", "last_90_days", "last_12_months",
)  # fmt: skip
"""Stretches of days that a dashboard can begin with."""
CHARTS = [
    "number", "gauge", "bar", "column", "line", "area", "pie", "donut", "funnel", "heatmap", "table", "agenda",
]  # fmt: skip


def _measures() -> Schema:
    functions = ("sum", "count", "min", "max", "avg", "count_distinct")
    return mapping(
        "Numbers that are worked out.",
        shape(
            "One number: one of sum, count, min, max, avg and count_distinct with a field, or the ratio of two others;"
            " count may say true.",
            {
                **{
                    each: {
                        "type": ["string", "boolean"],
                        "x-layer": "free",
                        "x-holds": "path",
                        "description": "Of this.",
                    }
                    for each in functions
                },
                "ratio": {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 2,
                    "maxItems": 2,
                    "x-layer": "free",
                    "description": "Keys of two other numbers: the part and the whole, shown in percent.",
                },
                "where": expression("Only of records for which this is true."),
                "label": label("What it is called."),
                "format": choice("How it is written.", ["number", "money", "percent", "duration"]),
            },
        ),
    )


def _query() -> dict[str, Schema]:
    return {
        "entity": key("Entity that it counts.", holds="entity"),
        "where": expression("Only records for which this is true."),
        "group_by": one_or_more(
            "Fields, or parts of dates such as month(closed_on), that rows are made of.", holds="bucket"
        ),
        "measures": _measures(),
        "having": words("Only rows for which this is true.", holds="condition on measures"),
        "order": names("How rows are sorted: fields or measures; -name turns it round."),
        "limit": whole("Most rows shown.", 1, 10_000),
    }


def _target() -> Schema:
    return shape(
        "What the first number should come to: a value, or a sum over records of another entity.",
        {
            "value": {"type": "number", "x-layer": "free", "description": "A fixed value."},
            "entity": key("Entity whose records say it.", holds="entity"),
            "sum": words("Number of those records that is added up."),
            "where": expression("Only records for which this is true."),
            "date": words("Date of those records that the period of the page is about."),
            "person": words("Person of those records that the choice of whose records is about."),
        },
    )


def dashboard_schema() -> Schema:
    """Return the schema of `dashboard`."""
    card = shape(
        "One card.",
        {
            **_query(),
            "title": label("What it is called."),
            "pivot": one_or_more("Fields whose values are the series of the chart.", holds="bucket"),
            "chart": choice("How it is drawn.", CHARTS),
            "stacked": flag("The series stand on one another."),
            "date": words(
                "Date that the period of the page is about; without it the period does not touch the card.",
                holds="path",
            ),
            "person": words(
                "Person that the choice of whose records is about: the owner unless it says another one, none if empty."
            ),
            "compare": choice("What a number is compared with.", ["previous", "year"]),
            "trend": words("Part of a date by which a number draws a small line: week(closed_on).", holds="bucket"),
            "target": _target(),
            "recent": flag("It shows what the person starred and opened last."),
            "view": dotted("A view that it shows instead of a chart.", holds="view"),
            "report": dotted("A report that it shows instead.", holds="report"),
            "text": label("Words that it shows instead."),
            "width": whole("Width in twelfths of the page.", 1, 12, default=4),
            "height": whole("Height in rows.", 1, 12),
            "roles": one_or_more("Roles that see it.", holds="role"),
            "after": words("It stands behind this card."),
        },
    )
    return document(
        "dashboard",
        "A page of numbers, charts and lists.",
        {
            "dashboard": dotted("Its name.", "locked"),
            "title": label("What it is called."),
            "roles": one_or_more("Roles that see it.", holds="role"),
            "help": label("A sentence that explains it."),
            "home": flag("The first page of those who are offered it."),
            "period": choice("Period that it begins with; any time unless it says one.", list(PERIODS)),
            "whose": choice("Whose records it begins with.", ["me", "team", "all"], default="all"),
            "cards": mapping("What stands on it.", card),
            "hidden": flag("Not offered."),
        },
        "cards",
    )


def report_schema() -> Schema:
    """Return the schema of `report`."""
    query = _query()
    query["entity"]["x-layer"] = "locked"
    return document(
        "report",
        "A question to the data, with its answer as a table and a chart.",
        {
            "report": dotted("Its name.", "locked"),
            "title": label("What it is called."),
            "help": label("A sentence that explains it."),
            **query,
            "columns": names("Fields that it lists when it groups by nothing.", holds="path"),
            "pivot": one_or_more("Fields that columns are made of.", holds="bucket"),
            "stacked": flag("The series of the chart stand on one another."),
            "filters": names("Fields offered as quick filters.", holds="path"),
            "chart": choice("How it is drawn.", CHARTS),
            "roles": one_or_more("Roles that see it.", holds="role"),
            "hidden": flag("Not offered."),
        },
        "entity",
    )
