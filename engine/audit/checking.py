"""Checking the chain: whether anything was changed, cut out, put in, moved or cut off, and which link is the first.

It reads some thousand links at a time, so a log of any length needs the same memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from engine.audit.chain import Head, Key, link, signed, signed_start
from engine.audit.events import COLUMNS
from engine.audit.statements import Statements
from engine.i18n import Message

Fault = Literal["altered", "deleted", "inserted", "reordered", "forged", "truncated", "start"]

PAGE = 2_000
_WIDTH = 4
"""Columns of the seal that stand before those of its event."""
_LINKS = (
    f"SELECT s.place, s.seq, s.hash, s.mac, {', '.join(f'e.{name}' for name in COLUMNS.split(', '))}"  # noqa: S608
    " FROM audit_seal AS s LEFT JOIN audit_event AS e ON e.seq = s.seq WHERE s.place > ? ORDER BY s.place LIMIT ?"
)
_UNSEALED = (
    "SELECT e.seq FROM audit_event AS e WHERE e.seq <= ?"
    " AND NOT EXISTS (SELECT 1 FROM audit_seal AS s WHERE s.seq = e.seq) ORDER BY e.seq LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first link that does not hold."""

    fault: Fault
    place: int
    """Its place in the chain."""
    seq: int | None
    """The number of its event, where there is one."""
    said: Message


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check came to."""

    events: int
    """Links that were checked and hold."""
    head: Head
    pending: int
    """Events that are not sealed yet, counted up to a thousand."""
    unsigned: int
    """Links whose signature is of a key that is not here: they hold, but prove less."""
    broken: Broken | None


class Checker:
    """Checks the log of one database."""

    def __init__(
        self, statements: Statements, connection: Connection, key: Key | None, former: Sequence[Key] = ()
    ) -> None:
        self._statements, self._connection, self._key = statements, connection, key
        self._keys = {each.name: each for each in (*former, *([key] if key is not None else []))}
        self._unsigned = 0
        self._events = 0

    def check(self, head: Head | None, pending: int) -> Checked:
        """Check everything, against a head that was kept elsewhere when one is given."""
        row = self._run("SELECT place, hash, start_place, start_hash, start_mac, low FROM audit_chain").fetchone()
        if row is None:
            gone = Broken("truncated", 0, None, Message("The chain itself is gone from the database"))
            return Checked(0, Head(0, ""), pending, 0, gone)
        last, start = Head(row[0], row[1]), Head(row[2], row[3])
        broken = self._start(start, row[4]) or self._links(start, last, head) or self._put_in(row[5])
        return Checked(self._events, last, pending, self._unsigned, broken)

    def _run(self, text: str, *values: Any) -> Any:
        return self._statements.run(self._connection, text, *values)

    def _start(self, start: Head, mac: str) -> Broken | None:
        if start.place == 0:
            return None
        if self._key is not None and not self._fits(mac, signed_start(start.place, start.hash)):
            return Broken(
                "start",
                start.place,
                None,
                Message("What is kept begins behind place {place}, and the site did not sign that", place=start.place),
            )
        return None

    def _links(self, start: Head, last: Head, kept: Head | None) -> Broken | None:
        place, digest, seq = start.place, start.hash, 0
        while True:
            rows = self._run(_LINKS, place, PAGE).fetchall()
            for number, row in enumerate(rows):
                following = rows[number + 1][1] if number + 1 < len(rows) else None
                broken = self._link(place + 1, digest, seq, row, following)
                if broken is not None:
                    return broken
                place, seq, digest = row[0], row[1], row[2]
                self._events += 1
                if kept is not None and kept.place == place and kept.hash != digest:
                    return Broken(
                        "altered",
                        place,
                        seq,
                        Message(
                            "The chain was computed anew: at place {place} it is not the one you kept", place=place
                        ),
                    )
            if len(rows) < PAGE:
                break
        return self._end(Head(place, digest), last, kept)

    def _end(self, found: Head, last: Head, kept: Head | None) -> Broken | None:
        wanted = max((each.place for each in (last, kept) if each is not None), default=0)
        if found.place < wanted:
            said = Message("The end was cut off: places {first} to {last} are gone", first=found.place + 1, last=wanted)
            return Broken("truncated", found.place + 1, None, said)
        if found != last:
            said = Message("The chain ends at place {place}, and not where the site left it", place=found.place)
            return Broken("inserted", last.place + 1, None, said)
        return None

    def _link(self, place: int, before: str, last: int, row: Sequence[Any], following: int | None) -> Broken | None:
        """Check one link; `last` and `following` are the numbers of the events beside it."""
        sealed, seq, digest, mac = row[:_WIDTH]
        if sealed != place:
            said = Message("Places {first} to {last} were taken out of the chain", first=place, last=sealed - 1)
            return Broken("deleted", place, None, said)
        if row[_WIDTH] is None:
            return Broken("deleted", place, seq, Message("Event {seq} at place {place} is gone", seq=seq, place=place))
        if link(before, place, row[_WIDTH:]) != digest:
            if seq < last or (following is not None and following < seq):
                said = Message("Event {seq} was moved to place {place}", seq=seq, place=place)
                return Broken("reordered", place, seq, said)
            said = Message("Event {seq} at place {place} is not what it was when it was sealed", seq=seq, place=place)
            return Broken("altered", place, seq, said)
        if self._key is not None and not self._fits(mac, signed(place, digest)):
            said = Message("Event {seq} at place {place} was not sealed by the site", seq=seq, place=place)
            return Broken("forged", place, seq, said)
        return None

    def _fits(self, mac: str, text: str) -> bool:
        """Say whether a signature holds; one of a key that is not here is counted, not believed."""
        known = self._keys.get(mac.partition(".")[0])
        if mac and known is None:
            self._unsigned += 1
        return bool(mac) and (known is None or known.fits(mac, text))

    def _put_in(self, low: int) -> Broken | None:
        row = self._run(_UNSEALED, low).fetchone()
        if row is None:
            return None
        return Broken("inserted", 0, row[0], Message("Event {seq} was put in later and never sealed", seq=row[0]))
