"""The filter builder as a form: rows and groups with the inputs that their operators need, and read back from one.

Every part has a place, such as "1.0": the first part of the second part of the whole. `k-1.0` says what it is, `p-` of
a row its field, `o-` its operator, `v-` its values; `j-` of a group whether all of it has to hold; `w-` an expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any

from werkzeug.datastructures import MultiDict

from engine import BadValue, Field, Locale, Message, Model, Reader, is_id
from ui.widgets.criteria import Condition, Grammar, Group, Part, Words
from ui.widgets.operators import PERIODS, Operator, kind_of
from ui.widgets.paths import fields_along

MOST_PARTS = 60
MOST_DAYS = 36_500
_LINKS = frozenset(("user", "department", "team", "link", "links", "people"))


@dataclass(frozen=True, slots=True)
class RowInput:
    """One part of the form."""

    place: str
    kind: str
    """row, words or group."""
    path: str = ""
    operator: str = ""
    operators: Sequence[tuple[str, str]] = ()
    """Keys and English labels."""
    value: str = ""
    """What is asked for: "", text, number, date, time, days, period, options, words, links."""
    several: int = 1
    """How many inputs of that there are."""
    values: Sequence[str] = ()
    options: Sequence[tuple[str, str]] = ()
    address: str = ""
    """Where the choices of a link come from."""
    affix: str = ""
    every: bool = True
    parts: Sequence[RowInput] = ()
    problem: str = ""


@dataclass
class Filled:
    """What a form said."""

    tree: Group
    problems: dict[str, Message] = field(default_factory=dict)
    """By place."""
    typed: dict[str, list[str]] = field(default_factory=dict)
    """Values that could not be read, by place."""


def ending(grammar: Grammar, path: str) -> Field | None:
    """Return the field that a path ends at."""
    fields = fields_along(grammar.model, grammar.entity, path.split(".")) if path else None
    return fields[-1] if fields else None


# --- reading


def read_form(reader: Reader, grammar: Grammar, form: MultiDict[str, str]) -> Filled:
    """Return the tree of a posted form; a value that cannot be read stays in `typed`."""
    places = sorted(
        (tuple(map(int, name[2:].split("."))) for name in form if name.startswith("k-") and _is_place(name[2:])),
    )[:MOST_PARTS]
    filled = Filled(Group(()))
    filled.tree = _group(reader, grammar, form, (), places, filled)
    return filled


def _is_place(text: str) -> bool:
    return bool(text) and all(part.isascii() and part.isdigit() and len(part) <= 3 for part in text.split("."))  # noqa: PLR2004


def _group(
    reader: Reader,
    grammar: Grammar,
    form: MultiDict[str, str],
    place: tuple[int, ...],
    places: Sequence[tuple[int, ...]],
    filled: Filled,
) -> Group:
    parts: list[Part] = []
    for each in places:
        if each[:-1] != place:
            continue
        dotted = ".".join(map(str, each))
        match form.get(f"k-{dotted}"):
            case "group":
                parts.append(_group(reader, grammar, form, each, places, filled))
            case "words":
                parts.append(Words(form.get(f"w-{dotted}", "").strip()))
            case "row":
                parts.append(_row(reader, grammar, form, dotted, filled))
    every = form.get(f"j-{'.'.join(map(str, place))}", "all") != "any"
    return Group(tuple(parts), every)


def _row(reader: Reader, grammar: Grammar, form: MultiDict[str, str], place: str, filled: Filled) -> Condition:
    path = form.get(f"p-{place}", "")
    known = grammar.operators(path)
    operator = known.get(form.get(f"o-{place}", "")) or next(iter(known.values()), None)
    shown = ending(grammar, path)
    if operator is None or shown is None:
        return Condition(path, "")
    if form.get(f"was-{place}", path) != path:
        return Condition(path, next(iter(known)))
    given = [each.strip() for each in form.getlist(f"v-{place}") if each.strip()]
    try:
        values = _values(reader, shown, operator, given, form, place)
    except BadValue as error:
        filled.problems[place], filled.typed[place] = error.message, given
        values = ()
    return Condition(path, operator.key, values)


def _values(
    reader: Reader, shown: Field, operator: Operator, given: Sequence[str], form: MultiDict[str, str], place: str
) -> tuple[Any, ...]:
    kind = kind_of(shown)
    if operator.value == "":
        return ()
    if operator.value == "period":
        return tuple(each for each in given[:1] if each in PERIODS)
    if operator.value == "days":
        return tuple(_days(each) for each in given[:1])
    if kind in _LINKS:
        return _records(reader, shown, given, form, place)
    if kind in {"choice", "choices"}:
        return tuple(each for each in given if each in shown.choices)
    if kind == "words":
        found = (part.strip() for each in given for part in each.replace("，", ",").split(","))
        return tuple(dict.fromkeys(each for each in found if each))
    return tuple(_value(kind, shown, each) for each in given[: 2 if operator.value == "two" else 1])


def _days(text: str) -> Decimal:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_DAYS):
        raise BadValue(Message("Give a whole number of days"))
    return Decimal(int(text))


def _value(kind: str, shown: Field, text: str) -> Any:
    if kind == "number":
        return shown.type.parser({**shown.options, "min": None, "max": None})(text)
    try:
        if kind in {"date", "datetime"}:
            return date.fromisoformat(text)
        if kind == "time":
            return time.fromisoformat(text).replace(microsecond=0, tzinfo=None)
    except ValueError:
        raise BadValue(Message("“{value}” is no value to filter by", value=text[:80])) from None
    return text


def _records(
    reader: Reader, shown: Field, given: Sequence[str], form: MultiDict[str, str], place: str
) -> tuple[str, ...]:
    """Return the ids that are ticked, and those of names that were typed."""
    name = f"v-{place}"
    found = [each for each in given if is_id(each)]
    typed = form.get(f"add-{name}", "").strip()
    chosen = form.get(f"id-{name}", "")
    if typed and is_id(chosen) and typed == form.get(f"title-{name}", "").strip():
        found.append(chosen)
    elif typed:
        offered = reader.options(shown.entity, shown.key, typed, limit=2)
        exact = [id_ for id_, title in offered if title == typed] or [id_ for id_, _title in offered]
        if len(exact) != 1:
            raise BadValue(Message("“{value}” is not the name of one record", value=typed[:80]))
        found.append(exact[0])
    return tuple(dict.fromkeys(found))


# --- showing


class Form:
    """The inputs of a tree."""

    def __init__(self, reader: Reader, grammar: Grammar, language: str, filled: Filled) -> None:
        self._reader, self._grammar, self._language, self._filled = reader, grammar, language, filled
        self._titles: Mapping[str, Mapping[str, str]] = {}

    def inputs(self) -> RowInput:
        """Return the whole as inputs; the titles of linked records are read once for each entity."""
        wanted: dict[str, list[str]] = {}
        self._collect(self._filled.tree, wanted)
        self._titles = {target: self._reader.titles(target, ids) for target, ids in wanted.items()}
        return self._part(self._filled.tree, "")

    def _collect(self, part: Part, wanted: dict[str, list[str]]) -> None:
        if isinstance(part, Group):
            for each in part.parts:
                self._collect(each, wanted)
        elif isinstance(part, Condition):
            shown = ending(self._grammar, part.path)
            if shown is not None and shown.target and kind_of(shown) in _LINKS:
                wanted.setdefault(shown.target, []).extend(each for each in part.values if isinstance(each, str))

    def _part(self, part: Part, place: str) -> RowInput:
        if isinstance(part, Group):
            parts = [
                self._part(each, f"{place}.{number}" if place else str(number))
                for number, each in enumerate(part.parts)
            ]
            return RowInput(place, "group", every=part.every, parts=parts)
        if isinstance(part, Words):
            return RowInput(place, "words", values=(part.text,), problem=self._problem(place))
        return self._row(part, place)

    def sentence(self, part: Part) -> str:
        """Return a part as people say it: "Amount ≥ 1,000"; `inputs` was called before."""
        if isinstance(part, Words):
            return part.text
        if isinstance(part, Group):
            joint = Message(" and " if part.every else " or ").in_(self._language)
            return joint.join(self.sentence(each) for each in part.parts)
        fields = fields_along(self._grammar.model, self._grammar.entity, part.path.split(".")) or ()
        label = " · ".join(each.label.in_(self._language) for each in fields[-2:])
        operator = self._grammar.operators(part.path).get(part.operator)
        if operator is None:
            return label
        words = Message(operator.label).in_(self._language)
        if part.path == "id":
            return words
        if operator.value == "days":
            return f"{label} {words.replace('…', str(part.values[0]))}"
        return " ".join((label, words, self._named(fields[-1], operator, part.values))).strip()

    def _named(self, shown: Field, operator: Operator, values: Sequence[Any]) -> str:
        row = Condition("", operator.key, tuple(values))
        _value_kind, options = self._asked(shown, operator, row)
        known = dict(options)
        display = shown.type.displayer(
            shown.options, Locale(self._language, self._reader.principal.timezone, self._reader.model.currency)
        )
        number = kind_of(shown) == "number"
        said = [known.get(str(each)) or (display(each) if number else _text(each)) for each in values]
        return (" – " if operator.value == "two" else ", ").join(said)

    def _problem(self, place: str) -> str:
        found = self._filled.problems.get(place)
        return found.in_(self._language) if found is not None else ""

    def _row(self, row: Condition, place: str) -> RowInput:
        shown, known = ending(self._grammar, row.path), self._grammar.operators(row.path)
        operator = known.get(row.operator)
        offered = [(key, each.label) for key, each in known.items()]
        if shown is None or operator is None:
            return RowInput(place, "row", row.path, "", offered, problem=self._problem(place))
        value, options = self._asked(shown, operator, row)
        values = self._filled.typed.get(place) or [_text(each) for each in row.values]
        return RowInput(
            place,
            "row",
            row.path,
            operator.key,
            offered,
            value,
            2 if operator.value == "two" else 1,
            values,
            options,
            f"/lookup/{shown.entity}/{shown.key}" if value == "links" else "",
            affix=_affix(self._grammar.model, shown) if value == "number" else "",
            problem=self._problem(place),
        )

    def _asked(self, shown: Field, operator: Operator, row: Condition) -> tuple[str, Sequence[tuple[str, str]]]:
        kind = kind_of(shown)
        if operator.value in {"", "days"}:
            return operator.value, ()
        if operator.value == "period":
            return "period", [(key, Message(words).in_(self._language)) for key, (words, *_) in PERIODS.items()]
        if kind in _LINKS:
            titles = self._titles.get(shown.target or "", {})
            return "links", [(each, titles.get(each) or "…") for each in row.values]
        if kind in {"choice", "choices"}:
            return "options", [(key, each.label.in_(self._language)) for key, each in shown.choices.items()]
        return {"datetime": "date"}.get(kind, kind), ()


def _affix(model: Model, shown: Field) -> str:
    return "%" if shown.type.name == "percent" else ""


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def first_row(reader: Reader, grammar: Grammar) -> Condition:
    """Return the row that a builder begins with: about the title of the entity."""
    title = reader.model.entity(grammar.entity).title
    known = grammar.operators(title)
    return Condition(title, next(iter(known), ""))
