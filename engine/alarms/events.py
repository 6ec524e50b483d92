"""Alarms over the audit log: which events ring, one after the other, in the order of the chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import Connection

from engine.alarms.clocks import is_outside
from engine.alarms.places import agent_family, network_of
from engine.alarms.raised import Ring
from engine.alarms.rules import AuditWatch, By, Counting, Rule, Unseen
from engine.audit import LogEntry
from engine.audit.events import COLUMNS, entry
from engine.audit.statements import Statements

_SIGNS = frozenset({"sign_in_failed", "locked_out"})
"""Kinds that nobody known may be behind, and yet not the product itself."""
_MOST_SEEN = 500
_MOST_COUNTED = 1_000


class Events:
    """Watches events of one database."""

    def __init__(self, statements: Statements, connection: Connection) -> None:
        self._statements, self._connection = statements, connection

    def rings(self, rule: Rule, watch: AuditWatch, event: LogEntry) -> Ring | None:
        """Return that an alarm rings for an event, or None."""
        if not self._plainly(watch, event):
            return None
        person = person_of(event)
        events: tuple[int, ...] = (event.seq,)
        by_address, details = False, dict[str, object]()
        if watch.unseen is not None:
            if not self._is_unseen(watch.unseen, watch, event):
                return None
            details = {"place": network_of(event.address), "agent": agent_family(event.agent)}
        if watch.count is not None:
            counted = self._count(watch, watch.count, event)
            if counted is None:
                return None
            number, events = counted
            details = {
                "value": number,
                "limit": watch.count.above,
                "minutes": watch.count.within // timedelta(minutes=1),
            }
            by_address = watch.count.by == "address"
        subject = (event.address if by_address else person) or ""
        return Ring(
            rule, subject, event.at, None if by_address else person, event.address, event.entity, events, details
        )

    @staticmethod
    def _plainly(watch: AuditWatch, event: LogEntry) -> bool:
        """Say whether the conditions hold that the event alone decides."""
        if event.kind not in watch.kinds:
            return False
        by_itself = event.actor_id is None and event.address is None and event.kind not in _SIGNS
        return not (
            (by_itself and not watch.system and not watch.gained)
            or (watch.entities and event.entity not in watch.entities)
            or (watch.acts and event.details.get("what") not in watch.acts)
            or (watch.more_than is not None and event.number <= watch.more_than)
            or (watch.gained and not watch.gained & _gained(event))
            or (watch.outside is not None and not is_outside(watch.outside, event.at))
        )

    def _count(self, watch: AuditWatch, count: Counting, event: LogEntry) -> tuple[int, tuple[int, ...]] | None:
        """Return (how many there are, their events) when there are too many up to this event."""
        value = event.address if count.by == "address" else person_of(event)
        if value is None:
            return None
        known = [
            each for each in self._like(watch, event, count.within, count.by) if _plain_value(each, count.by) == value
        ]
        if count.different is None:
            number = len(known)
        else:
            # An account that does not exist was tried too; which one, the log does not say.
            values = [_plain_value(each, count.different) for each in known]
            number = len({each for each in values if each is not None}) + values.count(None)
        return (number, tuple(each.seq for each in reversed(known))) if number > count.above else None

    def _is_unseen(self, unseen: Unseen, watch: AuditWatch, event: LogEntry) -> bool:
        person = person_of(event)
        if person is None or not event.address:
            return False
        before = [
            each
            for each in self._like(watch, event, unseen.within, "person", _MOST_SEEN)
            if each.seq != event.seq and person_of(each) == person
        ]
        if not before:
            return False  # Whoever signs in for the first time comes from nowhere.
        fresh_network = network_of(event.address) not in {network_of(each.address) for each in before}
        fresh_agent = agent_family(event.agent) not in {agent_family(each.agent) for each in before}
        return (unseen.address and fresh_network) or (unseen.agent and fresh_agent)

    def _like(
        self, watch: AuditWatch, event: LogEntry, within: timedelta, by: By, limit: int = _MOST_COUNTED
    ) -> list[LogEntry]:
        """Return the event and those of the same kinds before it, by the same person or from the same address."""
        kinds = sorted(watch.kinds)
        marks = ", ".join("?" * len(kinds))
        who = ("address = ?", [event.address]) if by == "address" else _same_person(event)
        rows = self._statements.run(
            self._connection,
            f"SELECT {COLUMNS} FROM audit_event WHERE {who[0]} AND kind IN ({marks})"  # noqa: S608 - marks
            " AND at > ? AND (at, seq) <= (?, ?) ORDER BY at DESC, seq DESC LIMIT ?",
            *who[1], *kinds, event.at - within, event.at, event.seq, limit,
        ).fetchall()  # fmt: skip
        return [entry(row) for row in rows]


def person_of(event: LogEntry) -> str | None:
    """Return whom an event is about: the user to whom it was done, else whoever did it."""
    return event.record_id if event.entity == "user" and event.record_id is not None else event.actor_id


def _plain_value(event: LogEntry, by: By) -> str | None:
    return event.address if by == "address" else person_of(event)


def _same_person(event: LogEntry) -> tuple[str, list[object]]:
    if event.entity == "user" and event.record_id is not None:
        return "record_id = ?", [event.record_id]
    return "actor_id = ?", [event.actor_id]


def _gained(event: LogEntry) -> set[str]:
    """Return the permissions that somebody, or a role, got by an event."""
    gained = event.details.get("gained") or ()
    listed: Iterable[Iterable[str]] = gained.values() if isinstance(gained, Mapping) else [gained]
    return {each for names in listed for each in names}
