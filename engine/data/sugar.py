"""Conditions as machines write them: `amount[ge]=1000`, `stage[in]=new,won`, `account.name[contains]=Bank`.

Each is the expression that a person would write for it, with a value of the field's own type, so nothing has to be
quoted. What this cannot say, an expression can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine.data.fields import Resolved, masked, resolve
from engine.data.principal import zone
from engine.errors import QueryInvalid
from engine.expression import Call, Expr, Literal, Path, Type, conjunction
from engine.expression.moments import date_of, datetime_of, time_of
from engine.i18n import Message

if TYPE_CHECKING:
    from engine.data.reader import Reader

SUGAR = re.compile(r"([a-z][a-z0-9_.]*)\[([a-z_]+)\]", re.IGNORECASE)
"""A parameter of this form: a path and an operator."""

_COMPARED = {"eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_PARTS = frozenset({"contains", "starts_with", "ends_with"})
OPERATORS = (*_COMPARED, "in", "not_in", "contains", "starts_with", "ends_with", "is")
"""What may stand in the brackets."""
_STATES = {"null": "==", "set": "!="}
_TRUTH = {"true": True, "false": False}
_ID = Path(("id",))
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")
"""A number as JSON writes it."""


def sugared(reader: Reader, entity: str, given: Iterable[tuple[str, str]]) -> Expr | None:
    """Return what parameters such as `amount[ge]` ask for together; None when there is none among them.

    `given` is pairs of name and value; those of another form are left alone.

    Raises:
        QueryInvalid: a field is not there or not for the one who asks, or takes no such operator or value.
    """
    known = reader.model.entity(entity)
    found: list[Expr] = []
    for name, text in given:
        form = SUGAR.fullmatch(name)
        if form is None:
            continue
        path, operator = form[1], form[2]
        if operator not in OPERATORS:
            choices = ", ".join(OPERATORS)
            raise QueryInvalid(
                Message("{name}: there is no operator {operator}; use one of {choices}",
                        name=name[:100], operator=operator, choices=choices)
            )  # fmt: skip
        resolved = resolve(reader.access.roles, known, path)
        if resolved.masked:
            raise masked(path)
        found.append(_condition(name, resolved, operator, text, zone(reader.principal.timezone)))
    return conjunction(*found) if found else None


def _condition(name: str, resolved: Resolved, operator: str, text: str, here: ZoneInfo) -> Expr:
    path, kind = Path(resolved.keys), resolved.field.value_type
    if operator == "is":
        if text not in _STATES:
            raise _unfit(name, text, ", ".join(_STATES))
        return Call(_STATES[text], (path, Literal(None)))
    if operator in {"in", "not_in"}:
        values = tuple(_value(name, kind, each.strip()) for each in text.split(",") if each.strip())
        if not values:
            raise _unfit(name, text, Message("values with commas between them"))
        among = Call("in", (path, Literal(values)))
        return Call("not", (among,)) if operator == "not_in" else among
    if resolved.kind == "links":
        if operator != "contains" or len(resolved.keys) > 1:
            raise _wrong(name, operator)
        return Call("any", (path, Call("==", (_ID, Literal(text)))))
    if kind is Type.LIST:
        if operator != "contains":
            raise _wrong(name, operator)
        return Call("in", (Literal(text), path))
    if operator in _PARTS:
        return Call(operator, (path, Literal(text)))
    value = _value(name, kind, text)
    if kind is Type.DATETIME and not isinstance(value, datetime):
        return _of_day(path, operator, value, here)
    return Call(_COMPARED[operator], (path, Literal(value)))


def _of_day(path: Path, operator: str, day: date, here: ZoneInfo) -> Expr:
    """Compare a moment with a whole day, as long as it is where the one who asks lives."""
    try:
        days = day, day + timedelta(days=1)
        begins, ends = (datetime.combine(each, time.min, here).astimezone(UTC) for each in days)
    except OverflowError:
        raise QueryInvalid(Message("{text} is too far away", text=str(day))) from None
    since, before = Call(">=", (path, Literal(begins))), Call("<", (path, Literal(begins)))
    after, until = Call(">=", (path, Literal(ends))), Call("<", (path, Literal(ends)))
    if operator in {"eq", "ne"}:
        within = Call("and", (since, until))
        return within if operator == "eq" else Call("not", (within,))
    return {"ge": since, "gt": after, "lt": before, "le": until}[operator]


def _value(name: str, kind: Type, text: str) -> Any:
    """Return a text as a value that a field of a type is compared with."""
    read = _READ.get(kind)
    if read is None:
        return text
    value = read(text.strip())
    if value is None:
        raise _unfit(name, text, _EXAMPLES[kind])
    return value


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _moment(text: str) -> Any:
    found = datetime_of(text)
    return found if found is not None else date_of(text)


_READ: Mapping[Type, Callable[[str], Any]] = {
    Type.NUMBER: _number,
    Type.BOOLEAN: _TRUTH.get,
    Type.DATE: date_of,
    Type.DATETIME: _moment,
    Type.TIME: time_of,
}
_EXAMPLES: Mapping[Type, str] = {
    Type.NUMBER: "1234.50",
    Type.BOOLEAN: "true, false",
    Type.DATE: "2031-12-31",
    Type.DATETIME: "2031-12-31T23:59:59Z",
    Type.TIME: "23:59",
}


def _unfit(name: str, text: str, wanted: str | Message) -> QueryInvalid:
    message = Message(
        "{name}: {text} does not fit; write {wanted}", name=name[:100], text=repr(text[:60]), wanted=wanted
    )
    return QueryInvalid(message)


def _wrong(name: str, operator: str) -> QueryInvalid:
    return QueryInvalid(Message("{name}: {operator} does not fit this field", name=name[:100], operator=operator))
