"""What all cards of a dashboard share: the filters of the page as conditions, and what is handed to a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import (
    BadValue,
    Call,
    Card,
    Expr,
    Path,
    Period,
    Reader,
    Type,
    Var,
    conjunction,
    disjunction,
    field_along,
    period_of,
    readable_field,
    within_period,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the filters of the page say: whose records, of when."""

    period: str = ""
    """Words of a period; "" = any time."""
    whose: str = "all"

    def parameters(self) -> dict[str, str]:
        """Return it as parameters of an address."""
        first, dots, last = self.period.partition("..")
        if dots:
            return {"period": "between", "from": first, "to": last, "whose": self.whose}
        return {"period": self.period or "any", "whose": self.whose}

    def days(self, reader: Reader) -> Period | None:
        """Return the days of the period; None for any time, and for words that mean nothing."""
        if not self.period:
            return None
        try:
            return period_of(self.period, reader.access.env()["today"])
        except BadValue:
            return None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a card shows, ready for its template."""

    template: str
    values: Mapping[str, Any]


def person_condition(reader: Reader, entity: str, path: str, whose: str) -> Expr | None:
    """Return the condition of whose records are counted; None for all that may be seen."""
    if not path or whose not in {"me", "team"}:
        return None
    if readable_field(reader, reader.model.entity(entity), path) is None:
        return None
    keys = Path(tuple(path.split(".")))
    mine: Expr = Call("==", (keys, Var("user.id")))
    return mine if whose == "me" else disjunction(mine, Call("in_subtree", (keys, Var("user.id"))))


def date_condition(reader: Reader, entity: str, path: str, period: Period | None) -> Expr | None:
    """Return the condition that a date lies in a period; None without either, and where the date may not be seen."""
    if not path or period is None:
        return None
    here = reader.model.entity(entity)
    field = field_along(reader.model, here, path)
    if field is None or field.value_type not in {Type.DATE, Type.DATETIME}:
        return None
    return within_period(path, field.value_type, period, reader.access.principal.timezone)


def narrowed_by(reader: Reader, card: Card, entity: str, scope: Scope, period: Period | None) -> Expr | None:
    """Return the condition that the filters of the page put on a card; None for none."""
    parts = [
        each
        for each in (
            person_condition(reader, entity, card.person, scope.whose),
            date_condition(reader, entity, card.date, period),
        )
        if each is not None
    ]
    return conjunction(*parts) if parts else None
