"""Who asks: a person with roles, or the product itself.

A `Principal` says nothing about what may be done; `Access` works that out for one Model. It is made when a person
signs in or a token is shown, and kept as long as `access_epoch` stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine import clock
from engine.data.tastes import NO_TASTES, Tastes
from engine.errors import AccessDenied
from engine.i18n import Message

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away, and the principal stands in."""

    user_id: str
    """Who is away."""
    begins: datetime
    """Aware UTC."""
    ends: datetime
    """Aware UTC; the first moment at which they are back."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at the site as another person sees it, and changes nothing meanwhile."""

    id: str
    """Id of the `user` record of who really looks."""
    name: str
    ends_at: datetime
    """When the look ends by itself, aware UTC."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, a token of a person, or the system."""

    id: str | None
    """Id of the `user` record; None for the system."""
    name: str
    roles: frozenset[str] = frozenset()
    language: str = "en"
    timezone: str = "UTC"
    email: str | None = None
    teams: tuple[str, ...] = ()
    department: str | None = None
    departments: tuple[str, ...] = ()
    """Ids of every department that the person's own is a part of, the nearest first."""
    territories: tuple[str, ...] = ()
    """Ids of the territories that the person works in, and of all below them."""
    manager: str | None = None
    leads: bool = False
    """Whether somebody reports to the person."""
    absences: tuple[Absence, ...] = ()
    """When the person stands in for whom; what is over counts for nothing."""
    system: bool = False
    """True for the product itself: every row, and every field but for secrets."""
    permissions: frozenset[str] = frozenset()
    """Permissions beside those that the roles give."""
    scopes: frozenset[str] | None = None
    """What a token may do at most: "*", "read", "lead:*", "lead:read". None = whatever the roles allow."""
    viewer: Viewer | None = None
    """Who looks as this person; None for the person themselves."""
    tastes: Tastes = NO_TASTES
    """How the site looks to the person."""

    @property
    def sharing_ids(self) -> tuple[str, ...]:
        """Return the ids that records are shared with: the person's own, of teams, and of departments up to the top."""
        known = (self.id, *self.teams, self.department, *self.departments)
        return tuple(dict.fromkeys(each for each in known if each is not None))

    def require_own_hands(self) -> None:
        """Refuse to act for somebody who only looks at what another person sees.

        Raises:
            AccessDenied: so it is.
        """
        if self.viewer is not None:
            raise AccessDenied(Message("You are viewing as {name}, so nothing can be changed", name=self.name))

    def standing_in(self, now: datetime) -> tuple[str, ...]:
        """Return the ids of those for whom the person stands in at a moment."""
        return tuple(each.user_id for each in self.absences if each.begins <= now < each.ends)


SYSTEM = Principal(id=None, name="system", system=True)


def variables(principal: Principal, now: datetime | None = None) -> Mapping[str, Any]:
    """Return the values of `user.*`, `today` and `now` for one request, as Python values.

    `now` is aware UTC to the millisecond, the current moment unless given; `today` is its date where the person is.
    """
    moment = now or clock.now()
    return {
        "user.id": principal.id,
        "user.name": principal.name,
        "user.email": principal.email,
        "user.language": principal.language,
        "user.timezone": principal.timezone,
        "user.roles": tuple(sorted(principal.roles)),
        "user.teams": principal.teams,
        "user.department": principal.department,
        "user.territories": principal.territories,
        "user.manager": principal.manager,
        "user.leads": principal.leads,
        "user.sharing": principal.sharing_ids,
        "user.covered": (*(() if principal.id is None else (principal.id,)), *principal.standing_in(moment)),
        "timezone": principal.timezone,
        "today": moment.astimezone(zone(principal.timezone)).date(),
        "now": moment,
    }


@cache
def fixed_shift(name: str) -> str | None:
    """Return how far local time is from UTC, as SQLite's date functions take it; None where it changes in the year.

    Looks at the years in which records are made; China has not moved its clocks since 1991.
    """
    where = zone(name)
    moments = (datetime(year, month, 1, tzinfo=_UTC) for year in range(2000, 2051) for month in range(1, 13))
    shifts = {moment.astimezone(where).utcoffset() for moment in moments}
    shift = shifts.pop()
    if shifts or shift is None:
        return None
    return f"{shift.total_seconds() / 60:+.0f} minutes"


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; UTC for one that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return _UTC
