"""Strict YAML 1.2: text to plain JSON values and back. The one module that knows the YAML library.

The text is walked event by event, so that a deep or an exploding file is refused before it grows. `quick` reads what
has no fault, without places; `Careful` keeps every place and says everything that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from engine.errors import Place, Problem
from engine.i18n import Message
from engine.metadata.unreadable import UNFINISHED, Said, kind_of, syntax

MAX_DEPTH = 30
LARGEST = 10**18
"""A number beyond this is read as text, as it would lose digits elsewhere."""
MAX_PROBLEMS = 50
"""Of one file: what is wrong in more places than this is no document at all."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BaseDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_INTEGER = re.compile(r"-?[1-9][0-9]{0,17}|0")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_LONGEST_WORD = 5

PathKey = str | int
Mark = tuple[int, int, int, int, str]
"""Line and column of the key (of the value where there is none), of the value, and its style."""


@dataclass(slots=True)
class Parsed:
    """One document of a file, before anybody asks what it means."""

    value: Any = None
    nulls: bool = False
    broken: bool = False
    marks: dict[tuple[PathKey, ...], Mark] = field(default_factory=dict)


class _Again(Exception):
    """Something is not as it should be: walk carefully."""


class _Stop(Exception):
    """The rest of the file is not worth reading."""


def _resolve(word: str) -> Any:
    """Return what a word without quotes means: true, false, nothing, a number that stays exact, or text."""
    first = word[:1]
    if first in "0123456789-" and word:
        if _INTEGER.fullmatch(word):
            return int(word)
        if _FLOAT.fullmatch(word):
            number = float(word)
            exact = abs(number) < LARGEST and Decimal(repr(number)) == Decimal(word)
            if exact and (number or first != "-"):
                return number
        return word
    return _WORDS.get(word, word) if len(word) <= _LONGEST_WORD else word


def _quick(text: str) -> list[Parsed]:  # noqa: C901, PLR0912, PLR0915 - one flat loop
    """Read a text in which nothing is wrong.

    Raises:
        _Again: something is.
        yaml.YAMLError: it is not YAML.
    """
    scalar, mapping_start, sequence_start = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    mapping_end, sequence_end = yaml.MappingEndEvent, yaml.SequenceEndEvent
    found: list[Parsed] = []
    stack: list[Any] = []
    into: Any = None
    """The list or map that is being filled."""
    key: Any = None
    """Key of the value that comes next; None in a list and before a key."""
    resolve = _resolve
    nulls = False
    event: Any
    for event in yaml.parse(text, _Loader):
        kind = type(event)
        if kind is scalar:
            plain, quoted = event.implicit
            if event.anchor is not None or not (plain or quoted):
                raise _Again
            value = resolve(event.value) if plain else event.value
            if key is None and type(into) is dict:
                if type(value) is not str or value in into or value == "<<":
                    raise _Again
                key = value
                continue
            if value is None:
                nulls = True
        elif kind is mapping_end or kind is sequence_end:
            into, key = stack.pop()
            continue
        elif kind is mapping_start or kind is sequence_start:
            if event.anchor is not None or event.tag is not None or (key is None and type(into) is dict):
                raise _Again
            value = {} if kind is mapping_start else []
            stack.append((into, None))
            if len(stack) > MAX_DEPTH:
                raise _Again
        elif kind is yaml.DocumentStartEvent:
            into, key, nulls = [], None, False
            continue
        elif kind is yaml.DocumentEndEvent:
            found.append(Parsed(into[0], nulls))
            continue
        elif kind is yaml.AliasEvent:
            raise _Again
        else:
            continue
        if key is not None:
            into[key] = value
            key = None
        else:
            into.append(value)
        if kind is not scalar:
            into = value
    return found


def read(text: str, file: str) -> tuple[list[Parsed], list[Problem]]:
    """Return every document of a text, and everything that is wrong with it."""
    try:
        return _quick(text), []
    except (_Again, yaml.YAMLError):
        careful = Careful(text, file)
        return careful.documents(), careful.problems


