"""How the site looks and behaves for one person: what they chose, and what holds where they chose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson

TASTES: Mapping[str, tuple[str, ...]] = {
    "theme": ("auto", "light", "dark"),
    "accent": ("", "blue", "indigo", "purple", "pink", "green", "teal"),
    "density": ("comfortable", "compact"),
    "first_day": ("mon", "sun", "sat"),
    "shortcuts": ("on", "off"),
    "tour": ("due", "seen"),
    "language": ("", "en", "zh"),
}
"""What each taste may be; the first holds where nothing was chosen. `start` is an address of the site."""
LONGEST_START = 300


@dataclass(frozen=True, slots=True)
class Tastes:
    """What a person chose; "" leaves it to the site or to the language."""

    theme: str = ""
    """Light or dark; auto = as the device says; "" = as this browser was told."""
    accent: str = ""
    """Colour of buttons and links."""
    density: str = "comfortable"
    start: str = ""
    """Path that the person comes to after signing in; "" = the home page."""
    first_day: str = "mon"
    """First day of the week in calendars."""
    shortcuts: str = "on"
    """Whether single keys are commands."""
    tour: str = "due"
    """Whether the person has been shown around."""
    language: str = ""
    """What they want to read, on every device; "" = as this browser was told."""

    @property
    def is_compact(self) -> bool:
        """Say whether rows stand closer to each other."""
        return self.density == "compact"

    @property
    def week_begins(self) -> int:
        """Return the first day of the week as `date.weekday` counts: 0 for Monday."""
        return {"mon": 0, "sat": 5, "sun": 6}[self.first_day]

    def body(self) -> dict[str, str]:
        """Return what differs from what holds without a choice."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name)) != each.default}


NO_TASTES = Tastes()
"""Of who chose nothing."""
_NAMES = tuple(each.name for each in fields(Tastes))


def read_tastes(body: Any) -> Tastes:
    """Return what was stored, as the database has it; what this version does not know is as if it was not chosen."""
    if body is None:
        return NO_TASTES
    known = orjson.loads(body) if isinstance(body, (str, bytes)) else body
    return Tastes(**{name: known[name] for name in _NAMES if name in known and is_taste(name, known[name])})


def is_taste(name: str, value: object) -> bool:
    """Say whether a taste may be so."""
    if not isinstance(value, str):
        return False
    if name == "start":
        return len(value) <= LONGEST_START and (not value or (value[0] == "/" and value[1:2] not in {"/", "\\"}))
    return value in TASTES[name] or (name == "theme" and value == "")
