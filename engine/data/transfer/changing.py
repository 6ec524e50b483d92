"""What happens to a cell before its field reads it: parts, letters, dates and numbers as other places write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.data.transfer.mapping import ColumnRule
from engine.errors import BadValue
from engine.fields.cleaning import narrow, shown
from engine.i18n import Message

_Step = Callable[[str], str]

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), 1,
    )
    for name in names.split()
}  # fmt: skip
_THREE = re.compile(r"\s*(\w{1,9})[.,]?[\s./\-年]+(\w{1,9})[.,]?[\s./\-月]+(\d{1,4})日?(.*)", re.DOTALL)
_ISO = re.compile(r"\s*\d{4}-\d{2}-\d{2}")
_EPOCH = date(1899, 12, 30)
"""Day 0 of spreadsheets."""
_CENTURY = 69
"""Years of two digits up to this one are of this century."""


def change_of(rule: ColumnRule) -> Callable[[Any], Any] | None:
    """Return what makes of a cell what its field is to read; None when cells go as they are.

    What it returns raises BadValue for a cell that cannot be changed so.
    """
    before, after = _before(rule), _after(rule)
    if not (before or after or rule.values):
        return None
    exact = {key.strip(): value for key, value in rule.values.items()}
    folded = {key.casefold(): value for key, value in exact.items()}

    def change(cell: Any) -> Any:
        if not isinstance(cell, str):
            if isinstance(cell, (dict, list, bool)):
                return cell
            cell = str(cell)
        text = cell
        for step in before:
            text = step(text)
        if exact:
            word = text.strip()
            if word in exact or (folded_word := word.casefold()) in folded:
                return exact[word] if word in exact else folded[folded_word]
        for step in after:
            text = step(text)
        return text

    return change


def _before(rule: ColumnRule) -> list[_Step]:
    """Return the steps before the meaning of a value is looked up."""
    parts = [_part(*rule.part)] if rule.part is not None else []
    return parts + [_LETTERS[each] for each in rule.do]


def _after(rule: ColumnRule) -> list[_Step]:
    """Return the steps after that."""
    then: list[_Step] = []
    if rule.date:
        then.append(_dates(rule.date))
    if rule.number:
        then.append(_comma if rule.number == "comma" else _point)
    if rule.times:
        then.append(_times(rule.times))
    if rule.prefix or rule.suffix:
        then.append(lambda text: f"{rule.prefix}{text}{rule.suffix}" if text else text)
    return then


def _part(between: str, number: int) -> _Step:
    def part(text: str) -> str:
        # Blanks of any number between words count as one.
        parts = text.split() if not between.strip() else text.split(between)
        place = number - 1 if number > 0 else len(parts) + number
        return parts[place].strip() if 0 <= place < len(parts) else ""

    return part


_LETTERS: dict[str, _Step] = {
    "trim": lambda text: " ".join(text.split()),
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "digits": lambda text: "".join(letter for letter in narrow(text) if letter.isdigit()),
}


def _dates(order: str) -> _Step:
    def serial(text: str) -> str:
        try:
            return (_EPOCH + timedelta(days=int(Decimal(text.strip())))).isoformat()
        except (InvalidOperation, OverflowError, ValueError):
            raise _no_date(text) from None

    def turned(text: str) -> str:
        if not text.strip() or _ISO.match(text):
            return text
        found = _THREE.fullmatch(narrow(text))
        if found is None:
            raise _no_date(text)
        first, second, third, rest = found.groups()
        named = dict(zip(order, (first, second, third), strict=True))
        try:
            day, month, year = int(named["d"]), _month(named["m"]), int(named["y"])
            if year < 100:  # noqa: PLR2004 - two digits
                year += 2000 if year <= _CENTURY else 1900
            return date(year, month, day).isoformat() + rest
        except ValueError:
            raise _no_date(text) from None

    return serial if order == "serial" else turned


def _month(text: str) -> int:
    return _MONTHS.get(text.casefold()) or int(text)


def _no_date(text: str) -> BadValue:
    return BadValue(Message("“{value}” is no date in the order that was chosen", value=shown(text)))


def _blank_free(text: str) -> str:
    return re.sub(r"[\s\u00a0\u202f'’]", "", text)


def _comma(text: str) -> str:
    return _blank_free(text).replace(".", "").replace(",", ".")


def _point(text: str) -> str:
    return _blank_free(text).replace(",", "")


def _times(factor: str) -> _Step:
    try:
        by = Decimal(factor)
    except InvalidOperation:
        raise BadValue(Message("“{value}” is not a number", value=shown(factor))) from None

    def times(text: str) -> str:
        plain = _blank_free(narrow(text)).replace(",", "")
        if not plain:
            return text
        try:
            return format((Decimal(plain) * by).normalize(), "f")
        except InvalidOperation:
            raise BadValue(Message("“{value}” is not a number", value=shown(text))) from None

    return times
