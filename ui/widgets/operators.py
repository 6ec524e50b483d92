"""What a row of the filter builder may say of a field: operators, each with the expression that it stands for.

An operator is defined by what it writes. Reading is writing again: whoever reads an expression tries operators with
the values that stand in it, and keeps one only when it writes exactly that expression. So nothing is misread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

from engine import NULL, Call, Expr, Field, Literal, Model, Path, Var

Values = tuple[Any, ...]
Make = Callable[[Path, Values], Expr]

TODAY = Var("today")
_ME = Var("user.id")
_ONE = Literal(1)
_MOST_LITERALS = 8
"""Literals of one condition that are tried as its values."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One thing that may be said of a field."""

    key: str
    label: str
    """In English, as a sentence of the catalogue."""
    value: str
    """What has to be given: "" nothing, "one", "two", "several", "days" a number, "period" a word of PERIODS."""
    make: Make

    def holds(self, values: Values) -> bool:
        """Say whether these values are as many as it takes."""
        needed = {"": 0, "one": 1, "days": 1, "period": 1, "two": 2}
        return bool(values) if self.value == "several" else len(values) == needed[self.value]


def kind_of(field: Field) -> str:
    """Return which operators a field has: a key of `OPERATORS`; "" when no condition can be about it."""
    if field.secret or field.type.links == "children":
        return ""
    if field.system and field.key == "id":
        return "record"
    if field.choices:
        return "choices" if str(field.value_type) == "list" else "choice"
    if field.type.links == "one":
        return field.target if field.target in {"user", "department", "team"} else "link"
    if field.type.links == "many":
        return "presence_many" if field.target == "file" else "people" if field.target == "user" else "links"
    if field.type.links or field.type.result(field.options).links:
        return "presence"
    return _BY_VALUE.get(str(field.value_type), "presence")


_BY_VALUE = {
    "text": "text", "number": "number", "boolean": "boolean", "date": "date", "datetime": "datetime", "time": "time",
    "list": "words",
}  # fmt: skip


# --- days and periods

_WEEKDAY = Call("weekday", (TODAY,))
_MONTH = Call("date", (Call("year", (TODAY,)), Call("month", (TODAY,)), _ONE))
_QUARTER = Call(
    "date",
    (
        Call("year", (TODAY,)),
        Call(
            "+",
            (
                Call("*", (Call("//", (Call("-", (Call("month", (TODAY,)), _ONE)), Literal(3))), Literal(3))),
                _ONE,
            ),
        ),
        _ONE,
    ),
)
_YEAR = Call("date", (Call("year", (TODAY,)), _ONE, _ONE))


def _later(day: Expr, days: int) -> Expr:
    return Call("+" if days > 0 else "-", (day, Literal(abs(days)))) if days else day


def _months(start: Expr, months: int) -> Expr:
    return Call("add_months", (start, Literal(months))) if months else start


def _week(away: int) -> tuple[Expr, Expr]:
    monday = Call("-", (TODAY, _WEEKDAY))
    return _later(monday, 7 * away + 1), _later(monday, 7 * away + 8)


PERIODS: Mapping[str, tuple[str, Expr, Expr]] = {
    "today": ("Today", TODAY, _later(TODAY, 1)),
    "yesterday": ("Yesterday", _later(TODAY, -1), TODAY),
    "tomorrow": ("Tomorrow", _later(TODAY, 1), _later(TODAY, 2)),
    "this_week": ("This week", *_week(0)),
    "last_week": ("Last week", *_week(-1)),
    "next_week": ("Next week", *_week(1)),
    **{
        f"{word}_{name}": (
            f"{word.capitalize()} {name}",
            _months(start, size * away),
            _months(start, size * (away + 1)),
        )
        for name, start, size in (("month", _MONTH, 1), ("quarter", _QUARTER, 3), ("year", _YEAR, 12))
        for word, away in (("this", 0), ("last", -1), ("next", 1))
    },
}
"""Periods by key: their words, their first day, and the day after their last."""


@dataclass(frozen=True, slots=True)
class _Days:
    """How a date, or a date with time, is compared with days."""

    moment: bool

    def _start(self, day: Expr) -> Expr:
        return Call("datetime", (day,)) if self.moment else day

    def since(self, path: Path, day: Expr) -> Expr:
        return Call(">=", (path, self._start(day)))

    def before(self, path: Path, day: Expr) -> Expr:
        return Call("<", (path, self._start(day)))

    def after(self, path: Path, day: Expr) -> Expr:
        return Call(">=", (path, self._start(_later(day, 1)))) if self.moment else Call(">", (path, day))

    def until(self, path: Path, day: Expr) -> Expr:
        return self.before(path, _later(day, 1)) if self.moment else Call("<=", (path, day))

    def on(self, path: Path, day: Expr) -> Expr:
        return _both(self.since(path, day), self.until(path, day)) if self.moment else Call("==", (path, day))

    def period(self, path: Path, key: str) -> Expr:
        _words, first, following = PERIODS[key]
        return _both(self.since(path, first), self.before(path, following))


