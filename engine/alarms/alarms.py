"""`Alarms`: looks whether something happened that somebody should know of, and keeps and tells it.

A round reads the events that were sealed since the last one, in the order of the chain and without gaps, how much
people read, and the numbers of records whose time has come. What rings is written in one transaction together with how
far the round came and with its mails; of several processes the one that comes first does it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.alarms import numbers, reading
from engine.alarms.clocks import is_due
from engine.alarms.events import Events
from engine.alarms.raised import Inbox, Raised, Ring, State
from engine.alarms.rules import AuditWatch, ReadingWatch, RecordWatch, Rule, rules
from engine.alarms.telling import holds, letter, receivers
from engine.audit import Event, Trail
from engine.audit.meters import Meters
from engine.audit.statements import Statements, time_of
from engine.data.principal import SYSTEM, Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.errors import GuanxiError
from engine.i18n import Text
from engine.identity import Identity
from engine.identity.people import Person
from engine.mail import Post
from engine.metadata.model import Model
from engine.publish import Published
from engine.storage.database import Database

_log = logging.getLogger(__name__)
_BATCH = 500
"""Events that one transaction works through."""
_EVENTS = "events"
"""Name of the watch that remembers how far the events were looked at."""
_EVERY = timedelta(minutes=5)
"""How often the numbers of an alert without a schedule are looked at."""


class Alarms:
    """The alarms of one site.

    Args:
        database: with the log in it.
        published: gives what runs.
        trail: the audit log.
        meters: how much people read.
        identity: knows people, to whom alarms are told.
        post: takes mails.
        read: opens a reader in a transaction for a principal.
        address: where people reach the site, for links in mails.
    """

    def __init__(
        self,
        database: Database,
        published: Callable[[], Published],
        trail: Trail,
        meters: Meters,
        identity: Identity,
        post: Post,
        read: Callable[[Connection, Principal], Reader],
        address: str | None,
    ) -> None:
        self._database, self._published, self._trail, self._meters = database, published, trail, meters
        self._identity, self._post, self._read = identity, post, read
        self._address = address.rstrip("/") if address else None
        self._statements = Statements(database)
        self.inbox = Inbox(self._statements)
        self.unread = 0
        """Alarms that nobody has looked at, as this process last heard; pages show it without asking."""

    # --- a round ----------------------------------------------------------------------------------------------------

    def evaluate(self) -> list[Raised]:
        """Look at everything once and return the alarms that ring now.

        Raises:
            SiteBroken: nothing was published yet.
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        self._meters.flush()
        self._trail.seal()
        model = self._published().model
        found = rules(model)
        raised = self._events(model, found)
        raised += self._times(model, found)
        self.refresh()
        if raised:
            self._post.nudge()
        return raised

    def refresh(self) -> int:
        """Ask anew how many alarms nobody has looked at."""
        with self._database.read() as connection:
            self.unread = self.inbox.unread(connection)
        return self.unread

    def handle(self, id_: str, state: State, note: str | None, by: str | None) -> Raised:
        """Give an alarm a state and a note.

        Raises:
            NotFound: there is none with the id.
        """
        with self._database.write() as connection:
            found = self.inbox.handle(connection, id_, state, note, by)
        self.refresh()
        return found

    # --- events -----------------------------------------------------------------------------------------------------

    def _events(self, model: Model, found: tuple[Rule, ...]) -> list[Raised]:
        watches = [(rule, rule.watch) for rule in found if isinstance(rule.watch, AuditWatch)]
        raised: list[Raised] = []
        while True:
            # Looked at beside running writers; only what rings is written.
            with self._database.read() as connection:
                place = self._place(connection)
                batch = self._trail.sealed_after(connection, place, _BATCH)
                events = Events(self._statements, connection)
                rings = [
                    ring
                    for _, event in batch
                    for rule, watch in watches
                    if (ring := events.rings(rule, watch, event)) is not None
                ]
            if not batch:
                return raised
            told = self._keep(model, rings, _EVENTS, place, batch[-1][0])
            if told is None:
                return raised  # Another process was quicker.
            raised += told
            if len(batch) < _BATCH:
                return raised

    def _place(self, connection: Connection) -> int:
        row = self._statements.run(connection, "SELECT place FROM alert_watch WHERE name = ?", _EVENTS).fetchone()
        return 0 if row is None else int(row[0])

    # --- what is looked at from time to time ------------------------------------------------------------------------

    def _times(self, model: Model, found: tuple[Rule, ...]) -> list[Raised]:
        now, raised = clock.now(), list[Raised]()
        with self._database.read() as connection:
            rows = self._statements.run(connection, "SELECT name, checked_at FROM alert_watch").fetchall()
        checked = {row[0]: time_of(row[1]) for row in rows}
        for rule in found:
            if isinstance(rule.watch, AuditWatch) or not _is_due(rule, model, checked.get(rule.name), now):
                continue
            try:
                rings = list(self._rings(rule, now))
            except GuanxiError:
                _log.exception("alert %s could not be looked at", rule.name)
                continue
            stamp = int(now.timestamp())
            before = int(checked[rule.name].timestamp()) if rule.name in checked else 0
            raised += self._keep(model, rings, rule.name, before, stamp) or []
        return raised

    def _rings(self, rule: Rule, now: datetime) -> Iterator[Ring]:
        with self._database.read() as connection:
            if isinstance(rule.watch, ReadingWatch):
                roles = {each.id: frozenset(each.roles) for each in self._identity.people() if each.active}
                yield from reading.rings(self._meters, connection, rule, rule.watch, now, roles)
            elif isinstance(rule.watch, RecordWatch):
                ring = numbers.rings(self._read(connection, SYSTEM), rule, rule.watch, now)
                if ring is not None:
                    yield ring

    # --- keeping and telling ----------------------------------------------------------------------------------------

    def _keep(self, model: Model, rings: list[Ring], watch: str, before: int, after: int) -> list[Raised] | None:
        """Write what rings, and how far a watch has come; None when another process has moved it on."""
        people = self._identity.people() if rings else []
        raised: list[Raised] = []
        with self._database.write() as connection:
            if not self._move(connection, watch, before, after):
                return None
            for ring in rings:
                made = self.inbox.ring(connection, ring)
                if made is not None:
                    raised.append(made)
                    self._tell(connection, model, ring.rule, made, people)
        return raised

    def _move(self, connection: Connection, watch: str, before: int, after: int) -> bool:
        run, now = self._statements.run, clock.now()
        run(
            connection,
            "INSERT INTO alert_watch (name, place, checked_at) VALUES (?, 0, ?) ON CONFLICT (name) DO NOTHING",
            watch, now,
        )  # fmt: skip
        moved = run(
            connection,
            "UPDATE alert_watch SET place = ?, checked_at = ? WHERE name = ? AND place = ?",
            after, now, watch, before,
        )  # fmt: skip
        return bool(moved.rowcount)

    def _tell(self, connection: Connection, model: Model, rule: Rule, raised: Raised, people: list[Person]) -> None:
        names = {each.id: each.name for each in people}
        entity = model.entities.get(raised.entity or "")
        plural: Text | None = entity.plural if entity is not None else None
        person = names.get(raised.person_id or "")
        for address, receiver in receivers(rule, raised, model, people, self._members(connection, rule)):
            language = (receiver.language if receiver is not None else None) or model.languages[0]
            name, user_id = (receiver.name, receiver.id) if receiver is not None else (address, None)
            may_open = receiver is not None and holds(model, receiver, "audit")
            own = user_id is not None and user_id == raised.person_id
            words = letter(rule, raised, person, self._address if may_open else None, plural, own=own)
            try:
                self._post.put(connection, words.mail(address, name, language, user_id=user_id))
            except GuanxiError:
                _log.warning("alert %s cannot be told to %s", rule.name, address)
        details: dict[str, Any] = {"alert": rule.name, "raised": raised.id, "subject": raised.subject}
        entity_ = "user" if raised.person_id is not None else raised.entity
        self._trail.note(connection, Event("alert", None, entity_, raised.person_id, 1, details))

    def _members(self, connection: Connection, rule: Rule) -> dict[str, list[str]]:
        """Return the people of the teams that an alarm is told to, by the name or id that the document gives."""
        wanted = [who.removeprefix("team:") for who in rule.to if who.startswith("team:")]
        if not wanted:
            return {}
        rows = self._read(connection, SYSTEM).query(Query("team", select=("id", "name", "members"), limit=200)).dicts()
        return {name: list(row["members"] or ()) for row in rows for name in (row["id"], row["name"]) if name in wanted}


def _is_due(rule: Rule, model: Model, last: datetime | None, now: datetime) -> bool:
    if last is None or last > now:
        return True
    if rule.schedule is not None:
        return is_due(rule.schedule, last, now, model.timezone)
    return now - last >= _EVERY
