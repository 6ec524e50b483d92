"""What a card or a report asks: rows by group, columns by pivot, and the numbers of each.

A question is made from the plain values of a document, or of what somebody saved of their own. It names fields and
holds no right: whoever asks gets what a list with the same condition would show them, put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from engine.data.query import Aggregate, Bucket, Function, orders
from engine.errors import QueryInvalid
from engine.expression import Expr, parse
from engine.i18n import Message, Text
from engine.metadata.model import Order

RATIO = "ratio"
Format = Literal["", "number", "money", "percent", "duration"]
USUAL_LIMIT = 200
"""Rows of an answer unless the question says how many."""
MOST_LIMIT = 2_000
MOST_GROUPS = 3
"""Parts of rows, and of columns, that a report has: each costs a statement for its subtotals."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number: a function of a field over the records of a group, or the share of one number in another."""

    key: str
    function: Function | Literal["ratio"]
    path: str | None = None
    where: Expr | None = None
    """Only of records for which this is true."""
    of: str = ""
    """Of a ratio: the key of the number that is the part."""
    to: str = ""
    """Of a ratio: the key of the number that is the whole."""
    label: Text | None = None
    format: Format = ""

    @property
    def aggregate(self) -> Aggregate:
        """Return it as the database is asked for it; a ratio is worked out afterwards."""
        assert self.function != "ratio"  # noqa: S101 - callers leave ratios out
        return Aggregate(self.function, self.path, self.key, self.where)


@dataclass(frozen=True, slots=True)
class Question:
    """Numbers over the records of one entity; without measures, the records themselves."""

    entity: str
    where: Expr | None = None
    groups: tuple[Bucket, ...] = ()
    pivot: tuple[Bucket, ...] = ()
    measures: tuple[Measure, ...] = ()
    having: Expr | None = None
    order: tuple[Order, ...] = ()
    limit: int = USUAL_LIMIT
    columns: tuple[str, ...] = ()
    """Paths that are shown of records, when there are no measures."""

    @property
    def counted(self) -> tuple[Measure, ...]:
        """Return the measures that the database works out."""
        return tuple(each for each in self.measures if each.function != RATIO)

    def measure(self, key: str) -> Measure | None:
        """Return a measure by its key."""
        return next((each for each in self.measures if each.key == key), None)


def question_of(body: Mapping[str, Any]) -> Question:
    """Return the question of a document's plain values.

    Raises:
        QueryInvalid, ExpressionInvalid: a part of it cannot be read; publishing has checked documents for that.
    """
    groups, pivot = buckets(body.get("group_by")), buckets(body.get("pivot"))
    if len(groups) > MOST_GROUPS or len(pivot) > MOST_GROUPS:
        raise QueryInvalid(Message("Rows and columns are made of at most {most} fields each", most=MOST_GROUPS))
    columns = tuple(map(str, body.get("columns") or ()))
    measures = tuple(measures_of(body.get("measures") or {}))
    if not measures and (groups or pivot or not columns):
        measures = (Measure("count", "count"),) if groups or pivot or "columns" not in body else ()
    having = body.get("having")
    limit = body.get("limit")
    return Question(
        entity=str(body.get("entity") or ""),
        where=_condition(body.get("where")),
        groups=groups,
        pivot=pivot,
        measures=measures,
        having=_condition(having),
        order=orders(map(str, body.get("order") or ())),
        limit=min(limit, MOST_LIMIT) if isinstance(limit, int) else USUAL_LIMIT,
        columns=columns,
    )


def buckets(given: str | Sequence[str] | None) -> tuple[Bucket, ...]:
    """Return the parts of a grouping: one text, or several; each once.

    Raises:
        QueryInvalid: one is neither a field nor a part of a date.
    """
    texts = (given,) if isinstance(given, str) else tuple(given or ())
    return tuple(dict.fromkeys(Bucket.parse(str(each)) for each in texts))


def measures_of(given: Mapping[str, Mapping[str, Any]]) -> Iterable[Measure]:
    """Yield the numbers of a document.

    Raises:
        QueryInvalid, ExpressionInvalid: one cannot be read.
    """
    for key, body in given.items():
        label = Text(body["label"]) if body.get("label") else None
        how: Format = body.get("format") or ""
        if RATIO in body:
            part, whole = body[RATIO]
            yield Measure(key, "ratio", of=str(part), to=str(whole), label=label, format=how or "percent")
            continue
        function: Function | None = next((each for each in get_args(Function) if each in body), None)
        if function is None:
            raise QueryInvalid(Message("{name} is no number", name=repr(key)))
        path = body[function]
        where = _condition(body.get("where"))
        named = None if isinstance(path, bool) else str(path)
        yield Measure(key, function, named, where, label=label, format=how)


def _condition(given: Any) -> Expr | None:
    return parse(given) if isinstance(given, str) and given.strip() else None