def _both(one: Expr, other: Expr) -> Expr:
    return Call("and", (one, other))


def _dates(days: _Days) -> tuple[Operator, ...]:
    def ago(number: Any) -> Expr:
        return Call("-", (TODAY, Literal(number)))

    def ahead(number: Any) -> Expr:
        return Call("+", (TODAY, Literal(number)))

    return (
        Operator("period", "is in", "period", lambda path, v: days.period(path, v[0])),
        Operator("on", "is on", "one", lambda path, v: days.on(path, Literal(v[0]))),
        Operator("before", "is before", "one", lambda path, v: days.before(path, Literal(v[0]))),
        Operator("after", "is after", "one", lambda path, v: days.after(path, Literal(v[0]))),
        Operator(
            "between",
            "is between",
            "two",
            lambda path, v: _both(days.since(path, Literal(v[0])), days.until(path, Literal(v[1]))),
        ),
        Operator(
            "last", "in the last … days", "days",
            lambda path, v: _both(days.after(path, ago(v[0])), days.until(path, TODAY)),
        ),
        Operator(
            "next", "in the next … days", "days",
            lambda path, v: _both(days.since(path, TODAY), days.before(path, ahead(v[0]))),
        ),
        Operator("older", "more than … days ago", "days", lambda path, v: days.before(path, ago(v[0]))),
        Operator("ahead", "more than … days ahead", "days", lambda path, v: days.after(path, ahead(v[0]))),
        Operator("past", "is before today", "", lambda path, v: days.before(path, TODAY)),
        Operator("future", "is after today", "", lambda path, v: days.after(path, TODAY)),
    )  # fmt: skip


# --- the others


def _compared(sign: str) -> Make:
    return lambda path, values: Call(sign, (path, Literal(values[0])))


def _called(name: str) -> Make:
    return lambda path, values: Call(name, (path, Literal(values[0])))


def _not(make: Make) -> Make:
    return lambda path, values: Call("not", (make(path, values),))


def _any_of(path: Path, values: Values) -> Expr:
    return Call("==", (path, Literal(values[0]))) if len(values) == 1 else Call("in", (path, Literal(values)))


def _none_of(path: Path, values: Values) -> Expr:
    if len(values) == 1:
        return Call("!=", (path, Literal(values[0])))
    return Call("not", (Call("in", (path, Literal(values))),))


def _joined(name: str, one: Callable[[Path, Any], Expr]) -> Make:
    def make(path: Path, values: Values) -> Expr:
        parts = tuple(one(path, value) for value in values)
        return parts[0] if len(parts) == 1 else Call(name, parts)

    return make


def _holds(path: Path, value: Any) -> Expr:
    return Call("in", (Literal(value), path))


def _leads_to(path: Path, value: Any) -> Expr:
    return Call("any", (path, Call("==", (Path(("id",)), Literal(value)))))


def _mine(path: Path, *more: str) -> Path:
    return Path((*path.keys, *more))


_EMPTY = Operator("empty", "is empty", "", lambda path, v: Call("==", (path, NULL)))
_FILLED = Operator("filled", "is not empty", "", lambda path, v: Call("!=", (path, NULL)))
_EMPTY_MANY = Operator("empty", "is empty", "", lambda path, v: Call("==", (Call("count", (path,)), Literal(0))))
_FILLED_MANY = Operator("filled", "is not empty", "", lambda path, v: Call(">", (Call("count", (path,)), Literal(0))))
_PRESENCE = (_FILLED, _EMPTY)
_ANY = Operator("any", "is any of", "several", _any_of)
_NONE = Operator("none", "is none of", "several", _none_of)
_LISTED = (
    Operator("any", "has any of", "several", _joined("or", _holds)),
    Operator("all", "has all of", "several", _joined("and", _holds)),
    Operator("none", "has none of", "several", _not(_joined("or", _holds))),
    *_PRESENCE,
)
_LINKED = (
    Operator("any", "has any of", "several", _joined("or", _leads_to)),
    Operator("none", "has none of", "several", _not(_joined("or", _leads_to))),
    _FILLED_MANY,
    _EMPTY_MANY,
)
_OF_DEPARTMENT = Var("user.department")


def _person(teams: str) -> tuple[Operator, ...]:
    team = Operator(
        "my_team", "is in my team", "",
        lambda path, v: Call("any", (_mine(path, teams), Call("in", (Path(("id",)), Var("user.teams"))))),
    )  # fmt: skip
    return (
        _ANY,
        _NONE,
        Operator("me", "is me", "", lambda path, v: Call("==", (path, _ME))),
        Operator("not_me", "is not me", "", lambda path, v: Call("!=", (path, _ME))),
        *((team,) if teams else ()),
        Operator(
            "my_department", "is in my department", "",
            lambda path, v: Call("==", (_mine(path, "department"), _OF_DEPARTMENT)),
        ),
        Operator(
            "below_department", "is in or below my department", "",
            lambda path, v: Call("in_subtree", (_mine(path, "department"), _OF_DEPARTMENT)),
        ),
        Operator("my_reports", "reports to me", "", lambda path, v: Call("==", (_mine(path, "manager"), _ME))),
        Operator("below_me", "is below me", "", lambda path, v: Call("in", (path, Var("user.reports")))),
        *_PRESENCE,
    )  # fmt: skip


