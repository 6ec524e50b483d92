"""Planted values: each stands nowhere else, so that a leak is found by looking through bytes.

A planted text is `zq` and ten consonants, a planted number has nine digits; both survive every way of writing values
out, in pages, files and JSON. Values of types that cannot hold one of them are left to chance and to the other checks.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.metadata.model import Field

_LETTERS = "bcdfghjklmnpqrstvwxyz"
_TEXT = re.compile(r"zq[b-df-hj-np-tv-z]{10}")
_DIGITS = re.compile(r"[0-9]{8,}")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])(?:[,  ]|&#160;|&nbsp;)(?=[0-9])")
_LENGTH = 12
_LEAST, _MOST = 100_000_000, 999_999_999
HOST = "leaks.example"
"""What follows the @ of a planted address: a masked address shows it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a planted value stands."""

    entity: str
    id: str
    field: str


class Marks:
    """All planted values of a site by the text that gives them away."""

    def __init__(self) -> None:
        self._known: dict[str, Mark] = {}
        self._real: dict[bytes, Mark] = {}

    def __len__(self) -> int:
        return len(self._known)

    def add(self, text: str, mark: Mark) -> None:
        """Remember a planted value."""
        self._known[text] = mark

    def add_real(self, text: str, mark: Mark) -> None:
        """Remember a value that was there before and stands nowhere else."""
        self._real[text.encode()] = mark
        self._known[text] = mark

    def all(self) -> Iterable[tuple[str, Mark]]:
        """Return every planted text with its place."""
        return list(self._known.items())

    def within(self, data: bytes) -> Iterator[tuple[str, Mark]]:
        """Yield every planted value that stands in some bytes, once; archives are looked into."""
        seen: set[str] = set()
        data = _unpacked(data)
        yield from ((text.decode(), mark) for text, mark in self._real.items() if text in data)
        for text in candidates(data):
            if text not in seen and (mark := self._known.get(text)) is not None:
                seen.add(text)
                yield text, mark


def candidates(data: bytes) -> Iterator[str]:
    """Yield what could be a planted value."""
    text = data.decode("utf-8", "replace")
    yield from _TEXT.findall(text)
    for run in _DIGITS.findall(_BETWEEN_DIGITS.sub("", text)):
        yield run
        # A telephone number stands behind the codes of its country and network.
        yield run[-8:]


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"PK\x03\x04"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return b"\n".join(archive.read(name) for name in archive.namelist())
    except zipfile.BadZipFile:
        return data


def chance(dice: random.Random, part: float) -> bool:
    """Throw the dice for something that happens in a part of all cases."""
    return dice.random() < part


class Planter:
    """Makes values for fields, planted where the type can hold one."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._numbers: set[int] = set()

    def word(self) -> str:
        """Return a text that stands nowhere else."""
        return "zq" + "".join(self._dice.choices(_LETTERS, k=_LENGTH - 2))

    def value(self, field: Field) -> tuple[Any, str | None] | None:
        """Return (raw value, the text that gives it away) for a field; None for a type that holds neither."""
        options = field.options
        for make in (self._text, self._phone, self._digits, self._parts):
            made = make(field, options)
            if made is not None and _fits(field, made[0]):
                return made
        return None

    def _text(self, field: Field, options: Mapping[str, Any]) -> tuple[Any, str] | None:
        if field.choices or field.type.links:
            return None
        word = self.word()
        for raw in (word, f"{word}@{HOST}", f"https://{HOST}/{word}", [word]):
            # What a type makes of it must still hold the word, as e-mail addresses and links do.
            if _fits(field, raw) and word in str(_parsed(field, raw)):
                return raw, word
        return None

    def _phone(self, field: Field, options: Mapping[str, Any]) -> tuple[Any, str] | None:
        number = f"{self._dice.randrange(10_000_000, 99_999_999)}"
        raw = f"+86138{number}"
        return (raw, number) if field.type.result(options).name == "phone" else None

    def _digits(self, field: Field, options: Mapping[str, Any]) -> tuple[Any, str] | None:
        if field.type.value_type != "number" or field.choices:
            return None
        number = self._dice.randrange(_LEAST, _MOST)
        while number in self._numbers or not number % 10:
            number = self._dice.randrange(_LEAST, _MOST)
        self._numbers.add(number)
        return str(number), str(number)

    def _parts(self, field: Field, options: Mapping[str, Any]) -> tuple[Any, str] | None:
        word = self.word()
        for raw in ({"street": word}, {"note": word}):
            if _fits(field, raw) and word in str(_parsed(field, raw)):
                return raw, word
        return None


def _fits(field: Field, raw: Any) -> bool:
    return _parsed(field, raw) is not None


def _parsed(field: Field, raw: Any) -> Any:
    try:
        return field.type.parse(raw, field.options)
    except Exception:  # noqa: BLE001 - a type of a plugin may refuse in ways of its own
        return None
