"""Answers as charts: what the browser draws, and the small drawings that need no script."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from engine import Measure, Reader
from ui.widgets.grids import Drawn, GridCell
from ui.widgets.numbers import plain, unit_of

DRAWN = frozenset(("bar", "column", "line", "area", "pie", "donut", "funnel"))
"""Charts that the browser draws."""
MOST_POINTS = 2_000
"""Numbers of one chart; what is beyond stands in the table."""
_WIDTH, _HEIGHT, _EDGE = 100, 24, 2
_BAR = 100


def chart(reader: Reader, found: Drawn, kind: str, *, stacked: bool) -> str:
    """Return what the browser needs to draw an answer, as JSON; "" when there is nothing to draw."""
    question = found.answer.question
    measures = [each for each in question.measures if each.function in {"count", "sum", "avg", "min", "max", "ratio"}]
    measures = measures or list(question.measures)
    if not found.rows or not measures or not question.groups:
        return ""
    rows = [row for row in found.rows if len(found.rows) == 1 or row != (None,) or _any(found, row)]
    rows = rows[: max(MOST_POINTS // max(len(found.columns), 1), 1)]
    units = {each.key: unit_of(reader.model, found.entity, each) for each in measures}
    first = measures[0]
    if question.pivot:
        series = [
            _series(found.column_name(column), _color(found, column), units[first.key], first,
                    [found.cell(row, column, first) for row in rows])
            for column in found.columns
        ]  # fmt: skip
    else:
        # A share beside numbers of another kind would be a third thing on two axes.
        whole = [each for each in measures if each.function != "ratio"] or measures
        shown = measures[:1] if kind in {"pie", "donut", "funnel"} else _two_units(whole, units)
        series = [
            _series(found.labels[each.key], "", units[each.key], each, [found.cell(row, (), each) for row in rows])
            for each in shown
        ]
    names = [found.row_name(row) for row in rows]
    return json.dumps(
        {
            "kind": kind,
            "stacked": stacked,
            "names": [" · ".join(each.text for each in name) for name in names],
            "colors": [name[0].color if len(name) == 1 else "" for name in names],
            "series": series,
            "over": " · ".join(found.heads[each] for each in question.groups),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _two_units(measures: Sequence[Any], units: dict[str, str]) -> list[Any]:
    """Return the measures that share two axes at most: amounts of two currencies never stand on one."""
    axes = list(dict.fromkeys(units[each.key] for each in measures))[:2]
    return [each for each in measures if units[each.key] in axes]


def _series(name: str, color: str, unit: str, measure: Measure, cells: Sequence[GridCell]) -> dict[str, Any]:
    # Of no record there is nothing to add up, and no average.
    adds = measure.function in {"sum", "count", "count_distinct"}
    return {
        "name": name,
        "color": color,
        "unit": unit,
        "values": [plain(each.value) if each.value is not None or not adds else 0 for each in cells],
        "texts": [each.brief or each.text for each in cells],
        "links": [each.link for each in cells],
    }


def _color(found: Drawn, column: tuple[Any, ...]) -> str:
    if len(column) != 1:
        return ""
    return found.names[found.answer.question.pivot[0], column[0]].color


def _any(found: Drawn, row: tuple[Any, ...]) -> bool:
    return any(
        found.answer.number(row, column, each.key)
        for column in found.columns
        for each in found.answer.question.measures
    )


def sparkline(values: Sequence[Any]) -> Markup:
    """Return a small line as SVG; empty for fewer than two points. It is decoration: the numbers stand elsewhere."""
    points = [float(each or 0) for each in values]
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return Markup("")
    low, high = min(*points, 0.0), max(points)
    spread = (high - low) or 1.0
    step = _WIDTH / (len(points) - 1)
    height = _HEIGHT - 2 * _EDGE
    drawn = " ".join(
        f"{place * step:.1f},{_EDGE + height - (each - low) / spread * height:.1f}" for place, each in enumerate(points)
    )
    shape = Markup(
        '<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon class="spark-area" points="0,{height} {drawn} {width},{height}"></polygon>'
        '<polyline class="spark-line" points="{drawn}"></polyline></svg>'
    )
    return shape.format(width=_WIDTH, height=_HEIGHT, drawn=drawn)


def share_bar(value: Any, largest: Any) -> Markup:
    """Return a bar as SVG that says how much a number is of the largest one."""
    part = 0.0 if not value or not largest else min(max(float(value) / float(largest), 0.0), 1.0)
    shape = Markup(
        '<svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="share-whole" width="100" height="4"></rect>'
        '<rect class="share-part" width="{}" height="4"></rect></svg>'
    )
    return shape.format(round(part * _BAR, 1))


def reached(value: Any, target: Decimal | None) -> Decimal | None:
    """Return how much of a target is reached, in hundredths; None without one."""
    if not target:
        return None
    return (Decimal(value or 0) * 100 / target).quantize(Decimal(1))