_NUMBERS = tuple(
    Operator(key, label, "one", _compared(sign))
    for key, label, sign in (
        ("eq", "=", "=="), ("ne", "≠", "!="), ("gt", ">", ">"), ("ge", "≥", ">="), ("lt", "<", "<"), ("le", "≤", "<="),
    )
)  # fmt: skip

_OPERATORS: Mapping[str, tuple[Operator, ...]] = {
    "text": (
        Operator("contains", "contains", "one", _called("contains")),
        Operator("lacks", "does not contain", "one", _not(_called("contains"))),
        Operator("is", "is", "one", _compared("==")),
        Operator("is_not", "is not", "one", _compared("!=")),
        Operator("starts", "begins with", "one", _called("starts_with")),
        Operator("ends", "ends with", "one", _called("ends_with")),
        *_PRESENCE,
    ),
    "number": (
        *_NUMBERS,
        Operator(
            "between", "is between", "two",
            lambda path, v: _both(Call(">=", (path, Literal(v[0]))), Call("<=", (path, Literal(v[1])))),
        ),
        *_PRESENCE,
    ),
    "boolean": (
        Operator("yes", "is yes", "", lambda path, v: path),
        Operator("no", "is no", "", lambda path, v: Call("not", (path,))),
    ),
    "choice": (_ANY, _NONE, *_PRESENCE),
    "choices": _LISTED,
    "words": _LISTED,
    "date": (*_dates(_Days(moment=False)), *_PRESENCE),
    "datetime": (*_dates(_Days(moment=True)), *_PRESENCE),
    "time": (
        Operator("before", "is before", "one", _compared("<")),
        Operator("after", "is after", "one", _compared(">")),
        *_PRESENCE,
    ),
    "link": (_ANY, _NONE, *_PRESENCE),
    "department": (
        _ANY,
        _NONE,
        Operator("mine", "is mine", "", lambda path, v: Call("==", (path, _OF_DEPARTMENT))),
        Operator("below", "is mine or below", "", lambda path, v: Call("in_subtree", (path, _OF_DEPARTMENT))),
        *_PRESENCE,
    ),
    "team": (
        _ANY,
        _NONE,
        Operator("mine", "is mine", "", lambda path, v: Call("in", (path, Var("user.teams")))),
        *_PRESENCE,
    ),
    "links": _LINKED,
    "people": (
        Operator("me", "has me", "", lambda path, v: Call("any", (path, Call("==", (Path(("id",)), _ME))))),
        *_LINKED,
    ),
    "record": (
        Operator("starred", "Starred", "", lambda path, v: Call("in", (path, Var("user.starred")))),
        Operator("seen", "Recently seen", "", lambda path, v: Call("in", (path, Var("user.seen")))),
    ),
    "presence": _PRESENCE,
    "presence_many": (_FILLED_MANY, _EMPTY_MANY),
}  # fmt: skip


def operators(kind: str, teams: str = "") -> Mapping[str, Operator]:
    """Return the operators of a kind of field by key; `teams` is what `teams_of` returns."""
    return _table(kind, teams)


@cache
def _table(kind: str, teams: str) -> Mapping[str, Operator]:
    found = _person(teams) if kind == "user" else _OPERATORS.get(kind, ())
    return {each.key: each for each in found}


def teams_of(model: Model) -> str:
    """Return the relation that leads from a person to the teams that they are a member of; "" when there is none."""
    user = model.entities.get("user")
    return next(
        (
            key
            for key, each in (user.relations.items() if user else ())
            if (each.entity, each.field) == ("team", "members")
        ),
        "",
    )


# --- reading


def candidates(operator: Operator, expr: Expr) -> Iterator[Values]:
    """Yield what the values of an operator could be, when it is what an expression says."""
    match operator.value:
        case "":
            yield ()
        case "period":
            yield from ((key,) for key in PERIODS)
        case "several":
            found = _literals(expr)
            yield found[0] if found and isinstance(found[0], tuple) else found[:1]
            yield found
        case "two":
            yield from combinations(_literals(expr)[:_MOST_LITERALS], 2)
        case _:
            yield from ((value,) for value in _literals(expr)[:_MOST_LITERALS])


def _literals(expr: Expr) -> tuple[Any, ...]:
    """Return the values of the literals, in their order."""
    found: list[Any] = []
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Literal) and node.value is not None:
            found.append(node.value)
        elif isinstance(node, Call):
            stack.extend(reversed(node.args))
    return tuple(found)
