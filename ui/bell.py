"""The bell in the bar: how many notices somebody has not read, as this process last heard. No page asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from engine import Reader
from ui.asking import site


@dataclass(frozen=True, slots=True)
class Bell:
    """What the bell of one person says."""

    notices: int | None
    """Notices that they have not read; None when that is not known just now, and is asked for beside the page."""
    alarms: int | None
    """Alarms that nobody has looked at; None for who is not told of them."""

    @property
    def number(self) -> int:
        """Return what stands beside the bell."""
        return (self.notices or 0) + (self.alarms or 0)


def bell_of(reader: Reader) -> Bell | None:
    """Return the bell of who reads; None for programs."""
    who = reader.principal
    if who.id is None:
        return None
    alarms = site().alarms.unread if reader.access.has("audit") else None
    return Bell(site().notices.unread.get(who.id), alarms)
