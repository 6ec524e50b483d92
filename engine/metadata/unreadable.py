"""What is said about a file that cannot be read: its size, its encoding, its characters, its syntax."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import Place, Problem
from engine.i18n import Message

MAX_BYTES = 1_000_000

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

UNFINISHED = re.compile(r"expected ('[,:]'|<?block end)|unexpected (end of stream|document indicator)")
"""Faults that are seen only after the part that they belong to."""

Said = tuple[Message, Message | None]
"""What is wrong, and what would put it right."""


def too_large(file: str, size: int) -> Problem:
    """Say that a file is larger than any document."""
    message = Message(
        "the file has {size} bytes; a document file has at most {limit}", size=f"{size:,}", limit=f"{MAX_BYTES:,}"
    )
    advice = Message("data belongs into an import, not into a document")
    return Problem(message, Place(file), code="too_large", advice=advice)


def wrong_encoding(data: bytes, start: int, file: str) -> Problem:
    """Say that bytes are not UTF-8 from `start` on, and what they look like."""
    name = _guess_encoding(data)
    if name is None:
        return Problem(Message("the file is no text"), Place(file), code="encoding")
    line_start = data.rfind(b"\n", 0, start) + 1
    column = len(data[line_start:start].decode("utf-8", "replace")) + 1
    place = Place(file, data.count(b"\n", 0, start) + 1, column)
    message = Message("the file is not UTF-8; it looks like {encoding}", encoding=name)
    return Problem(message, place, code="encoding", advice=Message("save it as UTF-8"))


def _guess_encoding(data: bytes) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    if b"\0" in data:
        return None
    for encoding, name in (("gb18030", "GB18030 (GBK)"), ("big5", "Big5"), ("cp1252", "Windows-1252")):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        beyond = [letter for letter in text if letter > "\x7f"]
        chinese = sum("\u3000" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef" for letter in beyond)
        printable = all(letter.isprintable() or letter in "\r\n\t\u3000" for letter in text)
        if printable and (encoding == "cp1252" or 2 * chinese >= len(beyond)):
            return name
    return None


def strange_character(text: str, file: str) -> Problem | None:
    """Say that a text holds a character that no document may hold; None when it does not."""
    found = _UNREADABLE.search(text)
    if found is None:
        return None
    if text.count("\0", 0, 4_000) > 1:
        return Problem(Message("the file is no text"), Place(file), code="encoding")
    at = found.start()
    place = Place(file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    code = f"U+{ord(text[at]):04X}"
    return Problem(Message("the character {code} cannot stand in a document", code=code), place, code="character")


_QUOTE = Message("put text that holds ': ' in quotes, or look at the indentation")
_INDENT = Message("keys of one map begin in one column; indent with spaces")
_SYNTAX: tuple[tuple[str, Said], ...] = (
    ("mapping values are not allowed", (Message("a colon cannot stand here"), _QUOTE)),
    ("could not find expected ':'", (Message("a key without its colon"), None)),
    ("did not find expected key", (Message("this line does not fit those above it"), _INDENT)),
    ("did not find expected '-'", (Message("this line does not fit the list above it"), _INDENT)),
    ("block sequence entries are not allowed", (Message("a list cannot begin here"), _INDENT)),
    ("did not find expected ',' or '}'", (Message("a brace is not closed, or a comma is missing"), None)),
    ("did not find expected ',' or ']'", (Message("a bracket is not closed, or a comma is missing"), None)),
    ("found unexpected end of stream", (Message("a quotation mark is not closed"), None)),
    ("found unexpected document indicator", (Message("a quotation mark is not closed"), None)),
    ("did not find expected node content", (Message("a value is missing"), None)),
    ("did not find expected <document start>", (
        Message("something stands before the first key, or a document ends too early"),
        Message("separate documents by a line with ---"),
    )),
    ("found unknown escape character", (
        Message("a backslash in double quotes begins no known escape"), Message("use single quotes")
    )),
    ("found undefined tag handle", (
        Message("a tag (!) cannot stand in a document"), Message("put the text in quotes")
    )),
)  # fmt: skip


def syntax(problem: str, text: str, line: int, column: int) -> Said:
    """Say in plain words what a YAML scanner found at a line and column (from 0)."""
    lines = text.split("\n", line + 1)
    here = lines[line] if line < len(lines) else ""
    if "cannot start any token" in problem:
        letter = here[column : column + 1]
        if letter == "\t" or here[:column].strip(" ") == "\t" or "\t" in here[: len(here) - len(here.lstrip())]:
            return _TAB
        return Message("a value cannot begin with {letter}", letter=repr(letter)), Message("put it in quotes")
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return _TAB
    for words, said in _SYNTAX:
        if words in problem:
            return said
    return Message("this is not valid YAML: {words}", words=problem or "?"), None


_TAB: Said = (Message("a tab cannot indent a line"), Message("use spaces"))


def kind_of(value: Any) -> Message:
    """Name what a value is, for people."""
    if value is None:
        return Message("nothing")
    if value is True or value is False:
        return Message("true or false")
    if isinstance(value, str):
        return Message("text")
    if isinstance(value, (int, float)):
        return Message("a number")
    if isinstance(value, list):
        return Message("a list")
    return Message("a map") if value else Message("an empty map")
