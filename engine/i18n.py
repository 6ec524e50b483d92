"""Texts that people read: labels in several languages, and messages with a catalogue.

A `Text` is a label as a document gives it, a map of language to words. A `Message` is a sentence of
the product itself: its English template is the key, `engine/locale/<language>/*.po` holds the rest.
Both stay untranslated until somebody's language is known, so one error serves every reader.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

LANGUAGES = ("en", "zh")
"""Languages that the product itself speaks; a site may add others for its labels."""

_catalogue_folders: list[Path] = [Path(__file__).parent / "locale"]
_catalogues: dict[str, Mapping[str, str]] = {}
_lock = threading.Lock()


def add_catalogues(folder: Path) -> None:
    """Read `<folder>/<language>/*.po` too: the faces and the plugins bring their own sentences."""
    with _lock:
        if folder not in _catalogue_folders:
            _catalogue_folders.append(folder)
            _catalogues.clear()


def translate(template: str, language: str) -> str:
    """Return the template of a message in a language; English, the key itself, when it has none."""
    if language.startswith("en"):
        return template
    catalogue = _catalogues.get(language)
    if catalogue is None:
        catalogue = _load(language)
    return catalogue.get(template, template)


def _load(language: str) -> Mapping[str, str]:
    from babel.messages.pofile import read_po

    words: dict[str, str] = {}
    for folder in tuple(_catalogue_folders):
        for name in (language.split("_", maxsplit=1)[0].split("-", maxsplit=1)[0], language):
            for path in sorted((folder / name).glob("*.po")):
                with path.open("rb") as stream:
                    words.update(
                        {
                            str(entry.id): str(entry.string)
                            for entry in read_po(stream, locale=None)
                            if entry.id and entry.string
                        }
                    )
    catalogue = MappingProxyType(words)
    with _lock:
        _catalogues[language] = catalogue
    return catalogue


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence of the product, with its values, not yet in anybody's language.

    Values that are themselves a `Message` or a `Text` are translated with it.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, template: str, **values: Any) -> None:
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "values", values)

    def __hash__(self) -> int:
        return hash((self.template, tuple(sorted((key, str(value)) for key, value in self.values.items()))))

    def in_(self, language: str) -> str:
        """Return the sentence in a language."""
        template = translate(self.template, language)
        if not self.values:
            return template
        words = {
            key: value.in_(language) if isinstance(value, (Message, Text)) else value
            for key, value in self.values.items()
        }
        return template.format_map(words)

    def __str__(self) -> str:
        return self.in_("en")


class Text(Mapping[str, str]):
    """A label in the languages that a document gives, with a fallback for every other one."""

    __slots__ = ("_fallback", "_words")

    def __init__(self, words: Mapping[str, str] | str | None, fallback: str = "") -> None:
        self._words: dict[str, str] = {"": words} if isinstance(words, str) else dict(words or {})
        self._fallback = fallback

    def in_(self, language: str) -> str:
        """Return the words in `language`, else its base language, else English, else any, else the fallback."""
        words = self._words
        found = words.get(language)
        if found is None and len(language) > 2:  # noqa: PLR2004 - "zh_TW", "zh-Hans": the base language has two letters
            found = words.get(language[:2])
        if found is None:
            found = words.get("") or words.get("en")
        if found is None:
            found = next(iter(words.values()), self._fallback) if not self._fallback else self._fallback
        return found

    def __getitem__(self, language: str) -> str:
        return self._words[language]

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)

    def __hash__(self) -> int:
        return hash((tuple(sorted(self._words.items())), self._fallback))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and other._words == self._words and other._fallback == self._fallback

    def __str__(self) -> str:
        return self.in_("en")

    def __repr__(self) -> str:
        return f"Text({self._words!r}, {self._fallback!r})"


def humanise(key: str) -> str:
    """Return a key as words for people: "x_close_date" -> "Close date"."""
    words = key.removeprefix("x_").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
