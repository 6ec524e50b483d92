"""Documents: strict YAML 1.2 or JSON read into plain JSON values, each with its place in its file.

Nothing in a file makes this module raise: what cannot be read becomes a `Problem`. The text is walked event by
event, so that a deep or an exploding file is refused before it grows. A file is read fast first, without
places; only when something is wrong with it, or somebody asks for a place, is it walked again with all of them.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from engine.errors import Place, Problem
from engine.i18n import Message
from engine.metadata.unreadable import (
    MAX_BYTES,
    UNFINISHED,
    Said,
    kind_of,
    strange_character,
    syntax,
    too_large,
    wrong_encoding,
)

KINDS = (
    "entity", "view", "form", "dashboard", "report", "role", "workflow", "pool", "assignment", "sla", "calendar",
    "menu", "translation", "pack", "test", "duplicate", "conversion", "template", "alert",
)  # fmt: skip
"""What the first key of a document may be."""

MAX_DEPTH = 30
MAX_PROBLEMS = 50
"""Of one file: what is wrong in more places than this is no document at all."""

SUFFIXES = frozenset({".yaml", ".yml", ".json"})

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BaseDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_INTEGER = re.compile(r"-?[1-9][0-9]{0,17}|0")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_LONGEST_WORD = 5
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")

PathKey = str | int
_Mark = tuple[int, int, int, int, str]
"""Line and column of the key (of the value where there is none), of the value, and its style."""


class Positions:
    """Where the parts of one document stand in their file; found out when first asked."""

    __slots__ = ("_marks", "_number", "_text", "file")

    def __init__(self, file: str, text: str | None = None, number: int = 0) -> None:
        self.file = file
        self._text, self._number = text, number
        self._marks: dict[tuple[PathKey, ...], _Mark] | None = None if text is not None else {}

    def place(self, path: Sequence[PathKey] = (), *, key: bool = False) -> Place:
        """Return the place of a value, or of its key; of the nearest part around it when there is none."""
        mark = self._mark(path)
        if mark is None:
            return Place(self.file)
        return Place(self.file, mark[0], mark[1]) if key else Place(self.file, mark[2], mark[3])

    def inside(self, path: Sequence[PathKey], line: int, column: int) -> Place:
        """Return the place of a line and column (from 1) of the text that stands at `path`."""
        mark = self._mark(path)
        if mark is None:
            return Place(self.file)
        _, _, at_line, at_column, style = mark
        if style in {"|", ">"}:
            lines = (self._text or "").split("\n")
            first = next((n for n in range(at_line, len(lines)) if lines[n].strip()), at_line)
            indent = len(lines[first]) - len(lines[first].lstrip(" ")) if first < len(lines) else 0
            return Place(self.file, at_line + line, indent + column)
        if line > 1:  # Folded over several lines, which no longer say where they broke.
            return Place(self.file, at_line, at_column)
        return Place(self.file, at_line, at_column + column - 1 + (1 if style in {"'", '"'} else 0))

    def _mark(self, path: Sequence[PathKey]) -> _Mark | None:
        marks = self._marks
        if marks is None:
            marks = self._marks = self._find()
        for length in range(len(path), -1, -1):
            found = marks.get(tuple(path[:length]))
            if found is not None:
                return found
        return None

    def _find(self) -> dict[tuple[PathKey, ...], _Mark]:
        found = _Careful(self._text or "", self.file).documents()
        return found[self._number].marks if self._number < len(found) else {}


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One document: its kind, its name, its body as plain JSON values with the first key still in it."""

    kind: str
    name: str
    body: Mapping[str, Any]
    positions: Positions = field(repr=False)
    layer: str
    file: str
    nulls: bool = True
    """Whether a null may stand in it; False lets composing skip the search."""

    @property
    def id(self) -> str:
        """`kind/name`, its key everywhere."""
        return f"{self.kind}/{self.name}"

    def place(self, path: Sequence[PathKey] = (), *, key: bool = False) -> Place:
        """Return where a part stands."""
        return self.positions.place(path, key=key)


