"""View as: an administrator sees the site as another person does, for half an hour, and changes nothing meanwhile.

The look belongs to one sign-in of one browser. Its beginning and its end stand in the audit log under the name of who
really looked; whatever is read or refused meanwhile is read and refused as for the person whom they look as.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from engine import clock
from engine.audit import Event, Trail
from engine.data.access import Access
from engine.data.principal import Principal, Viewer
from engine.errors import AccessDenied, NotFound
from engine.i18n import Message
from engine.identity.store import Store, fingerprint, new_secret
from engine.publish import Published

LASTS = timedelta(minutes=30)
_KEPT = timedelta(days=1)
"""How long the row of a look that is over is kept, so that a late request still learns how it ended."""
Ending = Literal["stopped", "time", "signed_out"]


@dataclass(frozen=True, slots=True)
class Look:
    """One look as somebody else."""

    actor_id: str
    user_id: str
    ends_at: datetime
    over: bool
    """Whether it has ended, by itself or because it was stopped."""
    noted: bool
    """Whether its end stands in the audit log."""


class Looks:
    """Rows of looks as somebody else."""

    def __init__(self, store: Store, trail: Trail) -> None:
        self._store, self._trail = store, trail

    def begin(
        self, connection: Connection, published: Published, actor: Principal, person: Principal, session: str
    ) -> str:
        """Begin a look and return the secret for the cookie; `session` is the secret of the actor's sign-in.

        Raises:
            AccessDenied: the actor is no administrator, acts by a token, or looks as somebody already.
            NotFound: the person is the actor.
        """
        require_may_view(published, actor, person)
        now, secret = clock.now(), new_secret()
        self._store.run(connection, "DELETE FROM viewing WHERE ends_at < ?", now - _KEPT)
        self._store.run(
            connection,
            "INSERT INTO viewing (hash, session, actor_id, user_id, begun_at, ends_at) VALUES (?, ?, ?, ?, ?, ?)",
            fingerprint(secret),
            fingerprint(session),
            actor.id,
            person.id,
            now,
            now + LASTS,
        )
        self._note(connection, actor.id, person.id, {"begins": True, "ends_at": (now + LASTS).isoformat()})
        return secret

    def find(self, connection: Connection, secret: str, session: str) -> Look | None:
        """Return the look of a cookie; None when there is none that belongs to the sign-in."""
        row = self._store.run(
            connection,
            "SELECT actor_id, user_id, ends_at, ended_at FROM viewing WHERE hash = ? AND session = ?",
            fingerprint(secret),
            fingerprint(session),
        ).fetchone()
        if row is None:
            return None
        ends_at = self._store.read_moment(row[2])
        assert ends_at is not None  # noqa: S101 - the column is NOT NULL
        over = row[3] is not None or ends_at <= clock.now()
        return Look(str(row[0]), str(row[1]), ends_at, over, row[3] is not None)

    def end(self, connection: Connection, secret: str, session: str, how: Ending) -> Look | None:
        """End a look and note it, once; return it, None when there is none."""
        look = self.find(connection, secret, session)
        if look is not None and not look.noted:
            ended = self._store.run(
                connection,
                "UPDATE viewing SET ended_at = ? WHERE hash = ? AND ended_at IS NULL",
                clock.now(),
                fingerprint(secret),
            )
            if ended.rowcount:
                self._note(connection, look.actor_id, look.user_id, {"begins": False, "ended": how})
        return look

    def _note(self, connection: Connection, actor: str | None, person: str | None, details: dict[str, object]) -> None:
        self._trail.note(connection, Event("view_as", actor, "user", person, 1, details))


def require_may_view(published: Published, actor: Principal, person: Principal) -> None:
    """Refuse a look that would show more than the actor answers for.

    Raises:
        AccessDenied: the actor is no administrator, acts by a token, or looks as somebody already.
        NotFound: the person is the actor.
    """
    allowed = Access(published, actor).has("admin") and actor.scopes is None
    if not allowed or actor.viewer is not None or actor.id is None:
        raise AccessDenied(Message("Only an administrator may view as somebody else"), entity="user", action="read")
    if actor.id == person.id:
        raise NotFound(Message("That is you already"))


def seen_as(person: Principal, actor: Principal, look: Look) -> Principal:
    """Return a person as an actor looks as them."""
    assert actor.id is not None  # noqa: S101 - `begin` refused everybody else
    return replace(person, viewer=Viewer(actor.id, actor.name, look.ends_at))
