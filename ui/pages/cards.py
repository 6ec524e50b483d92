"""What stands on the cards of a dashboard: numbers, charts, lists, agendas, words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine import (
    AccessDenied,
    Answer,
    Card,
    ExpressionInvalid,
    Measure,
    Message,
    NotFound,
    Period,
    QueryInvalid,
    QueryTooSlow,
    Question,
    Reader,
    ReportDoc,
    all_reports,
    ask_numbers,
    ask_totals,
    change_in_percent,
    conjunction,
    to_text,
)
from ui.asking import language
from ui.frame import said, words
from ui.pages.card_lists import report_list, view_list
from ui.pages.card_parts import Scope, Shown, narrowed_by
from ui.pages.listing import locale_of
from ui.widgets.charts import DRAWN, chart, reached, sparkline
from ui.widgets.grids import Grid, drawn, grid, heated, narrowed, whole_list
from ui.widgets.moments import day_writer
from ui.widgets.numbers import brief_writer, measure_label, writer
from ui.widgets.remembered import recent, starred

MOST_POINTS = 400
"""Points of the small line of a number."""
KEPT = 8
"""Starred and visited records on a card."""


def content(reader: Reader, card: Card, scope: Scope, *, hidden_table: bool) -> Shown:
    """Return what a card shows; what went wrong is said on the card itself, and stops no other.

    `hidden_table` says that a script will draw the chart, so that its table waits until it is asked for.
    """
    try:
        return _KINDS[card.kind](reader, card, scope, hidden_table)
    except QueryTooSlow:
        words_ = words("This takes longer than the site allows. Narrow it by a period or a filter.")
    except AccessDenied as error:
        words_ = said(error.message)
    except (QueryInvalid, ExpressionInvalid) as error:
        words_ = words("This card cannot be worked out: {why}", why=said(error.message))
    except NotFound:
        words_ = words("What this card shows is not there any more.")
    return Shown("_card_wrong.html", {"message": words_})


# --- numbers


def _numbers(reader: Reader, card: Card, scope: Scope, hidden_table: bool) -> Shown:  # noqa: FBT001 - one of a table
    assert card.question is not None  # noqa: S101 - a card of numbers has one
    if not card.question.groups and card.chart in {"number", "gauge"}:
        return _number(reader, card, card.question, scope)
    period = scope.days(reader)
    where = narrowed_by(reader, card, card.question.entity, scope, period)
    span = period if _by_its_date(card, card.question) else None
    answer = ask_numbers(reader, card.question, where=where, span=span)
    return answered(reader, answer, card.chart, stacked=card.stacked, hidden_table=hidden_table, key=card.key)


def _by_its_date(card: Card, question: Question) -> bool:
    """Say whether the rows are parts of the time that the page's period is about."""
    return len(question.groups) == 1 and bool(question.groups[0].unit) and question.groups[0].path == card.date


def answered(reader: Reader, answer: Answer, kind: str, *, stacked: bool, hidden_table: bool, key: str) -> Shown:
    """Return an answer as a chart with its table."""
    locale = locale_of(reader)
    found = drawn(reader, answer, locale)
    data = chart(reader, found, kind, stacked=stacked) if kind in DRAWN else ""
    return Shown(
        "_card_chart.html",
        {
            "data": data,
            "grid": heated(grid(found, locale)) if kind == "heatmap" else grid(found, locale),
            "hidden_table": hidden_table and bool(data),
            "key": key,
        },
    )


def _number(reader: Reader, card: Card, question: Question, scope: Scope) -> Shown:
    locale, model = locale_of(reader), reader.model
    entity = model.entity(question.entity)
    period = scope.days(reader)
    numbers = ask_totals(reader, question, where=narrowed_by(reader, card, question.entity, scope, period))
    first = next(each for each in question.measures if each.key in numbers)
    value, show = numbers[first.key], brief_writer(model, entity, first, locale)
    made: dict[str, Any] = {
        "value": show(value) or show(0),
        "exact": writer(model, entity, first, locale)(value),
        "link": _behind(reader, card, question, first, scope, period),
        "more": [
            (measure_label(model, entity, each, language()), writer(model, entity, each, locale)(numbers[each.key]))
            for each in question.measures
            if each is not first and each.key in numbers and first.function != "ratio"
        ],
        "change": None,
        "target": None,
        "spark": "",
        "gauge": card.chart == "gauge",
    }
    if card.compare and period is not None and not period.open and card.date:
        made["change"] = _change(reader, card, question, scope, first, value)
    if card.trend is not None:
        made["spark"] = _trend(reader, card, question, scope, first)
    if card.target is not None:
        made["target"] = _target(reader, card, scope, value, show)
    return Shown("_card_number.html", made)


def _behind(
    reader: Reader, card: Card, question: Question, measure: Measure, scope: Scope, period: Period | None
) -> str:
    """Return the address of the records behind a number."""
    base = whole_list(reader, question.entity)
    parts = [question.where, narrowed_by(reader, card, question.entity, scope, period)]
    if measure.function == "ratio":
        whole = question.measure(measure.of)
        parts.append(None if whole is None else whole.where)
    else:
        parts.append(measure.where)
    known = [each for each in parts if each is not None]
    return narrowed(base, to_text(conjunction(*known)) if known else "")