def read_text(text: str, file: str, layer: str) -> tuple[list[Document], list[Problem]]:
    """Read all documents of a text; whatever is wrong is in the second answer, sorted by place."""
    if len(text) > MAX_BYTES:
        return [], [too_large(file, len(text))]
    text = text.removeprefix("\ufeff")
    strange = strange_character(text, file)
    if strange is not None:
        return [], [strange]
    if "\\u" in text and (file.endswith(".json") or text.lstrip().startswith("{")):
        text = _SURROGATES.sub(lambda pair: str(json.loads(f'"{pair[0]}"')), text)
    problems: list[Problem] = []
    try:
        found = _quick(text)
    except (_Again, yaml.YAMLError):
        careful = _Careful(text, file)
        found = careful.documents()
        problems = careful.problems
    documents: list[Document] = []
    for number, parsed in enumerate(found):
        if parsed.value is None:
            continue
        positions = Positions(file, text, number)
        named = _name(parsed.value, positions)
        if isinstance(named, Problem):
            problems.append(named)
        elif not parsed.broken:
            kind, name = named
            documents.append(Document(kind, name, parsed.value, positions, layer, file, parsed.nulls))
    problems.sort(key=by_place)
    return documents, problems


def by_place(problem: Problem) -> tuple[str, int, int]:
    """Return the sort key of problems: file, line, column."""
    place = problem.place
    return (place.file, place.line, place.column) if place is not None else ("", 0, 0)


def read_body(body: Any, layer: str, file: str = "") -> tuple[Document | None, list[Problem]]:
    """Make a document of JSON values that stand in no file, as the database or the builder holds them."""
    kind = next(iter(body), "") if isinstance(body, Mapping) else ""
    file = file or f"{layer}:{kind}/{body[kind] if kind else ''}"
    positions = Positions(file)
    named = _name(body, positions)
    if isinstance(named, Problem):
        return None, [named]
    return Document(*named, body, positions, layer, file), []


def read_bytes(data: bytes, file: str, layer: str) -> tuple[list[Document], list[Problem]]:
    """Read a file's content; an encoding other than UTF-8 is a problem that says which it looks like."""
    if len(data) > MAX_BYTES:
        return [], [too_large(file, len(data))]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [], [wrong_encoding(data, error.start, file)]
    return read_text(text, file, layer)


def read_plain(data: bytes, file: str) -> tuple[Any, Positions, list[Problem]]:
    """Read a file of one value that is no document, as strictly: a site's settings, the mapping of an import."""
    if len(data) > MAX_BYTES:
        return None, Positions(file), [too_large(file, len(data))]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, Positions(file), [wrong_encoding(data, error.start, file)]
    strange = strange_character(text, file)
    if strange is not None:
        return None, Positions(file), [strange]
    careful = _Careful(text, file)
    found = [parsed for parsed in careful.documents() if parsed.value is not None]
    if len(found) > 1 and not careful.problems:
        problem = Problem(Message("the file holds more than one document"), Place(file), code="several")
        return None, Positions(file), [problem]
    return found[0].value if found else None, Positions(file, text), sorted(careful.problems, key=by_place)


