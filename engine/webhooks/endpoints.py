"""Endpoints: receivers of changes as rows, made and changed by people, and stopped by the product when they fail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.data.principal import Principal
from engine.data.vault import Holder, register_holder
from engine.errors import GuanxiError, SignInNeeded
from engine.i18n import Message
from engine.ids import new_id
from engine.mail import Letter
from engine.webhooks.checking import check_endpoint
from engine.webhooks.endpoint import Endpoint, EndpointState, EndpointWish
from engine.webhooks.parts import Parts
from engine.webhooks.rows import ENDPOINT, endpoint_of, kept_message
from engine.webhooks.signing import new_signing_secret

OVERLAP = timedelta(hours=24)
"""For how long a secret that was replaced goes on signing beside the new one."""
_PLACE = "webhook"
"""What secrets are sealed for, with the id of the endpoint and the name of the column."""

for _column in ("secret", "old_secret"):
    register_holder(
        Holder("webhook_endpoint", "id", _column, _PLACE, _column, where=f"{_column} IS NOT NULL", about="webhook")
    )


class Endpoints:
    """The endpoints of one site."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._run = parts.statements.run

    # --- reading ----------------------------------------------------------------------------------------------------

    def every(self, connection: Connection) -> list[Endpoint]:
        """Return all endpoints, the oldest first."""
        rows = self._run(connection, f"SELECT {ENDPOINT} FROM webhook_endpoint ORDER BY id").fetchall()  # noqa: S608
        return [endpoint_of(row) for row in rows]

    def get(self, connection: Connection, endpoint_id: str) -> Endpoint:
        """Return an endpoint.

        Raises:
            NotFound: there is none of that id.
        """
        missing = Message("There is no such webhook")
        return endpoint_of(self._parts.row(connection, "webhook_endpoint", ENDPOINT, endpoint_id, missing))

    def secrets(self, connection: Connection, endpoint: Endpoint) -> list[str]:
        """Return the secrets that sign just now, the newest first.

        Raises:
            SiteBroken: the site has no key, or not the one that they were sealed with.
        """
        text = "SELECT secret, old_secret FROM webhook_endpoint WHERE id = ?"
        sealed, old = self._run(connection, text, endpoint.id).fetchone()
        vault = self._parts.vault
        found = [vault.open(_PLACE, endpoint.id, "secret", sealed, connection=connection)]
        if old is not None and endpoint.old_until is not None and endpoint.old_until > clock.now():
            found.append(vault.open(_PLACE, endpoint.id, "old_secret", old, connection=connection))
        return found

    # --- what people do ---------------------------------------------------------------------------------------------

    def create(self, principal: Principal, wish: EndpointWish) -> tuple[str, str]:
        """Make an endpoint that is told of what changes from now on; return its id and its secret, shown only now.

        Raises:
            AccessDenied: the principal may not set up webhooks.
            RecordInvalid: with all that is wrong, at its field.
            SiteBroken: the site has no key to seal the secret with.
        """
        parts = self._parts
        parts.require(principal)
        check_endpoint(parts, principal, wish)
        id_, secret, now, place = new_id(), new_signing_secret(), clock.now(), parts.feed.settled()
        with parts.database.write() as connection:
            self._run(
                connection,
                "INSERT INTO webhook_endpoint (id, name, url, entity, events, fields, condition, owner_id, skip_own,"
                " secret, state, place, failures, created_at, created_by, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, 0, ?, ?, ?)",
                id_, *self._columns(principal, wish),
                parts.vault.seal(_PLACE, id_, "secret", secret, connection=connection), place, now, principal.id, now,
            )  # fmt: skip
            self._note(connection, principal, "made", wish.name)
        return id_, secret

    def change(self, principal: Principal, endpoint_id: str, wish: EndpointWish) -> None:
        """Change what an endpoint is told, and where.

        Raises:
            NotFound, AccessDenied, RecordInvalid: as `create`.
        """
        parts = self._parts
        parts.require(principal)
        with parts.database.read() as connection:
            self.get(connection, endpoint_id)
        check_endpoint(parts, principal, wish)
        with parts.database.write() as connection:
            self._run(
                connection,
                "UPDATE webhook_endpoint SET name = ?, url = ?, entity = ?, events = ?, fields = ?, condition = ?,"
                " owner_id = ?, skip_own = ?, changed_at = ? WHERE id = ?",
                *self._columns(principal, wish), clock.now(), endpoint_id,
            )  # fmt: skip
            self._note(connection, principal, "changed", wish.name)

    def remove(self, principal: Principal, endpoint_id: str) -> None:
        """Delete an endpoint, with its secret and all that is known of its deliveries.

        Raises:
            NotFound, AccessDenied: as `create`.
        """
        self._parts.require(principal)
        with self._parts.database.write() as connection:
            found = self.get(connection, endpoint_id)
            whose = "SELECT id FROM webhook_delivery WHERE endpoint_id = ?"
            self._run(connection, f"DELETE FROM webhook_attempt WHERE delivery_id IN ({whose})", endpoint_id)  # noqa: S608
            self._run(connection, "DELETE FROM webhook_delivery WHERE endpoint_id = ?", endpoint_id)
            self._run(connection, "DELETE FROM webhook_endpoint WHERE id = ?", endpoint_id)
            self._note(connection, principal, "removed", found.name)

    def rotate(self, principal: Principal, endpoint_id: str) -> str:
        """Give an endpoint a new secret and return it, shown only now; for a day both sign.

        Raises:
            NotFound, AccessDenied, SiteBroken: as `create`.
        """
        parts = self._parts
        parts.require(principal)
        secret, now = new_signing_secret(), clock.now()
        with parts.database.write() as connection:
            found = self.get(connection, endpoint_id)
            old, *_ = self.secrets(connection, found)
            self._run(
                connection,
                "UPDATE webhook_endpoint SET secret = ?, old_secret = ?, old_until = ?, changed_at = ? WHERE id = ?",
                parts.vault.seal(_PLACE, endpoint_id, "secret", secret, connection=connection),
                parts.vault.seal(_PLACE, endpoint_id, "old_secret", old, connection=connection),
                now + OVERLAP, now, endpoint_id,
            )  # fmt: skip
            self._note(connection, principal, "rotated", found.name)
        return secret

    def pause(self, principal: Principal, endpoint_id: str) -> None:
        """Send nothing until somebody resumes it; what changes meanwhile waits.

        Raises:
            NotFound, AccessDenied: as `create`.
        """
        self._set_state(principal, endpoint_id, "paused")

    def resume(self, principal: Principal, endpoint_id: str) -> None:
        """Send again, what waited first; as if it had never failed.

        Raises:
            NotFound, AccessDenied: as `create`.
            GuanxiError: it was never paused.
        """
        self._set_state(principal, endpoint_id, "active")

    def _set_state(self, principal: Principal, endpoint_id: str, state: EndpointState) -> None:
        self._parts.require(principal)
        settled = self._parts.feed.settled()
        with self._parts.database.write() as connection:
            found = self.get(connection, endpoint_id)
            if found.state == state:
                raise GuanxiError(
                    Message("It is active already") if state == "active" else Message("It is paused already")
                )
            place = found.place
            if found.state == "disabled":
                # While it was switched off nothing was kept for it.
                place = max(place, settled)
            self._run(
                connection,
                "UPDATE webhook_endpoint SET state = ?, reason = NULL, failures = 0, hold_until = NULL, place = ?,"
                " changed_at = ? WHERE id = ?",
                state, place, clock.now(), endpoint_id,
            )  # fmt: skip
            if state == "active":
                self._run(
                    connection,
                    "UPDATE webhook_delivery SET next_at = ? WHERE endpoint_id = ? AND state = 'waiting'",
                    clock.now(), endpoint_id,
                )  # fmt: skip
            self._note(connection, principal, "paused" if state == "paused" else "resumed", found.name)

    # --- what the product does --------------------------------------------------------------------------------------

    def stop(self, connection: Connection, endpoint: Endpoint, state: EndpointState, reason: Message) -> bool:
        """Pause an endpoint or switch it off, and tell its owner; False when somebody has done so before."""
        changed = self._run(
            connection,
            "UPDATE webhook_endpoint SET state = ?, reason = ?, hold_until = NULL WHERE id = ? AND state = 'active'",
            state, kept_message(reason), endpoint.id,
        )  # fmt: skip
        if changed.rowcount != 1:
            return False
        details = {"what": state, "name": endpoint.name, "why": str(reason)}
        self._parts.trail.note(connection, Event("webhook_changed", None, details=details))
        self._tell(connection, endpoint, state, reason)
        return True

    def _tell(self, connection: Connection, endpoint: Endpoint, state: EndpointState, reason: Message) -> None:
        base = self._parts.base_url
        words = Message("Nothing more is sent to {name} until somebody resumes it. What changes meanwhile waits.",
                        name=endpoint.name)  # fmt: skip
        if state == "disabled":
            words = Message("Nothing more is sent to {name}, and nothing is kept for it.", name=endpoint.name)
        button = None
        if base:
            button = (Message("Look at the webhook"), f"{base.rstrip('/')}/admin/webhooks/{endpoint.id}")
        letter = Letter(
            "webhook", Message("The webhook {name} was stopped", name=endpoint.name),
            [Message("{text}", text=reason), words], button,
        )  # fmt: skip
        for user_id in dict.fromkeys(filter(None, (endpoint.owner_id, endpoint.created_by))):
            try:
                person = self._parts.principal(user_id)
            except SignInNeeded:
                continue
            if person.email:
                mail = letter.mail(person.email, person.name, person.language, user_id=person.id)
                self._parts.post.put(connection, mail)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _columns(self, principal: Principal, wish: EndpointWish) -> Sequence[Any]:
        return (
            wish.name.strip(), wish.url.strip(), wish.entity, _listed(wish.events), _listed(wish.fields),
            wish.condition.strip() or None, wish.owner_id or principal.id, self._parts.flag(value=wish.skip_own),
        )  # fmt: skip

    def _note(self, connection: Connection, principal: Principal, what: str, name: str) -> None:
        details = {"what": what, "name": name}
        self._parts.trail.note(connection, Event("webhook_changed", principal.id, details=details))


def _listed(values: Sequence[str]) -> str:
    return orjson.dumps(list(dict.fromkeys(values))).decode()
