"""Regular expressions out of documents: refused when a short text could keep a process busy for years.

`(a+)+` tries every way to cut "aaaa" into pieces before it gives up: twice as many with each letter more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from engine.i18n import Message

# The standard library's own reading of a pattern. It has no public name; a test notices when it changes.
_parser: Any = import_module("re._parser")
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}
_MANY = 20
"""From this count on, a limited repeat is as bad as an unlimited one."""


def check_pattern(pattern: str) -> Iterable[tuple[str, Message]]:
    """Yield what is wrong with the property `pattern`."""
    try:
        re.compile(pattern)
    except re.error as error:
        yield "pattern", Message("not a regular expression: {reason}", reason=str(error))
    except (RecursionError, OverflowError):
        yield "pattern", Message("not a regular expression: {reason}", reason="too large")
    else:
        if _explodes(_parser.parse(pattern)):
            yield (
                "pattern",
                Message("a repeat of a repeat, as in {example}, may take for ever; write {better}", example="(a+)+",
                        better="(a+)"),
            )  # fmt: skip


def _explodes(sequence: Any) -> bool:
    """Say whether some repeat in the pattern can cut the same text in many ways."""
    for operation, operand in sequence:
        name = str(operation)
        if name in _REPEATS and operand[1] >= _MANY and _loose(operand[2]):
            return True
        if any(_explodes(inner) for inner in _inside(name, operand)):
            return True
    return False


def _loose(sequence: Any) -> bool:
    """Say whether a repeated part may be one long repeat by itself: nothing else in it must be there."""
    for place, (operation, operand) in enumerate(sequence):
        name = str(operation)
        if any(each.getwidth()[0] for each in (sequence[:place], sequence[place + 1 :])):
            continue
        if name in _REPEATS and operand[1] >= _MANY:
            return True
        if name not in {"ATOMIC_GROUP", "POSSESSIVE_REPEAT"} and any(map(_loose, _inside(name, operand))):
            return True
    return False


def _inside(name: str, operand: Any) -> list[Any]:
    """Return the parts of one operation that are patterns themselves."""
    match name:
        case "SUBPATTERN":
            return [operand[-1]]
        case "BRANCH":
            return list(operand[1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return [operand[2]]
        case "ATOMIC_GROUP":
            return [operand]
        case "ASSERT" | "ASSERT_NOT":
            return [operand[1]]
        case "GROUPREF_EXISTS":
            return [each for each in operand[1:] if each is not None]
        case _:
            return []
