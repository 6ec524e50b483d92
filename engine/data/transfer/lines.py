"""JSON lines: one object a line. The keys of all of them together are the columns."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from engine.data.transfer.decoding import SheetUnreadable
from engine.i18n import Message

LONGEST_LINE = 16_000_000
"""Bytes that a line may have."""
_MOST_KEYS = 1_000


class _Absent:
    """A key that an object of JSON lines does not have, which is not the same as null."""

    def __repr__(self) -> str:
        return ""


ABSENT = _Absent()


def json_names(path: Path, stream: IO[bytes]) -> tuple[str, ...]:
    """Return the keys of all objects in the order in which they come, and go back to the start.

    Raises:
        SheetUnreadable: there is no object in it, or it holds one list of them.
    """
    first = next((line for line in _bounded(path, stream) if line.strip()), None)
    if first is None:
        raise SheetUnreadable(Message("{file} is empty", file=str(path)))
    if first.lstrip(b"\xef\xbb\xbf \t").startswith(b"["):
        raise SheetUnreadable(Message("{file} holds a list; write one object a line instead", file=str(path)))
    stream.seek(0)
    names: dict[str, None] = {}
    for line in _bounded(path, stream):
        value = _object(line)
        if isinstance(value, dict):
            names.update(dict.fromkeys(value))
        if len(names) > _MOST_KEYS:
            raise SheetUnreadable(
                Message("{file} has {count} columns; it may have {most}", file=path.name, count=len(names),
                        most=_MOST_KEYS)
            )  # fmt: skip
    stream.seek(0)
    return tuple(names)


def json_lines(stream: IO[bytes], names: tuple[str, ...]) -> Iterator[tuple[int, list[Any], Message | None]]:
    """Yield number, cells and what is wrong for each line that is not empty."""
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        value = _object(line)
        if isinstance(value, dict):
            yield number, [value.get(name, ABSENT) for name in names], None
        else:
            yield number, [line.decode("utf-8", "replace").strip()], value


def _bounded(path: Path, stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            most = LONGEST_LINE // 1_000_000
            raise SheetUnreadable(
                Message("{file} has a row of more than {most} million characters", file=path.name, most=most)
            )
        yield line


def _object(line: bytes) -> dict[str, Any] | Message:
    import orjson

    try:
        value = orjson.loads(line.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        return Message("the line is no JSON: {why}", why=str(error))
    return value if isinstance(value, dict) else Message("the line is no JSON object")
