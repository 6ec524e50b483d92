"""Deliveries as people look at them: lists, what the receiver answered, sending again, throwing away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.data.principal import Principal
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.webhooks.endpoint import Attempt, Delivery
from engine.webhooks.endpoints import Endpoints
from engine.webhooks.parts import Parts
from engine.webhooks.rows import ATTEMPT, DELIVERY, attempt_of, delivery_of

KEPT = timedelta(days=30)
"""For how long a delivery that is done with can be looked at and sent again."""
_AGAIN = "state = 'waiting', attempts = 0, next_at = ?, done_at = NULL, note = NULL, status = NULL"


class Deliveries:
    """The deliveries of one site."""

    def __init__(self, parts: Parts, endpoints: Endpoints) -> None:
        self._parts, self._endpoints = parts, endpoints
        self._run = parts.statements.run

    def page(
        self,
        connection: Connection,
        endpoint_id: str,
        *,
        state: str | None = None,
        record_id: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Delivery]:
        """Return the newest deliveries of an endpoint; `before` is the id of the last one that was shown."""
        text, values = "endpoint_id = ?", [endpoint_id]
        for condition, value in (("state = ?", state), ("record_id = ?", record_id), ("id < ?", before)):
            if value is not None:
                text += f" AND {condition}"
                values.append(value)
        rows = self._run(
            connection,
            f"SELECT {DELIVERY} FROM webhook_delivery WHERE {text} ORDER BY id DESC LIMIT ?",  # noqa: S608 - constants
            *values,
            limit,
        ).fetchall()
        return [delivery_of(row) for row in rows]

    def get(self, connection: Connection, delivery_id: str) -> Delivery:
        """Return a delivery.

        Raises:
            NotFound: there is none of that id.
        """
        missing = Message("There is no such delivery")
        return delivery_of(self._parts.row(connection, "webhook_delivery", DELIVERY, delivery_id, missing))

    def attempts(self, connection: Connection, delivery_id: str) -> list[Attempt]:
        """Return each time that a delivery was sent, the latest first."""
        text = f"SELECT {ATTEMPT} FROM webhook_attempt WHERE delivery_id = ? ORDER BY id DESC LIMIT 50"  # noqa: S608
        return [attempt_of(row) for row in self._run(connection, text, delivery_id).fetchall()]

    def counts(self, connection: Connection, state: str = "waiting") -> Mapping[str, int]:
        """Return how many deliveries of each endpoint are in a state."""
        text = "SELECT endpoint_id, count(*) FROM webhook_delivery WHERE state = ? GROUP BY endpoint_id"
        return {str(row[0]): int(row[1]) for row in self._run(connection, text, state).fetchall()}

    # --- what people do ---------------------------------------------------------------------------------------------

    def replay(self, principal: Principal, delivery_id: str) -> None:
        """Send a delivery once more, under the same `webhook-id`, with the record as it is then.

        Raises:
            AccessDenied: the principal may not set up webhooks.
            NotFound: there is no such delivery.
            GuanxiError: it is a trial.
        """
        self._parts.require(principal)
        with self._parts.database.write() as connection:
            found = self.get(connection, delivery_id)
            if found.seq is None:
                raise GuanxiError(Message("A trial is not sent again; make another one"))
            self._run(connection, f"UPDATE webhook_delivery SET {_AGAIN} WHERE id = ?", clock.now(), delivery_id)  # noqa: S608
            self._note(connection, principal, found.endpoint_id, "replayed", 1)

    def replay_since(
        self, principal: Principal, endpoint_id: str, since: datetime, *, failed_only: bool = False
    ) -> int:
        """Send all that was changed since a time once more, or what was given up of it; return how many those are.

        Raises:
            NotFound, AccessDenied: as `replay`.
        """
        self._parts.require(principal)
        states = "('failed')" if failed_only else "('delivered', 'failed', 'skipped', 'dropped')"
        with self._parts.database.write() as connection:
            self._endpoints.get(connection, endpoint_id)
            count = self._run(
                connection,
                f"UPDATE webhook_delivery SET {_AGAIN} WHERE endpoint_id = ? AND at >= ? AND seq IS NOT NULL"  # noqa: S608
                f" AND state IN {states}",
                clock.now(), endpoint_id, since,
            ).rowcount  # fmt: skip
            self._note(connection, principal, endpoint_id, "replayed", count)
        return int(count)

    def drop_waiting(self, principal: Principal, endpoint_id: str) -> int:
        """Throw away what waits to be sent, and return how many deliveries that were.

        Raises:
            NotFound, AccessDenied: as `replay`.
        """
        self._parts.require(principal)
        now = clock.now()
        with self._parts.database.write() as connection:
            self._endpoints.get(connection, endpoint_id)
            count = self._run(
                connection,
                "UPDATE webhook_delivery SET state = 'dropped', next_at = NULL, done_at = ?"
                " WHERE endpoint_id = ? AND state = 'waiting'",
                now, endpoint_id,
            ).rowcount  # fmt: skip
            self._note(connection, principal, endpoint_id, "dropped", count)
        return int(count)

    def _note(self, connection: Connection, principal: Principal, endpoint_id: str, what: str, number: int) -> None:
        details = {"what": what, "name": self._endpoints.get(connection, endpoint_id).name}
        self._parts.trail.note(connection, Event("webhook_changed", principal.id, number=number, details=details))
