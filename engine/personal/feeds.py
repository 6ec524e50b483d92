"""Secret addresses by which a calendar of another program reads a list of somebody: one each, revoked one by one.

The address is all that the other program shows, so it is long and random, stored as a hash, good for one list alone,
and good for reading alone. What is read with it is what its person may read at that moment.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine import clock
from engine.audit import Event, Trail
from engine.audit.statements import Statements, text_of, time_of
from engine.data.principal import Principal
from engine.errors import AccessDenied, GuanxiError, NotFound
from engine.i18n import Message
from engine.identity.throttle import Throttle
from engine.ids import new_id
from engine.storage.database import Database

MOST_FEEDS = 20
"""Addresses that one person may have at a time."""
READS_PER_MINUTE = 20
"""Times that one address may be read in a minute; programs ask a few times an hour."""
LONGEST_QUERY = 2_000
LONGEST_NAME = 120
_REFRESH = timedelta(hours=1)
"""How exactly it is told when an address was read last."""


class TooManyFeeds(GuanxiError):
    """A person has as many addresses as they may."""


@dataclass(frozen=True, slots=True)
class CalendarFeed:
    """An address as its person sees it; its secret was shown to them once."""

    id: str
    user_id: str
    entity: str
    query: str
    """What the list says, as in its address."""
    name: str
    made_at: datetime
    read_at: datetime | None


class CalendarFeeds:
    """The addresses of everybody on one site."""

    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail
        self._throttle = Throttle(database, READS_PER_MINUTE)
        self._statements = Statements(database)

    def make(self, principal: Principal, entity: str, query: str, name: str) -> tuple[CalendarFeed, str]:
        """Make an address for a list of who asks; return it, and its secret, which is never seen again.

        Raises:
            AccessDenied: it is not a person in their own name who asks.
            TooManyFeeds: they have `MOST_FEEDS` already.
            GuanxiError: what the list says is too long for an address.
        """
        me = _me(principal)
        if len(query) > LONGEST_QUERY:
            raise GuanxiError(Message("The filter is too long for an address"))
        secret, id_, now = secrets.token_urlsafe(32), new_id(), clock.now()
        feed = CalendarFeed(id_, me, entity, query, name[:LONGEST_NAME], now, None)
        with self._database.write() as connection:
            run = self._statements.run
            [(count,)] = run(connection, "SELECT count(*) FROM calendar_feed WHERE user_id = ?", me).fetchall()
            if count >= MOST_FEEDS:
                raise TooManyFeeds(Message("You have {most} addresses; revoke one first", most=MOST_FEEDS))
            run(
                connection,
                "INSERT INTO calendar_feed (id, user_id, secret, entity, query, name, made_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                id_, me, _hashed(secret), entity, query, feed.name, now,
            )  # fmt: skip
            details = {"token": id_, "called": feed.name, "calendar": entity}
            self._trail.note(connection, Event("token_made", me, "user", me, details=details))
        return feed, secret

    def of(self, principal: Principal) -> list[CalendarFeed]:
        """Return the addresses of who asks, the newest first."""
        with self._database.read() as connection:
            rows = self._statements.run(
                connection,
                f"SELECT {_COLUMNS} FROM calendar_feed WHERE user_id = ? ORDER BY id DESC",  # noqa: S608 - a constant
                principal.id,
            ).fetchall()
        return [_feed(row) for row in rows]

    def revoke(self, principal: Principal, feed_id: str) -> None:
        """Let an address of who asks be good for nothing from now on.

        Raises:
            AccessDenied: as `make`.
            NotFound: they have no such address.
        """
        me = _me(principal)
        with self._database.write() as connection:
            gone = self._statements.run(
                connection, "DELETE FROM calendar_feed WHERE id = ? AND user_id = ?", feed_id, me
            ).rowcount
            if not gone:
                raise NotFound(Message("There is no such address"))
            details = {"token": feed_id}
            self._trail.note(connection, Event("token_revoked", me, "user", me, details=details))

    def opened(self, secret: str) -> CalendarFeed:
        """Return what an address is good for, and keep that it was read.

        Raises:
            NotFound: it is no address of ours, or it was revoked.
            TooManyRequests: it was read more than `READS_PER_MINUTE` times in a minute.
        """
        now = clock.now()
        with self._database.read() as connection:
            row = self._statements.run(
                connection,
                f"SELECT {_COLUMNS} FROM calendar_feed WHERE secret = ?",  # noqa: S608 - a constant
                _hashed(secret),
            ).fetchone()
        if row is None:
            raise NotFound(Message("There is no such address"))
        feed = _feed(row)
        self._throttle.take(feed.id)
        if feed.read_at is None or now - feed.read_at > _REFRESH:
            with self._database.write() as connection:
                self._statements.run(connection, "UPDATE calendar_feed SET read_at = ? WHERE id = ?", now, feed.id)
        return feed


_COLUMNS = "id, user_id, entity, query, name, made_at, read_at"


def _feed(row: Sequence[Any]) -> CalendarFeed:
    id_, user_id, entity, query, name, made_at, read_at = row
    return CalendarFeed(
        str(text_of(id_)),
        str(text_of(user_id)),
        entity,
        query,
        name,
        time_of(made_at),
        None if read_at is None else time_of(read_at),
    )


def _hashed(secret: str) -> str:
    # The secrets are random, so a plain hash is enough, unlike for passwords.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _me(principal: Principal) -> str:
    principal.require_own_hands()
    if principal.id is None or principal.scopes is not None:
        raise AccessDenied(Message("Only people themselves make addresses of their calendars"))
    return principal.id
