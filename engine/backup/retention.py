"""Which of many backups are kept: the newest of each of some days, weeks and months."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from engine.errors import GuanxiError
from engine.i18n import Message

NAME = "guanxi-{:%Y%m%d-%H%M%S}.backup"
_NAMED = re.compile(r"guanxi-(\d{8}-\d{6})\.backup")
_PARTS = 3
_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Kept:
    """How many days, weeks and months have a backup each."""

    days: int = 7
    weeks: int = 4
    months: int = 12

    @classmethod
    def parse(cls, text: str) -> Kept:
        """Read `7,4,12`.

        Raises:
            GuanxiError: it is none.
        """
        parts = text.split(",")
        if len(parts) != _PARTS or not all(part.strip().isdecimal() for part in parts) or not any(map(int, parts)):
            raise GuanxiError(
                Message("{text} does not say how many days, weeks and months are kept: 7,4,12 does", text=repr(text))
            )
        return cls(*map(int, parts))


def kept(moments: Iterable[datetime], rule: Kept) -> set[datetime]:
    """Return which moments stay: of the newest days, ISO weeks and months that have one, the newest of each.

    Days without a backup do not count, so that a machine that was off loses nothing. The newest always stays.
    """
    found = sorted(set(moments), reverse=True)
    stay = set(found[:1])
    for most, period in (
        (rule.days, lambda at: at.date()),
        (rule.weeks, lambda at: at.isocalendar()[:2]),
        (rule.months, lambda at: (at.year, at.month)),
    ):
        seen: dict[object, datetime] = {}
        for at in found:
            seen.setdefault(period(at), at)
        stay.update(list(seen.values())[:most])
    return stay


def file_name(at: datetime) -> str:
    """Return the name of a backup that is made at a time."""
    return NAME.format(at)


def moment_of(file: Path, zone: tzinfo) -> datetime | None:
    """Return when a backup was made, by its name; None for files that are named otherwise."""
    found = _NAMED.fullmatch(file.name)
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=zone) if found else None
    except ValueError:
        return None


def keep_some(folder: Path, rule: Kept, zone: tzinfo) -> list[Path]:
    """Delete the backups of a folder that a rule does not keep, and return them; other files stay."""
    dated = {file: at for file in sorted(folder.iterdir()) if (at := moment_of(file, zone)) is not None}
    stay = kept(dated.values(), rule)
    gone = [file for file, at in dated.items() if at not in stay]
    for file in gone:
        file.unlink()
    for rest in folder.glob(".guanxi-*.part"):
        # What a backup that was killed has left; one that runs now is younger.
        if rest.stat().st_mtime < max(dated.values(), default=datetime.now(zone)).timestamp() - _A_DAY:
            rest.unlink(missing_ok=True)
    return gone
