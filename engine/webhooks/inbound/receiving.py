"""Receiving: from a request to records, once for each message, in the name of the hook's person.

That a message was carried out, and what it did, commit together. So a sender that hears nothing may send it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit import Origin, acting_from
from engine.data.batch import Written
from engine.data.principal import SYSTEM, Principal
from engine.data.rules import is_sealed
from engine.errors import (
    AccessDenied,
    DatabaseUnavailable,
    GuanxiError,
    NotFound,
    RecordInvalid,
    SignInNeeded,
    SiteBroken,
    StaleModel,
    TooManyRequests,
)
from engine.i18n import Message
from engine.identity.rates import Rate, Rates
from engine.identity.store import Store
from engine.ids import new_id
from engine.webhooks.inbound.hook import Hook, Incoming, Taken
from engine.webhooks.inbound.hooks import Hooks
from engine.webhooks.inbound.mapping import BodyInvalid, BodyUnreadable, counts, kept_body, read_body, rows_of
from engine.webhooks.inbound.proving import NotProven, prove
from engine.webhooks.parts import Parts
from engine.webhooks.rows import kept_message

VIA = "hook"
_CALLS = Rate(300, 0.1)
"""Of one hook: 300 at once, and ten a second."""
_REFUSALS = Rate(60, 60)
"""Of one hook, those that are written down: whoever found an address must not fill the disk."""
_PAUSED_S = 300
_SOON_S = 5


class _TakenBack(Exception):
    """Ends a trial: what it wrote is taken back."""


class Receiver:
    """Takes what is sent to hooks."""

    def __init__(self, parts: Parts, hooks: Hooks) -> None:
        self._parts, self._hooks = parts, hooks
        self._run = parts.statements.run
        self._rates = Rates(Store(parts.database))

    def receive(self, token: str, incoming: Incoming) -> Taken:
        """Carry out what was sent to an address, and return how that is answered.

        Raises:
            NotFound: there is no such address.
            DatabaseUnavailable: the database does not answer.
        """
        with self._parts.database.read() as connection:
            hook = self._hooks.by_token(connection, token)
            if hook is None:
                raise NotFound(Message("There is no such hook"))
            secret = self._hooks.secret(connection, hook)
        try:
            with self._parts.database.write() as connection:
                self._rates.take(connection, f"hook:{hook.id}", _CALLS)
        except TooManyRequests as error:
            return Taken(429, "refused", error.message, retry_after=error.seconds)
        with acting_from(Origin(VIA, incoming.address, hook.name)):
            return self._judged(hook, secret, incoming)

    def _judged(self, hook: Hook, secret: str, incoming: Incoming) -> Taken:
        if hook.state == "paused":
            return self._refused(hook, incoming, 503, Message("The hook is paused"), retry_after=_PAUSED_S)
        if len(incoming.body) > hook.most_bytes:
            message = Message("At most {most} bytes are taken", most=hook.most_bytes)
            return self._refused(hook, incoming, 413, message)
        try:
            message_id = prove(hook, secret, incoming)
        except NotProven as error:
            return self._refused(hook, incoming, 401, error.message)
        try:
            actor = self._parts.principal(hook.actor_id)
            read = read_body(incoming)
            if not counts(read, hook.mapping):
                return self._kept(hook, incoming, Taken(202, "ignored"))
            rows = rows_of(read, hook.mapping)
        except SignInNeeded:
            message = Message("Its owner is disabled, or gone")
            return self._refused(hook, incoming, 503, message, retry_after=_PAUSED_S)
        except BodyInvalid as error:
            problems = [(_place(each.row, each.path), each.message) for each in error.problems]
            return self._kept(hook, incoming, Taken(422, "invalid", error.message, problems=problems))
        except BodyUnreadable as error:
            return self._kept(hook, incoming, Taken(400, "invalid", error.message))
        return self._carried_out(hook, incoming, actor, message_id, rows)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _carried_out(
        self,
        hook: Hook,
        incoming: Incoming,
        actor: Principal,
        message_id: str | None,
        rows: Sequence[Mapping[str, Any]],
    ) -> Taken:
        body = self._body(hook, incoming)
        try:
            with self._parts.records.begin() as connection:
                call = self._begin(connection, hook, incoming, message_id, body)
                if call is None:
                    return Taken(200, "repeated", records=self._before(connection, hook, message_id or ""))
                written = self._write(connection, hook, actor, rows)
                told = [_told(each) for each in written]
                self._run(
                    connection,
                    "UPDATE inbound_call SET records = ? WHERE id = ?",
                    orjson.dumps([each.id for each in written]).decode(), call,
                )  # fmt: skip
        except (DatabaseUnavailable, StaleModel, SiteBroken) as error:
            # Nothing was written down; the sender tries again.
            return Taken(503, "failed", error.message, retry_after=_SOON_S)
        except GuanxiError as error:
            return self._kept(hook, incoming, _unwritten(error))
        return Taken(200, "done", records=told)

    def _write(
        self, connection: Connection, hook: Hook, actor: Principal, rows: Sequence[Mapping[str, Any]]
    ) -> list[Written]:
        records = self._parts.records
        if hook.mode == "upsert":
            return records.upsert(actor, hook.entity, rows, on=hook.match_by, via=VIA, connection=connection)
        return records.create(actor, hook.entity, rows, via=VIA, connection=connection)

    def _begin(
        self, connection: Connection, hook: Hook, incoming: Incoming, message_id: str | None, body: str | None
    ) -> str | None:
        """Write down that a message is carried out; None when it was before."""
        id_ = new_id()
        made = self._run(
            connection,
            "INSERT INTO inbound_call (id, hook_id, at, address, message_id, outcome, status, entity, records, body)"
            " VALUES (?, ?, ?, ?, ?, 'done', 200, ?, '[]', ?)"
            " ON CONFLICT (hook_id, message_id) WHERE message_id IS NOT NULL DO NOTHING",
            id_, hook.id, clock.now(), incoming.address, message_id, hook.entity, body,
        )  # fmt: skip
        return id_ if made.rowcount == 1 else None

    def _before(self, connection: Connection, hook: Hook, message_id: str) -> list[Mapping[str, Any]]:
        text = "SELECT records FROM inbound_call WHERE hook_id = ? AND message_id = ?"
        row = self._run(connection, text, hook.id, message_id).fetchone()
        return [{"id": each} for each in orjson.loads(row[0])] if row is not None else []

    # --- trying out -------------------------------------------------------------------------------------------------

    def try_out(self, principal: Principal, hook_id: str, incoming: Incoming) -> Taken:
        """Carry out what could be sent, and take it back: nothing is proven, written or kept.

        Raises:
            AccessDenied: the principal may not set up webhooks.
            NotFound: there is no such hook.
        """
        self._parts.require(principal)
        with self._parts.database.read() as connection:
            hook = self._hooks.get(connection, hook_id)
        try:
            actor = self._parts.principal(hook.actor_id)
            read = read_body(incoming)
            if not counts(read, hook.mapping):
                return Taken(202, "ignored")
            rows = rows_of(read, hook.mapping)
        except BodyInvalid as error:
            problems = [(_place(each.row, each.path), each.message) for each in error.problems]
            return Taken(422, "invalid", error.message, problems=problems)
        except GuanxiError as error:
            return Taken(400, "invalid", error.message)
        told: list[Mapping[str, Any]] = []
        try:
            with self._parts.records.begin() as connection:
                told += [_told(each) for each in self._write(connection, hook, actor, rows)]
                raise _TakenBack  # noqa: TRY301 - it leaves the transaction
        except _TakenBack:
            return Taken(200, "done", records=told, values=rows)
        except GuanxiError as error:
            unwritten = _unwritten(error)
            return Taken(unwritten.status, unwritten.outcome, unwritten.note, problems=unwritten.problems, values=rows)

    # --- what is kept -----------------------------------------------------------------------------------------------

    def _refused(
        self, hook: Hook, incoming: Incoming, status: int, why: Message, *, retry_after: int | None = None
    ) -> Taken:
        """Keep that a request was refused, without its body: nobody knows who sent it."""
        taken = Taken(status, "refused", why, retry_after=retry_after)
        try:
            with self._parts.database.write() as connection:
                self._rates.take(connection, f"refused:{hook.id}", _REFUSALS)
                self._keep(connection, hook, incoming, taken, None)
        except TooManyRequests:
            pass
        return taken

    def _kept(self, hook: Hook, incoming: Incoming, taken: Taken) -> Taken:
        """Keep what came of a request that wrote nothing."""
        with self._parts.database.write() as connection:
            self._keep(connection, hook, incoming, taken, self._body(hook, incoming))
        return taken

    def _keep(self, connection: Connection, hook: Hook, incoming: Incoming, taken: Taken, body: str | None) -> None:
        note = taken.note
        if taken.problems:
            place, message = taken.problems[0]
            note = Message("{place}: {message}", place=place, message=message) if place else message
        self._run(
            connection,
            "INSERT INTO inbound_call (id, hook_id, at, address, outcome, status, note, entity, records, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '[]', ?)",
            new_id(), hook.id, clock.now(), incoming.address, taken.outcome, taken.status, kept_message(note),
            hook.entity, body,
        )  # fmt: skip

    def _body(self, hook: Hook, incoming: Incoming) -> str | None:
        with self._parts.reading(SYSTEM) as reader:
            entity = reader.model.entities.get(hook.entity)
        fields = entity.fields.items() if entity is not None else ()
        return kept_body(incoming, hook.mapping, frozenset(key for key, field in fields if is_sealed(field)))


def _told(written: Written) -> Mapping[str, Any]:
    return {"id": written.id, "version": written.version, "action": written.action}


def _place(row: int, path: str) -> str:
    return f"{row}/{path}" if row else path


def _unwritten(error: GuanxiError) -> Taken:
    if isinstance(error, RecordInvalid):
        problems = [(_place(each.row, each.path), each.message) for each in error.problems]
        return Taken(422, "invalid", error.problems[0].message if error.problems else error.message, problems=problems)
    return Taken(403 if isinstance(error, AccessDenied) else 422, "invalid", error.message)
