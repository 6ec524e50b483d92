"""Hooks as rows: made and changed by people. Of an address only a fingerprint is kept, so it is shown once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.audit.statements import text_of, time_of
from engine.data.principal import Principal
from engine.data.vault import Holder, register_holder
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.identity.store import fingerprint, new_secret
from engine.ids import new_id
from engine.webhooks.inbound.checking import check_hook
from engine.webhooks.inbound.hook import Hook, HookCall, HookState, HookWish, mapping_from_json
from engine.webhooks.parts import Parts
from engine.webhooks.rows import read_message
from engine.webhooks.signing import new_signing_secret

CALLS_KEPT = timedelta(days=14)
_PLACE = "hook"
_COLUMNS = (
    "id, name, entity, mode, match_by, mapping, actor_id, scheme, header, id_header, most_bytes, state, created_at,"
    " created_by, changed_at"
)
_CALL = "id, hook_id, at, address, message_id, outcome, status, note, entity, records, body"

register_holder(Holder("inbound_hook", "id", "secret", _PLACE, "secret", where="secret IS NOT NULL", about="hook"))


def _hook_of(row: Sequence[Any]) -> Hook:
    return Hook(
        id=str(row[0]), name=row[1], entity=row[2], mode=row[3], match_by=row[4] or "",
        mapping=mapping_from_json(orjson.loads(row[5])), actor_id=str(row[6]), scheme=row[7], header=row[8] or "",
        id_header=row[9] or "", most_bytes=row[10], state=row[11], created_at=time_of(row[12]),
        created_by=text_of(row[13]), changed_at=time_of(row[14]),
    )  # fmt: skip


def _call_of(row: Sequence[Any]) -> HookCall:
    return HookCall(
        str(row[0]), str(row[1]), time_of(row[2]), row[3], row[4], row[5], row[6], read_message(row[7]), row[8],
        tuple(orjson.loads(row[9])), row[10],
    )  # fmt: skip


class Hooks:
    """The hooks of one site."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._run = parts.statements.run

    # --- reading ----------------------------------------------------------------------------------------------------

    def every(self, connection: Connection) -> list[Hook]:
        """Return all hooks, the oldest first."""
        rows = self._run(connection, f"SELECT {_COLUMNS} FROM inbound_hook ORDER BY id").fetchall()  # noqa: S608
        return [_hook_of(row) for row in rows]

    def get(self, connection: Connection, hook_id: str) -> Hook:
        """Return a hook.

        Raises:
            NotFound: there is none of that id.
        """
        return _hook_of(
            self._parts.row(connection, "inbound_hook", _COLUMNS, hook_id, Message("There is no such hook"))
        )

    def by_token(self, connection: Connection, token: str) -> Hook | None:
        """Return the hook of an address; it is looked for by fingerprint, so the time tells nothing of the token."""
        text = f"SELECT {_COLUMNS} FROM inbound_hook WHERE hash = ?"  # noqa: S608 - constants
        row = self._run(connection, text, fingerprint(token)).fetchone()
        return None if row is None else _hook_of(row)

    def secret(self, connection: Connection, hook: Hook) -> str:
        """Return the secret of a hook; "" when it has none.

        Raises:
            SiteBroken: the site has no key, or not the one that it was sealed with.
        """
        [sealed] = self._run(connection, "SELECT secret FROM inbound_hook WHERE id = ?", hook.id).fetchone()
        return self._parts.vault.open(_PLACE, hook.id, "secret", sealed, connection=connection) if sealed else ""

    def calls(
        self, connection: Connection, hook_id: str, *, outcome: str | None = None, before: str | None = None,
        limit: int = 50,
    ) -> list[HookCall]:  # fmt: skip
        """Return what was sent in last, the latest first; `before` is the id of the last one that was shown."""
        text, values = "hook_id = ?", [hook_id]
        for condition, value in (("outcome = ?", outcome), ("id < ?", before)):
            if value is not None:
                text += f" AND {condition}"
                values.append(value)
        statement = f"SELECT {_CALL} FROM inbound_call WHERE {text} ORDER BY id DESC LIMIT ?"  # noqa: S608 - constants
        return [_call_of(row) for row in self._run(connection, statement, *values, limit).fetchall()]

    # --- what people do ---------------------------------------------------------------------------------------------

    def create(self, principal: Principal, wish: HookWish) -> tuple[str, str, str]:
        """Make a hook; return its id, the token of its address and its secret ("" for none), both shown only now.

        Raises:
            AccessDenied: the principal may not set up webhooks.
            RecordInvalid: with all that is wrong, at its field.
            SiteBroken: the site has no key to seal the secret with.
        """
        parts = self._parts
        parts.require(principal)
        check_hook(parts, principal, wish)
        id_, token, now = new_id(), new_secret(), clock.now()
        secret = wish.secret or _made(wish.scheme)
        with parts.database.write() as connection:
            self._run(
                connection,
                "INSERT INTO inbound_hook (id, hash, name, entity, mode, match_by, mapping, actor_id, scheme, header,"
                " id_header, most_bytes, secret, state, created_at, created_by, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, ?)",
                id_, fingerprint(token), *_columns(principal, wish), self._sealed(connection, id_, secret), now,
                principal.id, now,
            )  # fmt: skip
            self._note(connection, principal, "made", wish.name)
        return id_, token, secret

    def change(self, principal: Principal, hook_id: str, wish: HookWish) -> str:
        """Change what a hook makes of what is sent; return its secret when it got a new one, else "".

        Raises:
            NotFound, AccessDenied, RecordInvalid, SiteBroken: as `create`.
        """
        parts = self._parts
        parts.require(principal)
        with parts.database.read() as connection:
            before = self.get(connection, hook_id)
        check_hook(parts, principal, wish)
        fresh = wish.secret or (_made(wish.scheme) if wish.scheme != before.scheme else "")
        with parts.database.write() as connection:
            self._run(
                connection,
                "UPDATE inbound_hook SET name = ?, entity = ?, mode = ?, match_by = ?, mapping = ?, actor_id = ?,"
                " scheme = ?, header = ?, id_header = ?, most_bytes = ?, changed_at = ? WHERE id = ?",
                *_columns(principal, wish), clock.now(), hook_id,
            )  # fmt: skip
            if fresh or wish.scheme == "none":
                sealed = self._sealed(connection, hook_id, fresh)
                self._run(connection, "UPDATE inbound_hook SET secret = ? WHERE id = ?", sealed, hook_id)
            self._note(connection, principal, "changed", wish.name)
        return "" if wish.secret else fresh

    def move(self, principal: Principal, hook_id: str) -> str:
        """Give a hook another address and return its token, shown only now; the old one is good no more.

        Raises:
            NotFound, AccessDenied: as `create`.
        """
        self._parts.require(principal)
        token = new_secret()
        with self._parts.database.write() as connection:
            found = self.get(connection, hook_id)
            self._run(connection, "UPDATE inbound_hook SET hash = ? WHERE id = ?", fingerprint(token), hook_id)
            self._note(connection, principal, "moved", found.name)
        return token

    def rotate(self, principal: Principal, hook_id: str) -> str:
        """Give a hook another secret and return it, shown only now; the old one is good no more.

        Raises:
            NotFound, AccessDenied, SiteBroken: as `create`.
            GuanxiError: it has none.
        """
        self._parts.require(principal)
        with self._parts.database.write() as connection:
            found = self.get(connection, hook_id)
            if found.scheme == "none":
                raise GuanxiError(Message("It has no secret"))
            secret = _made(found.scheme)
            sealed = self._sealed(connection, hook_id, secret)
            self._run(connection, "UPDATE inbound_hook SET secret = ? WHERE id = ?", sealed, hook_id)
            self._note(connection, principal, "rotated", found.name)
        return secret

    def set_state(self, principal: Principal, hook_id: str, state: HookState) -> None:
        """Pause a hook, or let it go on.

        Raises:
            NotFound, AccessDenied: as `create`.
        """
        self._parts.require(principal)
        with self._parts.database.write() as connection:
            found = self.get(connection, hook_id)
            self._run(connection, "UPDATE inbound_hook SET state = ? WHERE id = ?", state, hook_id)
            self._note(connection, principal, "paused" if state == "paused" else "resumed", found.name)

    def remove(self, principal: Principal, hook_id: str) -> None:
        """Delete a hook, with its secret and all that is known of what was sent.

        Raises:
            NotFound, AccessDenied: as `create`.
        """
        self._parts.require(principal)
        with self._parts.database.write() as connection:
            found = self.get(connection, hook_id)
            self._run(connection, "DELETE FROM inbound_call WHERE hook_id = ?", hook_id)
            self._run(connection, "DELETE FROM inbound_hook WHERE id = ?", hook_id)
            self._note(connection, principal, "removed", found.name)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _sealed(self, connection: Connection, hook_id: str, secret: str) -> str | None:
        if not secret:
            return None
        return self._parts.vault.seal(_PLACE, hook_id, "secret", secret, connection=connection)

    def _note(self, connection: Connection, principal: Principal, what: str, name: str) -> None:
        self._parts.trail.note(connection, Event("hook_changed", principal.id, details={"what": what, "name": name}))


def _made(scheme: str) -> str:
    """Return a new secret for a scheme."""
    if scheme == "none":
        return ""
    return new_signing_secret() if scheme == "standard" else secrets.token_urlsafe(32)


def _columns(principal: Principal, wish: HookWish) -> Sequence[Any]:
    return (
        wish.name.strip(), wish.entity, wish.mode, wish.match_by or None, orjson.dumps(wish.mapping.json()).decode(),
        wish.actor_id or principal.id, wish.scheme, wish.header or None, wish.id_header or None, wish.most_bytes,
    )  # fmt: skip
