"""Sending: each delivery at least once, those of one record in their order, and never faster than a receiver can take.

Whoever sends a delivery puts off its next attempt first, in one statement. So two never send the same at once, and
what a worker was at that was killed is sent by the next one, under the same id.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sqlalchemy import Connection

from engine import clock
from engine.errors import GuanxiError, SignInNeeded, SiteBroken
from engine.i18n import Message
from engine.ids import new_id
from engine.outbound import Reply
from engine.webhooks.body import OutOfReach, body_of
from engine.webhooks.checking import PURPOSE
from engine.webhooks.endpoint import Delivery, Endpoint
from engine.webhooks.endpoints import Endpoints
from engine.webhooks.parts import Parts
from engine.webhooks.rows import DELIVERY, delivery_of, kept_message
from engine.webhooks.signing import signatures

_log = logging.getLogger(__name__)
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 64_800, 79_200))
"""How long after each failed attempt the next one is made; after the tenth, three days in, there is none."""
MOST_FAILURES = 20
"""In a row, after which an endpoint is paused."""
THREADS = 8
LANES = 4
"""Deliveries of one endpoint that are on their way at the same time; of one that fails, one."""
SECONDS = 10.0
MOST_ANSWER = 64 * 1024
"""Bytes that are kept of an answer."""
_LEASE = timedelta(seconds=60)
_LONGEST_HOLD = timedelta(hours=1)
_LONGEST_RETRY_AFTER = timedelta(hours=24)
_JITTER = 0.1
_GONE = 410
_BUSY = frozenset({408, 425, 429})
"""Refusals that are about the moment and not about the message."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    status: int | None
    note: Message | None
    answer: str | None
    milliseconds: int
    retry_after: timedelta | None = None

    @property
    def good(self) -> bool:
        """Say whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - as HTTP has it


class Sender:
    """Sends what is due."""

    def __init__(self, parts: Parts, endpoints: Endpoints) -> None:
        self._parts, self._endpoints = parts, endpoints
        self._run = parts.statements.run

    # --- what is due ------------------------------------------------------------------------------------------------

    def send_due(self, look: Callable[[], None] = lambda: None) -> int:
        """Send until nothing is due, and return how many attempts that were.

        Args:
            look: called again and again; what it raises ends the work once those on their way have arrived.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        count = 0
        going: dict[Future[None], str] = {}
        with ThreadPoolExecutor(THREADS, "guanxi-webhooks") as pool:
            while True:
                look()
                for endpoint, delivery in self._claim(THREADS - len(going), Counter(going.values())):
                    going[pool.submit(self._deliver, endpoint, delivery)] = endpoint.id
                if not going:
                    return count
                done, _ = wait(going, timeout=0.5, return_when=FIRST_COMPLETED)
                for each in done:
                    name = going.pop(each)
                    error = each.exception()
                    if isinstance(error, GuanxiError):
                        raise error
                    if error is not None:
                        # A defect of ours: the others go on, and it is tried again when its time comes.
                        _log.error("a delivery of webhook %s failed", name, exc_info=error)
                    count += 1

    def _claim(self, room: int, busy: Counter[str]) -> list[tuple[Endpoint, Delivery]]:
        """Take what is due, and put off its next attempt."""
        if room <= 0:
            return []
        now, found = clock.now(), list[tuple[Endpoint, Delivery]]()
        with self._parts.database.read() as connection:
            due = {
                str(row[0])
                for row in self._run(
                    connection,
                    "SELECT e.id FROM webhook_endpoint e WHERE e.state = 'active' AND EXISTS (SELECT 1 FROM"
                    " webhook_delivery d WHERE d.endpoint_id = e.id AND d.state = 'waiting' AND d.next_at <= ?)",
                    now,
                ).fetchall()
            }
            endpoints = [each for each in self._endpoints.every(connection) if each.id in due] if due else []
        for endpoint in endpoints:
            lanes = min((1 if endpoint.failures else LANES) - busy[endpoint.id], room - len(found))
            if lanes > 0 and (endpoint.hold_until is None or endpoint.hold_until <= now):
                found += [(endpoint, each) for each in self._take(endpoint, lanes, now)]
        return found

    def _take(self, endpoint: Endpoint, number: int, now: datetime) -> list[Delivery]:
        skip = "" if self._parts.statements.sqlite else " FOR UPDATE OF d SKIP LOCKED"
        earlier = (
            "SELECT 1 FROM webhook_delivery e WHERE e.endpoint_id = d.endpoint_id AND e.record_id = d.record_id"
            " AND e.state = 'waiting' AND e.seq < d.seq"
        )
        with self._parts.database.write() as connection:
            rows = self._run(
                connection,
                "UPDATE webhook_delivery SET next_at = ? WHERE id IN (SELECT d.id FROM webhook_delivery d"  # noqa: S608
                " WHERE d.endpoint_id = ? AND d.state = 'waiting' AND d.next_at <= ?"
                f" AND NOT EXISTS ({earlier}) ORDER BY d.next_at, d.seq LIMIT ?{skip}) RETURNING {DELIVERY}",
                now + _LEASE, endpoint.id, now, number,
            ).fetchall()  # fmt: skip
        return sorted(map(delivery_of, rows), key=lambda each: each.seq or 0)

    # --- one delivery -----------------------------------------------------------------------------------------------

    def _deliver(self, endpoint: Endpoint, delivery: Delivery) -> None:
        """Send one delivery and write down what became of it."""
        parts = self._parts
        try:
            owner = parts.principal(endpoint.owner_id)
        except SignInNeeded:
            with parts.database.write() as connection:
                self._endpoints.stop(connection, endpoint, "paused", Message("Its owner is disabled, or gone"))
            return
        try:
            with parts.reading(owner) as reader:
                body = body_of(reader, delivery)
                secrets = self._endpoints.secrets(reader.connection, endpoint)
        except OutOfReach as error:
            self._skip(delivery, error.message)
            return
        except SiteBroken as error:
            # The key of the site is another one than the secret was sealed with.
            with parts.database.write() as connection:
                self._endpoints.stop(connection, endpoint, "paused", error.message)
            return
        outcome = self.post(endpoint, delivery.message_id, secrets, body)
        with parts.database.write() as connection:
            self.keep_attempt(connection, delivery.id, outcome)
            if outcome.good:
                self._arrived(connection, endpoint, delivery, outcome)
            else:
                self._failed(connection, endpoint, delivery, outcome)

    def post(self, endpoint: Endpoint, message_id: str, secrets: list[str], body: bytes) -> Outcome:
        """Send a body, signed, and return what the receiver made of it."""
        began, stamp = time.monotonic(), int(clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "Guanxi-Webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signatures(secrets, message_id, stamp, body),
        }
        reply: Reply | None = None
        note: Message | None = None
        try:
            reply = self._parts.outbound.request(
                "POST", endpoint.url, purpose=PURPOSE, headers=headers, body=body, seconds=SECONDS,
                most_bytes=MOST_ANSWER, cut=True,
            )  # fmt: skip
        except GuanxiError as error:
            note = error.message
        milliseconds = round((time.monotonic() - began) * 1000)
        if reply is None:
            return Outcome(None, note, None, milliseconds)
        answer = reply.body.decode("utf-8", "replace").replace("\0", "")
        return Outcome(reply.status, _said(reply.status), answer, milliseconds, _retry_after(reply))

    def keep_attempt(self, connection: Connection, delivery_id: str, outcome: Outcome) -> None:
        """Write down that a delivery was sent, and what came of it."""
        self._run(
            connection,
            "INSERT INTO webhook_attempt (id, delivery_id, at, milliseconds, status, note, answer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            new_id(), delivery_id, clock.now(), outcome.milliseconds, outcome.status, kept_message(outcome.note),
            outcome.answer,
        )  # fmt: skip

    def _arrived(self, connection: Connection, endpoint: Endpoint, delivery: Delivery, outcome: Outcome) -> None:
        self._run(
            connection,
            "UPDATE webhook_delivery SET state = 'delivered', attempts = attempts + 1, next_at = NULL, done_at = ?,"
            " status = ?, note = NULL WHERE id = ?",
            clock.now(), outcome.status, delivery.id,
        )  # fmt: skip
        if endpoint.failures or endpoint.hold_until is not None:
            self._run(
                connection, "UPDATE webhook_endpoint SET failures = 0, hold_until = NULL WHERE id = ?", endpoint.id
            )

    def _failed(self, connection: Connection, endpoint: Endpoint, delivery: Delivery, outcome: Outcome) -> None:
        now, attempts = clock.now(), delivery.attempts + 1
        state, next_at, done_at = "waiting", None, None
        if attempts > len(PAUSES):
            state, done_at = "failed", now
        else:
            next_at = now + max(_shaken(PAUSES[attempts - 1]), outcome.retry_after or timedelta())
        self._run(
            connection,
            "UPDATE webhook_delivery SET state = ?, attempts = ?, next_at = ?, done_at = ?, status = ?, note = ?"
            " WHERE id = ? AND state = 'waiting'",
            state, attempts, next_at, done_at, outcome.status, kept_message(outcome.note), delivery.id,
        )  # fmt: skip
        [(failures,)] = self._run(
            connection, "UPDATE webhook_endpoint SET failures = failures + 1 WHERE id = ? RETURNING failures",
            endpoint.id,
        ).fetchall() or [(0,)]  # fmt: skip
        if outcome.status == _GONE:
            self._endpoints.stop(connection, endpoint, "disabled", Message("The receiver says that it is gone (410)"))
        elif failures >= MOST_FAILURES:
            reason = Message("{count} deliveries failed in a row", count=failures)
            self._endpoints.stop(connection, endpoint, "paused", reason)
        elif _is_about_the_moment(outcome):
            hold = min(_LONGEST_HOLD, PAUSES[0] * 2 ** min(failures - 1, 10))
            hold = max(_shaken(hold), outcome.retry_after or timedelta())
            self._run(connection, "UPDATE webhook_endpoint SET hold_until = ? WHERE id = ?", now + hold, endpoint.id)

    def _skip(self, delivery: Delivery, why: Message) -> None:
        with self._parts.database.write() as connection:
            self._run(
                connection,
                "UPDATE webhook_delivery SET state = 'skipped', next_at = NULL, done_at = ?, note = ? WHERE id = ?",
                clock.now(), kept_message(why), delivery.id,
            )  # fmt: skip


def _said(status: int) -> Message | None:
    if 200 <= status < 300:  # noqa: PLR2004 - as HTTP has it
        return None
    if 300 <= status < 400:  # noqa: PLR2004 - as HTTP has it
        return Message("The receiver led elsewhere ({status}); redirects are not followed", status=status)
    return Message("The receiver answered {status}", status=status)


def _is_about_the_moment(outcome: Outcome) -> bool:
    """Say whether the receiver as a whole is in trouble, and not just this message."""
    status = outcome.status
    return status is None or status >= 500 or status in _BUSY  # noqa: PLR2004 - as HTTP has it


def _shaken(pause: timedelta) -> timedelta:
    """Return a pause a little longer or shorter, so that what failed together does not come back together."""
    return pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret


def _retry_after(reply: Reply) -> timedelta | None:
    """Return for how long a receiver wants to be left alone: seconds, or until a date."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_RETRY_AFTER)
    if not text:
        return None
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(timedelta(), min(until - clock.now(), _LONGEST_RETRY_AFTER))
