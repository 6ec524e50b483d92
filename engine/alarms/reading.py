"""Alarms over how much people read: against what is usual for the person, or for people with their roles.

Usual is the median of the days (or hours) on which they read anything, within the last thirty days. Whoever has fewer
than five such days is compared with everybody who holds one of their roles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection

from engine.alarms.raised import Ring
from engine.alarms.rules import ReadingWatch, Rule
from engine.audit.meters import Meters, Usage

_LOOKED_AT = timedelta(days=30)
_ENOUGH = 5
"""Days with reading from which on a person has a usual of their own."""


def rings(
    meters: Meters,
    connection: Connection,
    rule: Rule,
    watch: ReadingWatch,
    now: datetime,
    roles: Mapping[str, frozenset[str]],
) -> Iterator[Ring]:
    """Yield that an alarm rings, for each person who read too much; `roles` by person."""
    start = now - watch.within
    for person, number in meters.since(connection, watch.kinds, start + timedelta(hours=1), watch.entity):
        if number <= watch.floor:
            return  # They come the most first.
        usual = _usual(meters, connection, watch, person, start, roles)
        if number > max(watch.floor, usual * watch.above_usual):
            details = {"value": number, "usual": round(usual), "limit": watch.above_usual, "kinds": list(watch.kinds)}
            yield Ring(rule, person, now, person, None, watch.entity, (), details)


def _usual(
    meters: Meters,
    connection: Connection,
    watch: ReadingWatch,
    person: str,
    start: datetime,
    roles: Mapping[str, frozenset[str]],
) -> float:
    since = start - _LOOKED_AT
    own = _sums(meters.hours(connection, [person], watch.kinds, since, watch.entity), start, watch.within)
    if len(own) >= _ENOUGH:
        return float(median(own))
    mine = roles.get(person, frozenset())
    peers = [other for other, theirs in roles.items() if other != person and theirs & mine]
    used = [*own, *_sums(meters.hours(connection, peers[:500], watch.kinds, since, watch.entity), start, watch.within)]
    return float(median(used)) if used else 0.0


def _sums(usage: Iterable[Usage], end: datetime, within: timedelta) -> list[int]:
    """Return how much was read by each person in each spell of `within` that ended before `end` and had any."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for each in usage:
        spell = (end - each.hour) // within
        if each.hour <= end:
            sums[each.actor_id, spell] += each.number
    return list(sums.values())
