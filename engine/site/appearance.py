"""The `site` of guanxi.yaml: what the site is called, its logo, and the colour of its buttons and links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.data.tastes import TASTES
from engine.i18n import Message

LOGOS = (".svg", ".png", ".jpg", ".jpeg", ".webp")
MOST_BYTES = 256 * 1024
"""Size of a logo: every page of everybody loads it once."""
_LONGEST_NAME = 40

_NAME = {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "How the site presents itself.",
    "additionalProperties": False,
    "properties": {
        "name": {
            "type": ["string", "object"],
            "description": "What it is called, on every page and in mails; Guanxi when left out.",
            "minLength": 1,
            "maxLength": _LONGEST_NAME,
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {
                "en": {**_NAME, "description": "In English."},
                "zh": {**_NAME, "description": "In Chinese."},
            },
        },
        "logo": {
            "type": "string",
            "description": "A file of the site's folder: SVG, PNG, JPEG or WebP.",
            "minLength": 1,
        },
        "accent": {
            "enum": [each for each in TASTES["accent"] if each],
            "description": "Colour of buttons and links for who has not chosen one.",
        },
    },
}


def faults(said: Mapping[str, Any], folder: Path) -> Iterator[tuple[tuple[str, ...], Message]]:
    """Yield (place, what is wrong) of a logo that cannot be shown."""
    logo = said.get("logo")
    if not logo:
        return
    file = (folder / logo).resolve()
    if file.suffix.lower() not in LOGOS:
        yield ("logo",), Message("a logo is one of {kinds}", kinds=", ".join(LOGOS))
    elif not file.is_relative_to(folder.resolve()):
        yield ("logo",), Message("a logo lies in the folder of the site")
    elif not file.is_file():
        yield ("logo",), Message("there is no file {file}", file=str(logo))
    elif file.stat().st_size > MOST_BYTES:
        yield ("logo",), Message("a logo has at most {size} KiB", size=MOST_BYTES // 1024)


def name_of(said: Mapping[str, Any], language: str) -> str:
    """Return the name of the site in a language, else in another; "" when it has none of its own."""
    name = said.get("name", "")
    if isinstance(name, str):
        return name
    return str(name.get(language) or next(iter(name.values()), ""))
