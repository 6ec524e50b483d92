"""`Webhooks`: all that a site tells other programs of its changes, and lets them tell it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from engine import clock
from engine.data.principal import Principal
from engine.i18n import Message
from engine.ids import new_id
from engine.jobs import Jobs, Run, Task
from engine.webhooks.body import trial_body
from engine.webhooks.deliveries import Deliveries
from engine.webhooks.endpoint import EVERY_ENTITY, TEST
from engine.webhooks.endpoints import Endpoints
from engine.webhooks.inbound.hooks import Hooks
from engine.webhooks.inbound.receiving import Receiver
from engine.webhooks.matching import Matcher
from engine.webhooks.parts import Parts
from engine.webhooks.sending import Outcome, Sender

TASK = "webhooks"
LOOK_S = 1.0
"""Seconds between two looks at whether there is something to tell."""
_LINGER_S = 60.0
_LONGEST_S = 900.0
_NOBODY = "00000000-0000-0000-0000-000000000000"
"""Stands for the record of a trial."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What one round came to."""

    matched: int
    """Deliveries that were written."""
    sent: int
    """Attempts that were made."""


class Webhooks:
    """The webhooks of one site."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.endpoints = Endpoints(parts)
        self.deliveries = Deliveries(parts, self.endpoints)
        self.matcher = Matcher(parts, self.endpoints)
        self._sender = Sender(parts, self.endpoints)
        self.hooks = Hooks(parts)
        self.inbound = Receiver(parts, self.hooks)

    # --- telling ----------------------------------------------------------------------------------------------------

    def dispatch(self, look: Callable[[], None] = lambda: None) -> Dispatched:
        """Find out who is to be told of what was changed, and send what is due.

        Args:
            look: called again and again; what it raises ends the round.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        matched = self.matcher.match(look)
        return Dispatched(matched, self._sender.send_due(look))

    def is_due(self) -> bool:
        """Say whether there is something to look at or to send: one statement."""
        with self._parts.database.read() as connection:
            row = self._parts.statements.run(
                connection,
                "SELECT 1 FROM webhook_endpoint e WHERE e.state <> 'disabled' AND"
                " (e.place < (SELECT max(seq) FROM record_change) OR (e.state = 'active'"
                " AND (e.hold_until IS NULL OR e.hold_until <= ?) AND EXISTS (SELECT 1 FROM webhook_delivery d"
                " WHERE d.endpoint_id = e.id AND d.state = 'waiting' AND d.next_at <= ?))) LIMIT 1",
                clock.now(), clock.now(),
            ).fetchone()  # fmt: skip
        return row is not None

    def register(self, jobs: Jobs) -> None:
        """Let workers send: one of them at a time, woken when there is something to do."""
        title = Message("Webhooks")
        jobs.register(Task(TASK, self._work, title, concurrency=1))

        def wake() -> None:
            if self.is_due():
                jobs.enqueue(TASK, {}, actor=None, title=title, key=TASK)

        jobs.watches.append((LOOK_S, wake))

    def _work(self, run: Run) -> None:
        """Send, and stay for a while in case more comes: so a busy site has one job in a quarter of an hour."""
        began = busy = time.monotonic()
        matched = sent = 0

        def look() -> None:
            run.progress(sent)

        while time.monotonic() - busy < _LINGER_S and time.monotonic() - began < _LONGEST_S:
            if self.is_due():
                found = self.dispatch(look)
                matched, sent = matched + found.matched, sent + found.sent
                if found.matched or found.sent:
                    busy = time.monotonic()
            run.wait(LOOK_S)
        run.finish({"matched": matched, "sent": sent})

    # --- trying out -------------------------------------------------------------------------------------------------

    def try_out(self, principal: Principal, endpoint_id: str) -> Outcome:
        """Send a trial at once, and return what the receiver made of it; it stands among the deliveries.

        Raises:
            AccessDenied: the principal may not set up webhooks.
            NotFound: there is no such endpoint.
        """
        parts = self._parts
        parts.require(principal)
        with parts.database.read() as connection:
            endpoint = self.endpoints.get(connection, endpoint_id)
            secrets = self.endpoints.secrets(connection, endpoint)
        id_, now = new_id(), clock.now()
        outcome = self._sender.post(endpoint, f"msg_{id_.replace('-', '')}", secrets, trial_body(now, endpoint.name))
        with parts.database.write() as connection:
            parts.statements.run(
                connection,
                "INSERT INTO webhook_delivery (id, endpoint_id, entity, record_id, version, event, changed, actor_id,"
                " at, state, attempts, done_at, status) VALUES (?, ?, ?, ?, 0, ?, '[]', ?, ?, ?, 1, ?, ?)",
                id_, endpoint_id, EVERY_ENTITY, _NOBODY, TEST, principal.id, now,
                "delivered" if outcome.good else "failed", clock.now(), outcome.status,
            )  # fmt: skip
            self._sender.keep_attempt(connection, id_, outcome)
        return outcome
