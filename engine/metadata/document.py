"""Documents: strict YAML 1.2 or JSON read into plain JSON values, each with its place in its file.

Nothing in a file makes this module raise: what cannot be read becomes a `Problem`. A file is read fast first, without
places; only when something is wrong with it, or somebody asks for a place, is it walked again with all of them.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import Place, Problem
from engine.i18n import Message
from engine.metadata.syntax import LARGEST, MAX_DEPTH, Careful, Mark, PathKey, dump, join, read
from engine.metadata.unreadable import MAX_BYTES, kind_of, strange_character, too_large, wrong_encoding

KINDS = (
    "entity", "view", "form", "dashboard", "report", "role", "workflow", "pool", "assignment", "sla", "calendar",
    "menu", "translation", "pack", "test", "duplicate", "conversion", "template", "alert",
)  # fmt: skip
"""What the first key of a document may be."""

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


class Positions:
    """Where the parts of one document stand in their file; found out when first asked."""

    __slots__ = ("_marks", "_number", "_text", "file")

    def __init__(self, file: str, text: str | None = None, number: int = 0) -> None:
        self.file = file
        self._text, self._number = text, number
        self._marks: dict[tuple[PathKey, ...], Mark] | None = None if text is not None else {}

    def place(self, path: Sequence[PathKey] = (), *, key: bool = False) -> Place:
        """Return the place of a value, or of its key; of the nearest part around it when there is none."""
        mark = self._mark(path)
        if mark is None:
            return self._without_text(path)
        return Place(self.file, mark[0], mark[1]) if key else Place(self.file, mark[2], mark[3])

    def inside(self, path: Sequence[PathKey], line: int, column: int) -> Place:
        """Return the place of a line and column (from 1) of the text that stands at `path`."""
        mark = self._mark(path)
        if mark is None:
            return self._without_text(path)
        _, _, at_line, at_column, style = mark
        if style in {"|", ">"}:
            lines = (self._text or "").split("\n")
            first = next((n for n in range(at_line, len(lines)) if lines[n].strip()), at_line)
            indent = len(lines[first]) - len(lines[first].lstrip(" ")) if first < len(lines) else 0
            return Place(self.file, at_line + line, indent + column)
        if line > 1:  # Folded over several lines, which no longer say where they broke.
            return Place(self.file, at_line, at_column)
        return Place(self.file, at_line, at_column + column - 1 + (1 if style in {"'", '"'} else 0))

    def _without_text(self, path: Sequence[PathKey]) -> Place:
        # What stands in the database has no lines; the path says where to look.
        return Place(f"{self.file}#/{join(path)}" if path and self._text is None else self.file)

    def _mark(self, path: Sequence[PathKey]) -> Mark | None:
        marks = self._marks
        if marks is None:
            marks = self._marks = self._find()
        for length in range(len(path), -1, -1):
            found = marks.get(tuple(path[:length]))
            if found is not None:
                return found
        return None

    def _find(self) -> dict[tuple[PathKey, ...], Mark]:
        found = Careful(self._text or "", self.file).documents()
        return found[self._number].marks if self._number < len(found) else {}


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
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


def read_documents(text: str) -> tuple[list[Document], list[Problem]]:
    """Read the documents of a text that somebody pasted; whatever is wrong is in the second answer."""
    return read_text(text, "text.yaml", "site")


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
    found, problems = read(text, file)
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
    file = file or f"{layer}:{kind}/{body[kind]}" if kind and isinstance(body[kind], str) else file or layer
    positions = Positions(file)
    wrong = _no_json(body)
    if wrong is not None:
        return None, [Problem(wrong, positions.place(), code="no_json")]
    named = _name(body, positions)
    if isinstance(named, Problem):
        return None, [named]
    return Document(*named, _plain(body), positions, layer, file), []


def _plain(value: Any) -> Any:
    """Return a copy of dicts and lists: nobody can change a document from outside."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _no_json(value: Any, depth: int = 0) -> Message | None:
    """Return why a value could not stand in a document file; None when it could."""
    if value is None or value is True or value is False:
        return None
    if isinstance(value, str):
        found = strange_character(value, "")
        return found.message if found is not None else None
    if isinstance(value, (int, float)):
        # Also leaves out what is no number, and what is endless.
        return None if abs(value) < LARGEST else Message("{value} is too large a number", value=str(value)[:40])
    if depth >= MAX_DEPTH:
        return Message("more than {limit} levels deep", limit=MAX_DEPTH)
    if isinstance(value, (list, tuple)):
        return next((why for each in value if (why := _no_json(each, depth + 1)) is not None), None)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        parts = (*value, *value.values())
        return next((why for each in parts if (why := _no_json(each, depth + 1)) is not None), None)
    return Message("a document holds maps, lists, texts, numbers, true and false only")


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
    careful = Careful(text, file)
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
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        folders[:] = [each for each in folders if not each.startswith(".")]
        found += (
            Path(folder, name)
            for name in names
            if not name.startswith(".") and name[name.rfind(".") :].lower() in SUFFIXES
        )
    return sorted(found)


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


__all__ = [
    "KINDS", "Document", "PathKey", "Positions", "by_place", "document_files", "dump", "join",
    "read_body", "read_bytes", "read_folder", "read_plain", "read_text",
]  # fmt: skip