def _change(
    reader: Reader, card: Card, question: Question, scope: Scope, measure: Measure, value: Any
) -> dict[str, Any] | None:
    """Return how a number changed since the period before."""
    period = scope.days(reader)
    if period is None:
        return None
    before = period.year_before() if card.compare == "year" else period.before()
    before = before.so_far(period, reader.access.env()["today"])
    numbers = ask_totals(reader, question, where=narrowed_by(reader, card, question.entity, scope, before))
    known = numbers.get(measure.key)
    locale = locale_of(reader)
    show = brief_writer(reader.model, reader.model.entity(question.entity), measure, locale)
    by = None
    if measure.function == "ratio" and value is not None and known is not None:
        by = value - known  # points of a share, not hundredths of it
    elif measure.function != "ratio":
        by = change_in_percent(value or 0, known)
    write = day_writer(locale.language)
    year = reader.access.env()["today"].year
    since = " – ".join(write(day, year) for day in (before.first, before.last) if day is not None)
    return {
        "by": by,
        "text": "" if by is None else f"{abs(by):,.1f}".removesuffix(".0"),
        "points": measure.function == "ratio",
        "before": show(known) or show(0),
        "since": since,
    }


def _trend(reader: Reader, card: Card, question: Question, scope: Scope, measure: Measure) -> Any:
    """Return the small line of a number over time."""
    assert card.trend is not None  # noqa: S101 - asked for with one
    period = scope.days(reader)
    where = narrowed_by(reader, card, question.entity, scope, period)
    asked = replace(question, groups=(card.trend,), pivot=(), order=(), having=None, limit=MOST_POINTS)
    span = period if card.trend.path == card.date else None
    answer = ask_numbers(reader, asked, where=where, span=span)
    return sparkline([answer.number(row, (), measure.key) for row in answer.rows if row != (None,)])


def _target(reader: Reader, card: Card, scope: Scope, value: Any, show: Callable[[Any], str]) -> dict[str, Any] | None:
    """Return how far a number is on its way to its target."""
    target = card.target
    if target is None:
        return None
    wanted = target.value
    if target.question is not None:
        if not reader.access.may(target.question.entity, "read"):
            return None
        narrow = replace(card, date=target.date, person=target.person)
        where = narrowed_by(reader, narrow, target.question.entity, scope, scope.days(reader))
        wanted = ask_totals(reader, target.question, where=where).get("target")
    part = reached(value, None if wanted is None else Decimal(wanted))
    if part is None or wanted is None:
        return None
    # Records are counted whole.
    whole = int(wanted) if isinstance(value, int) and wanted == int(wanted) else wanted
    return {"percent": int(part), "drawn": min(int(part), 100), "text": show(whole)}


def _view(reader: Reader, card: Card, scope: Scope, hidden_table: bool) -> Shown:  # noqa: FBT001 - as above
    return view_list(reader, card, scope)


def _report(reader: Reader, card: Card, scope: Scope, hidden_table: bool) -> Shown:  # noqa: FBT001 - as above
    report = all_reports(reader.model).get(card.report)
    if report is None or not reader.access.may(report.question.entity, "read"):
        raise NotFound(Message("There is no report {name}", name=card.report))
    return report_content(reader, report, card, scope, hidden_table=hidden_table)


def report_content(reader: Reader, report: ReportDoc, card: Card, scope: Scope, *, hidden_table: bool) -> Shown:
    """Return a report as a card shows it: its chart, or its first rows."""
    question = report.question
    if question.measures:
        entity = reader.model.entity(question.entity)
        owned = replace(card, person=card.person or ("owner" if entity.owned else ""))
        where = narrowed_by(reader, owned, question.entity, scope, scope.days(reader))
        answer = ask_numbers(reader, question, where=where)
        kind = report.chart if card.chart in {"number", "table"} else card.chart
        return answered(reader, answer, kind, stacked=report.stacked, hidden_table=hidden_table, key=card.key)
    return report_list(reader, report, card)


def _text(reader: Reader, card: Card, scope: Scope, hidden_table: bool) -> Shown:  # noqa: FBT001 - as above
    return Shown("_card_text.html", {"paragraphs": [each for each in said(card.text).split("\n") if each.strip()]})


def _recent(reader: Reader, card: Card, scope: Scope, hidden_table: bool) -> Shown:  # noqa: FBT001 - as above
    return Shown("_card_recent.html", {"starred": starred(reader, KEPT), "visited": recent(reader, KEPT)})


_KINDS: Mapping[str, Callable[[Reader, Card, Scope, bool], Shown]] = {
    "numbers": _numbers,
    "view": _view,
    "report": _report,
    "text": _text,
    "recent": _recent,
}


def table_of(shown: Shown) -> Grid | None:
    """Return the table of a card that has one."""
    found = shown.values.get("grid")
    return found if isinstance(found, Grid) else None