class Careful:
    """A walk that keeps every place and says everything that is wrong."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._events: Iterator[Any] = iter(yaml.parse(text, _Loader))
        self._now = Parsed()
        self.problems: list[Problem] = []

    def documents(self) -> list[Parsed]:
        """Return each document of the text; after a fault of syntax there are no more."""
        found: list[Parsed] = []
        try:
            for event in self._events:
                if type(event) is yaml.DocumentStartEvent:
                    self._now = Parsed()
                    found.append(self._now)
                    self._now.value = self._value(next(self._events), ())
        except _Stop:
            pass
        except yaml.YAMLError as error:
            self._now.broken = True
            self._syntax(error)
        return found

    def _syntax(self, error: yaml.YAMLError) -> None:
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", "") or "")
        mark, began = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
        if began is not None and (mark is None or (began.line != mark.line and UNFINISHED.search(problem))):
            mark = began  # What is not closed is mended where it begins.
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        said = syntax(problem, self._text, line, column)
        self.problems.append(Problem(said[0], Place(self._file, line + 1, column + 1), "", "syntax", said[1]))

    def _say(self, event: Any, path: tuple[PathKey, ...], code: str, said: Said) -> None:
        self._now.broken = True
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop
        mark = event.start_mark
        place = Place(self._file, mark.line + 1, mark.column + 1)
        self.problems.append(Problem(said[0], place, join(path), code, said[1]))

    def _value(self, event: Any, path: tuple[PathKey, ...], key: Any = None) -> Any:
        """Build the value that begins with an event; `key` is the event of its key."""
        mark, at = event.start_mark, (key or event).start_mark
        style = (getattr(event, "style", None) or "") if type(event) is yaml.ScalarEvent else ""
        self._now.marks[path] = (at.line + 1, at.column + 1, mark.line + 1, mark.column + 1, style)
        if type(event) is yaml.AliasEvent:
            self._say(event, path, "alias", (
                Message("{alias} repeats another part; aliases are not read", alias=f"*{event.anchor}"), _WRITE_OUT
            ))  # fmt: skip
            return None
        if event.anchor is not None:
            said = Message("{anchor} marks a part to be repeated; anchors are not read", anchor=f"&{event.anchor}")
            self._say(event, path, "alias", (said, _WRITE_OUT))
        if event.tag is not None and (type(event) is not yaml.ScalarEvent or not any(event.implicit)):
            said = Message("{tag} is a tag; tags are not read", tag=event.tag)
            self._say(event, path, "tag", (said, Message("put text that begins with ! in quotes")))
        if type(event) is yaml.ScalarEvent:
            value = _resolve(event.value) if event.implicit[0] else event.value
            self._now.nulls |= value is None
            return value
        if len(path) >= MAX_DEPTH:
            said = Message("more than {limit} levels deep", limit=MAX_DEPTH)
            self._say(event, path, "depth", (said, None))
            raise _Stop
        if type(event) is yaml.SequenceStartEvent:
            return list(self._items(path))
        return self._map(path)

    def _items(self, path: tuple[PathKey, ...]) -> Iterator[Any]:
        number = 0
        while type(event := next(self._events)) is not yaml.SequenceEndEvent:
            yield self._value(event, (*path, number))
            number += 1

    def _map(self, path: tuple[PathKey, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while type(event := next(self._events)) is not yaml.MappingEndEvent:
            key = self._key(event, path)
            if key in made:
                said = Message("{key} is given twice (first on line {line})", key=repr(key), line=lines[key])
                self._say(event, (*path, key), "duplicate_key", (said, None))
                self._value(next(self._events), (*path, f"{key} again"))
                continue
            lines[key] = event.start_mark.line + 1
            made[key] = self._value(next(self._events), (*path, key), event)
        return made

    def _key(self, event: Any, path: tuple[PathKey, ...]) -> str:
        if type(event) is not yaml.ScalarEvent:
            self._say(event, path, "key", (Message("a key is text, not a list, a map or an alias"), None))
            if type(event) is not yaml.AliasEvent:
                self._value(event, (*path, ""))
            return f"<{event.start_mark.line + 1}:{event.start_mark.column + 1}>"
        if event.value == "<<" and event.implicit[0]:
            self._say(event, path, "alias", (Message("<< merges another part; merge keys are not read"), _WRITE_OUT))
        elif event.implicit[0] and not isinstance(_resolve(event.value), str):
            words = event.value or '""'
            self._say(event, path, "key", (
                Message("a key is text, and {key} is {what}", key=words, what=kind_of(_resolve(event.value))),
                Message("put it in quotes"),
            ))  # fmt: skip
        return str(event.value)


_WRITE_OUT = Message("write it out")


def join(path: Sequence[PathKey]) -> str:
    """Return a path as a problem gives it: "fields/amount/type"."""
    return "/".join(map(str, path))


# -------------------------------------------------------------------------------------------- writing


class _Dumper(_BaseDumper):  # type: ignore[misc]
    """Writes what `read_text` reads back to the same values."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: Any, value: str) -> Any:
    if "\n" in value and all(letter.isprintable() or letter == "\n" for letter in value):
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")
    # What our reader takes for a number, and nobody else does, needs quotes as well.
    style = "'" if not isinstance(_resolve(value), str) or value in {"=", "<<"} else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _float_node(dumper: Any, value: float) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(value or 0.0))


def _one_line(value: Any, levels: int = 2) -> bool:
    """Whether a map or list is read more easily on one line."""
    if isinstance(value, str):
        return "\n" not in value
    if isinstance(value, (Mapping, list, tuple)):
        parts = value.values() if isinstance(value, Mapping) else value
        return levels > 0 and all(_one_line(each, levels - 1) for each in parts)
    return True


def _map_node(dumper: Any, value: Mapping[str, Any]) -> Any:
    short = bool(value) and _one_line(value) and len(str(value)) <= _LINE
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=short)


def _list_node(dumper: Any, value: Sequence[Any]) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=_one_line(value))


_LINE = 100
# YAML 1.1, which the library writes, does not know 1e5 for a number.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"^(?:{_FLOAT.pattern})$"), list("-0123456789"))
_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(float, _float_node)
_Dumper.add_representer(list, _list_node)
_Dumper.add_representer(tuple, _list_node)
_Dumper.add_representer(dict, _map_node)
_Dumper.add_multi_representer(Mapping, _map_node)


def dump(body: Mapping[str, Any]) -> str:
    """Return YAML that reads back to the same values; equal bodies give equal bytes, keys keep their order.

    What stands at the top of the document, and the maps of its fields, columns and steps, get a line each.
    """
    lines: list[str] = []
    for key, value in body.items():
        roomy = isinstance(value, Mapping) and value and key in _ROOMY
        part = {key: _Roomy(value)} if roomy else {key: value}
        lines.append(yaml.dump(_Roomy(part), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH))
    return "".join(lines)


_WIDTH = 120
_ROOMY = frozenset({"fields", "columns", "steps", "options", "items", "cards", "grants", "tabs", "labels", "targets"})


class _Roomy(dict[str, Any]):
    """A map that is written with a line for each key."""


_Dumper.add_representer(
    _Roomy, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=False)
)