def read_folder(path: Path, layer: str, *, base: Path | None = None) -> tuple[list[Document], list[Problem]]:
    """Read every document file under a folder (or one file), in the order of their names.

    Files are named relative to `base` in messages when it is given.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in document_files(path):
        name = file.relative_to(base).as_posix() if base is not None else file.as_posix()
        read = _read_file(file, name, layer)
        documents += read[0]
        problems += read[1]
    return documents, problems


def document_files(path: Path) -> list[Path]:
    """Return the files under `path` that hold documents, sorted; hidden ones are left out."""
    if not path.is_dir():
        return [path]
    return sorted(
        Path(folder, name)
        for folder, folders, names in os.walk(path)
        if not folders.sort()  # type: ignore[func-returns-value]
        for name in names
        if os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - hot on large folders
        and not name.startswith(".")
        and not any(part.startswith(".") for part in Path(folder).relative_to(path).parts)
    )


_read: dict[tuple[str, str, bytes], tuple[list[Document], list[Problem]]] = {}
_READ_LIMIT = 5_000


def _read_file(file: Path, name: str, layer: str) -> tuple[list[Document], list[Problem]]:
    # Shipped files are read again for every check and publish; what they said is kept by their content.
    try:
        if file.stat().st_size > MAX_BYTES:
            return [], [too_large(name, file.stat().st_size)]
        data = file.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        return [], [Problem(Message("the file cannot be read: {why}", why=why), Place(name), code="unreadable")]
    key = (layer, name, hashlib.sha256(data).digest())
    found = _read.get(key)
    if found is None:
        if len(_read) >= _READ_LIMIT:
            _read.clear()
        found = _read[key] = read_bytes(data, name, layer)
    return found


# ---------------------------------------------------------------------------------------------- names


def _name(body: Any, positions: Positions) -> tuple[str, str] | Problem:
    if not isinstance(body, Mapping) or not body:
        message = Message("a document is a map whose first key names its kind, not {what}", what=kind_of(body))
        advice = Message("begin with a line such as {example}", example="entity: visit")
        return Problem(message, positions.place(), code="no_map", advice=advice)
    kind, name = next(iter(body.items()))
    if kind not in KINDS:
        return Problem(
            Message("the first key names the kind of document, and {key} is none", key=repr(kind)),
            positions.place((kind,), key=True),
            kind,
            "unknown_kind",
            _kind_advice(kind, body),
        )
    if not isinstance(name, str) or not name:
        message = Message("{kind} needs a name, which is text", kind=kind)
        return Problem(message, positions.place((kind,)), kind, "no_name")
    return kind, name


def _kind_advice(key: str, body: Mapping[str, Any]) -> Message:
    close = difflib.get_close_matches(key, KINDS, 1)
    if close:
        return Message("did you mean {name}?", name=repr(close[0]))
    inside = next((each for each in body if each in KINDS), None)
    if inside is not None:
        return Message("move {key} to the top", key=repr(inside))
    return Message("the kinds are {names}", names=", ".join(KINDS))


# --------------------------------------------------------------------------------------------- walking


@dataclass(slots=True)
class _Parsed:
    """One document of a file, before anybody asks what it means."""

    value: Any = None
    nulls: bool = False
    broken: bool = False
    marks: dict[tuple[PathKey, ...], _Mark] = field(default_factory=dict)


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
            if abs(number) != math.inf and Decimal(repr(number)) == Decimal(word):
                return number
        return word
    return _WORDS.get(word, word) if len(word) <= _LONGEST_WORD else word


def _quick(text: str) -> list[_Parsed]:  # noqa: C901, PLR0912 - one flat loop: this is where reading spends its time
    """Read a text in which nothing is wrong.

    Raises:
        _Again: something is.
        yaml.YAMLError: it is not YAML.
    """
    scalar, mapping_start, sequence_start = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    mapping_end, sequence_end = yaml.MappingEndEvent, yaml.SequenceEndEvent
    found: list[_Parsed] = []
    stack: list[Any] = []
    into: Any = None
    """The list or map that is being filled."""
    key: Any = None
    """Key of the value that comes next; None in a list and before a key."""
    resolve = _resolve
    nulls = False
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
            found.append(_Parsed(into[0], nulls))
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


class _Careful:
    """A walk that keeps every place and says everything that is wrong."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._events: Iterator[Any] = iter(yaml.parse(text, _Loader))
        self._now = _Parsed()
        self.problems: list[Problem] = []

    def documents(self) -> list[_Parsed]:
        """Return each document of the text; after a fault of syntax there are no more."""
        found: list[_Parsed] = []
        try:
            for event in self._events:
                if type(event) is yaml.DocumentStartEvent:
                    self._now = _Parsed()
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
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(value))


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
