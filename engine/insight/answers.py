"""Answers: the numbers of a question for whoever asks, with subtotals, totals and gaps filled.

A total is put together from its parts where that is exact, as of sums. Otherwise it is asked of the database with its
own grouping: an average of averages is no average, and a count of different values is no sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from engine.data.fields import resolve
from engine.data.query import Aggregate, Bucket, Query
from engine.data.reader import Reader
from engine.errors import AccessDenied, BadValue, QueryInvalid
from engine.expression import Expr, conjunction
from engine.i18n import Message
from engine.insight.periods import Period, parts_between, parts_in, period_of_label
from engine.insight.question import RATIO, Measure, Question
from engine.metadata.model import Entity, Field, Order

Keys = tuple[Any, ...]
Numbers = Mapping[str, Any]
"""Numbers of one group by the keys of the measures."""
MOST_COLUMNS = 60
"""Columns of a matrix; what does not fit is told."""
MOST_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Answer:
    """The numbers of a question."""

    question: Question
    """As it was answered: without what the asker may not see."""
    rows: tuple[Keys, ...]
    """Values of the groups, in order."""
    columns: tuple[Keys, ...]
    """Values of the pivot, in order; one empty tuple without a pivot."""
    cells: Mapping[tuple[Keys, Keys], Numbers]
    totals: Mapping[tuple[Keys, Keys], Numbers]
    """(beginning of a row, column) -> subtotal; `()` stands for all rows, and for all columns."""
    capped: bool = False
    """Whether there are more rows or columns than are shown."""
    left_out: tuple[str, ...] = ()
    """Measures that the asker may not see."""

    def number(self, row: Keys, column: Keys, measure: str) -> Any:
        """Return one number; None where there is none."""
        found = self.cells.get((row, column)) if len(row) == len(self.question.groups) else None
        if found is None or (self.question.pivot and not column):
            found = self.totals.get((row, column), found)
        return None if found is None else found.get(measure)


def ask_numbers(reader: Reader, question: Question, *, where: Expr | None = None, span: Period | None = None) -> Answer:
    """Return the numbers of a question.

    Args:
        reader: of whoever asks; what they may not read is in no number.
        question: with measures.
        where: a further condition, such as the period of the page.
        span: the days that the first group stands for when it is a part of a date, so that empty ones are shown too.

    Raises:
        AccessDenied, QueryInvalid, QueryTooSlow: as `Reader.aggregate`.
    """
    asked, left_out = allowed_question(reader, question)
    if where is not None:
        asked = replace(asked, where=where if asked.where is None else conjunction(asked.where, where))
    asking = _Asking(reader, asked)
    if asked.pivot:
        return asking.matrix(span, left_out)
    return asking.table(span, left_out)


def ask_totals(reader: Reader, question: Question, *, where: Expr | None = None) -> Numbers:
    """Return the numbers of a question over all of its groups, in one statement.

    Raises:
        AccessDenied, QueryInvalid, QueryTooSlow: as `Reader.aggregate`.
    """
    asked, _ = allowed_question(reader, question)
    if where is not None:
        asked = replace(asked, where=where if asked.where is None else conjunction(asked.where, where))
    return _Asking(reader, asked).by(())[()]


def allowed_question(reader: Reader, question: Question) -> tuple[Question, tuple[str, ...]]:
    """Return the question without measures of fields that the asker may not see, and the keys of those.

    Raises:
        AccessDenied: nothing of it is left, or a group is of a field that they may not see.
    """
    entity = reader.model.entity(question.entity)
    gone = [each.key for each in question.counted if each.path and readable_field(reader, entity, each.path) is None]
    kept: list[Measure] = []
    for each in question.measures:
        if each.key in gone or (each.function == RATIO and {each.of, each.to} & {*gone}):
            continue
        kept.append(each)
    groups = (*question.groups, *question.pivot)
    hidden = any(readable_field(reader, entity, each.path) is None for each in groups)
    if hidden or (question.measures and not kept):
        raise AccessDenied(
            Message("Your roles do not show you the fields that this is worked out from"),
            entity=question.entity,
            action="read",
        )
    if not gone:
        return question, ()
    names = {each.key for each in kept}
    order = tuple(each for each in question.order if ".".join(each.path) in names or _groups(question, each))
    return replace(question, measures=tuple(kept), order=order), tuple(gone)


def readable_field(reader: Reader, entity: Entity, path: str) -> Field | None:
    """Return the field at the end of a path, as somebody may see it plainly; None when they may not."""
    try:
        resolved = resolve(reader.access.roles, entity, path)
    except QueryInvalid:
        return None
    return None if resolved.masked else resolved.field


def _groups(question: Question, order: Order) -> bool:
    return ".".join(order.path) in {each.key for each in (*question.groups, *question.pivot)}


class _Asking:
    """One question on its way to its answer."""

    def __init__(self, reader: Reader, question: Question) -> None:
        self._reader, self._question = reader, question
        self._aggregates: tuple[Aggregate, ...] = tuple(each.aggregate for each in question.counted)

    def table(self, span: Period | None, left_out: tuple[str, ...]) -> Answer:
        """Return one row for each group, with a subtotal for each beginning of a row."""
        question = self._question
        found, capped = self._limited(question.groups, question.limit, self._order(question.groups), question.having)
        rows = self._sorted(self._filled(list(found), question.groups, span), found)
        totals: dict[tuple[Keys, Keys], Numbers] = {}
        if question.having is None:
            # What `having` leaves out is in no total that SQL could tell by itself.
            for depth in range(len(question.groups)):
                known = self._together(found, depth) if not capped else None
                known = self.by(question.groups[:depth]) if known is None else known
                totals.update({(keys, ()): numbers for keys, numbers in known.items()})
        cells = {(keys, ()): numbers for keys, numbers in found.items()}
        return Answer(question, tuple(rows), ((),), cells, totals, capped, left_out)

    def matrix(self, span: Period | None, left_out: tuple[str, ...]) -> Answer:
        """Return rows and columns with the totals of both."""
        question = self._question
        depth = len(question.groups)
        both, cut = self._limited((*question.groups, *question.pivot), MOST_CELLS, (), having=None)
        order = self._order(question.groups)
        per_row, capped = self._limited(question.groups, question.limit, order, question.having if depth else None)
        turned = {(*keys[depth:], *keys[:depth]): numbers for keys, numbers in both.items()}
        known = None if cut else self._together(turned, len(question.pivot))
        per_column = self.by(question.pivot) if known is None else dict(sorted(known.items(), key=_by_value))
        columns = self._filled(list(per_column), question.pivot, None, across=True)
        capped = capped or len(columns) > MOST_COLUMNS
        columns = columns[:MOST_COLUMNS]
        rows = self._sorted(self._filled(list(per_row), question.groups, span), per_row)
        kept = set(rows)
        cells = {
            (keys[:depth], keys[depth:]): numbers for keys, numbers in both.items() if keys[:depth] in kept or not depth
        }
        totals: dict[tuple[Keys, Keys], Numbers] = {(keys, ()): numbers for keys, numbers in per_row.items()}
        totals |= {((), keys): numbers for keys, numbers in per_column.items()}
        whole = None if cut else self._together(both, 0)
        totals[(), ()] = self.by(())[()] if whole is None else whole.get((), {})
        return Answer(question, tuple(rows), tuple(columns), cells, totals, capped, left_out)

    def _together(self, found: Mapping[Keys, Numbers], depth: int) -> dict[Keys, Numbers] | None:
        """Return the numbers of the beginnings of rows, put together from those of the rows.

        None where that is not exact: an average of averages is none, and what is different here may be the same there.
        A sum of sums is one, a smallest of the smallest too; it spares the database the same walk once more.
        """
        ways = {each.key: _TOGETHER.get(each.function) for each in self._question.counted}
        if None in ways.values():
            return None
        gathered: dict[Keys, list[Numbers]] = {}
        for keys, numbers in found.items():
            gathered.setdefault(keys[:depth], []).append(numbers)
        made: dict[Keys, Numbers] = {}
        for keys, several in gathered.items():
            numbers = {}
            for key, way in ways.items():
                known = [each[key] for each in several if each[key] is not None]
                numbers[key] = way(known) if known and way is not None else None
            made[keys] = self._with_ratios(numbers)
        return made if made or depth else None

    def _with_ratios(self, numbers: dict[str, Any]) -> Numbers:
        for each in self._question.measures:
            if each.function == RATIO:
                numbers[each.key] = ratio(numbers.get(each.of), numbers.get(each.to))
        return numbers

    def by(self, groups: Sequence[Bucket]) -> dict[Keys, Numbers]:
        """Return the numbers of each group in the order of the groups, whatever `having` keeps."""
        return self._limited(tuple(groups), MOST_CELLS, (), having=None)[0]

    def _limited(
        self, groups: tuple[Bucket, ...], limit: int, order: tuple[Order, ...], having: Expr | None
    ) -> tuple[dict[Keys, Numbers], bool]:
        question = self._question
        query = Query(
            question.entity,
            where=question.where,
            group_by=groups,
            aggregates=self._aggregates or (Aggregate("count", name="count"),),
            having=having,
            order_by=order,
            limit=limit,
        )
        found = self._reader.aggregate(query)
        width = len(groups)
        keys = [each.key for each in question.counted]
        made: dict[Keys, Numbers] = {}
        for values in found.values():
            made[values[:width]] = self._with_ratios(dict(zip(keys, values[width:], strict=False)))
        return made, found.next_cursor is not None

    def _order(self, groups: Sequence[Bucket]) -> tuple[Order, ...]:
        """Return the order as far as the database can keep it: ratios are sorted by afterwards."""
        names = {each.key for each in groups} | {each.key for each in self._question.counted}
        return tuple(each for each in self._question.order if ".".join(each.path) in names)

    def _sorted(self, rows: list[Keys], numbers: Mapping[Keys, Numbers]) -> list[Keys]:
        """Sort by a ratio when that comes first; the rest keeps its order."""
        first = self._question.order[0] if self._question.order else None
        measure = None if first is None else self._question.measure(".".join(first.path))
        if first is None or measure is None or measure.function != RATIO:
            return rows
        known = [row for row in rows if numbers.get(row, {}).get(measure.key) is not None]
        known.sort(key=lambda row: numbers[row][measure.key], reverse=first.descending)
        return [*known, *(row for row in rows if numbers.get(row, {}).get(measure.key) is None)]

    def _filled(
        self, rows: list[Keys], groups: Sequence[Bucket], span: Period | None, *, across: bool = False
    ) -> list[Keys]:
        """Return the rows with the parts of time between them that have none, when time alone is the row."""
        if len(groups) != 1 or groups[0].unit == "":
            return rows
        unit = groups[0].unit
        ascending = not any(each.path == (groups[0].key,) and each.descending for each in self._question.order)
        by_time = not self._question.order or self._question.order[0].path == (groups[0].key,)
        if not across and (not by_time or self._question.having is not None):
            return rows
        known = [row[0] for row in rows if row[0] is not None]
        if unit == "weekday":
            filled: Iterable[Any] = range(1, 8) if known else ()
        else:
            filled = self._parts(known, unit, span)
        made = [(each,) for each in filled] or [(each,) for each in known]
        if not ascending:
            made.reverse()
        return [*made, *(row for row in rows if row[0] is None)]

    def _parts(self, known: list[str], unit: str, span: Period | None) -> list[str]:
        """Return the parts of the span, else those between the first and the last that are there."""
        if span is not None and span.first is not None and span.last is not None:
            # What is to come and holds nothing yet is no gap.
            today = self._reader.access.env()["today"]
            reached = max([today, *(period_of_label(each, unit).last or today for each in known)])
            return parts_in(Period(span.first, min(span.last, reached)), unit)
        try:
            return parts_between(min(known), max(known), unit) if known else []
        except (ValueError, BadValue):
            return []


_TOGETHER: Mapping[str, Callable[[list[Any]], Any]] = {"count": sum, "sum": sum, "min": min, "max": max}
"""How a number of several groups comes out of the numbers of each."""


def _by_value(entry: tuple[Keys, Any]) -> tuple[Any, ...]:
    """Return what groups are sorted by, as the database does: nothing comes last."""
    return tuple((value is None, "" if value is None else value) for value in entry[0])


def ratio(part: Any, whole: Any) -> Decimal | None:
    """Return a share in hundredths, None of nothing."""
    if part is None or not whole:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"))


def change_in_percent(now: Any, before: Any) -> Decimal | None:
    """Return by how many hundredths a number changed, None where there was nothing to compare with."""
    if now is None or not before:
        return None
    return ((Decimal(now) - Decimal(before)) * 100 / abs(Decimal(before))).quantize(Decimal("0.1"))
