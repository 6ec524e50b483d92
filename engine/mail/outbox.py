# ruff: noqa: S608
# Statements are put together from constants; values are bound.
"""The outbox: one row a mail, written in the transaction of what causes it, so both are there or neither.

Whoever sends a mail puts off its next attempt first, in one statement: so two never send the same, and one whose
sender died is sent by the next one later, under the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection

from engine import clock
from engine.errors import SiteBroken
from engine.ids import new_id
from engine.mail.letter import Mail, checked_address
from engine.storage.codec import moment
from engine.storage.database import Database, run

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1_440))
"""How long after each failed attempt the next one is made; after the last pause there is one more, then none."""
_LEASE = timedelta(minutes=10)
_KEPT = timedelta(days=30)
_LONGEST_ERROR = 300
VOID = "void"
"""State of a row that is never sent: it is there so that what was asked for takes as long as what was not."""


class Seals(Protocol):
    """What keeps the bodies with secret links from whoever reads the database."""

    def seal(self, entity: str, record_id: str, field: str, text: str, *, connection: Any = None) -> str:
        """Return the cipher text of a value, for this place alone."""

    def open(self, entity: str, record_id: str, field: str, sealed: str) -> str:
        """Return the plain text of a value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A mail in the list of the outbox: never its body."""

    id: str
    to: str
    purpose: str
    subject: str
    state: str
    """waiting, sending, sent or failed."""
    attempts: int
    created_at: datetime | None
    next_at: datetime | None
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this sender, and no other, is to send now."""

    id: str
    mail: Mail
    attempts: int
    """This one included."""
    void: bool = False
    """Whether it is thrown away instead."""


class Outbox:
    """Rows of mails."""

    def __init__(self, database: Database, vault: Seals | None = None) -> None:
        self._database, self._vault = database, vault
        self._sqlite = database.dialect == "sqlite"
        self._moment = moment(database.dialect)

    def put(self, connection: Connection, mail: Mail, *, void: bool = False) -> str:
        """Put a mail in, in a transaction that is open, and return its id.

        With `void` the sender takes it like any other, and throws it away.

        Raises:
            GuanxiError: its address is none that mail can be sent to.
        """
        id_, now = new_id(), clock.now()
        body, html = mail.text, mail.html
        if mail.secret and self._vault is not None:
            body = self._vault.seal("mail", id_, "body", body, connection=connection)
            html = self._vault.seal("mail", id_, "html", html, connection=connection)
        to = checked_address(mail.to)
        self._run(
            connection,
            "INSERT INTO mail_message (id, user_id, recipient, language, purpose, subject, body, html, secret, state,"
            " attempts, created_at, next_at, good_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
            id_, mail.user_id, to, mail.language, mail.purpose, mail.subject, body, html, mail.secret,
            VOID if void else "waiting", now, now, mail.good_until,
        )  # fmt: skip
        return id_

    def claim(self) -> Claimed | None:
        """Take the mail that is due the longest; None when none is."""
        now = clock.now()
        skip = "" if self._sqlite else " FOR UPDATE SKIP LOCKED"
        with self._database.write() as connection:
            row = self._run(
                connection,
                "UPDATE mail_message SET state = CASE state WHEN 'void' THEN state ELSE 'sending' END,"
                " attempts = attempts + 1, next_at = ? WHERE id = (SELECT id FROM mail_message WHERE next_at <= ?"
                f" ORDER BY next_at, id LIMIT 1{skip}) RETURNING id, recipient, language, purpose, subject, body,"
                " html, secret, attempts, good_until, user_id, state",
                now + _LEASE, now,
            ).fetchone()  # fmt: skip
        return None if row is None else self._claimed(row)

    def _claimed(self, row: Any) -> Claimed:
        """Return a row as a mail.

        Raises:
            SiteBroken: its body was sealed with a key that the site no longer has.
        """
        id_, secret = str(row[0]), bool(row[7])
        body, html = row[5], row[6]
        if secret and self._vault is not None:
            try:
                body = self._vault.open("mail", id_, "body", body)
                html = self._vault.open("mail", id_, "html", html)
            except SiteBroken as error:
                self._finish(id_, "failed", str(error)[:_LONGEST_ERROR], None)
                raise
        user_id = None if row[10] is None else str(row[10])
        mail = Mail(row[1], row[2], row[3], row[4], body, html, secret, user_id, self._read(row[9]))
        return Claimed(id_, mail, row[8], void=row[11] == VOID)

    def throw_away(self, id_: str) -> None:
        """Forget a mail that is not to be sent."""
        with self._database.write() as connection:
            self._run(connection, "DELETE FROM mail_message WHERE id = ?", id_)

    def sent(self, id_: str) -> None:
        """Note that a mail has gone; what it held of secrets goes too."""
        self._finish(id_, "sent", None, clock.now())

    def failed(self, claimed: Claimed, error: str, *, for_good: bool) -> None:
        """Note that a mail could not be sent: it is tried again later, unless that is of no use."""
        now = clock.now()
        if not for_good and claimed.attempts <= len(PAUSES):
            again = now + PAUSES[claimed.attempts - 1]
            if claimed.mail.good_until is None or again < claimed.mail.good_until:
                with self._database.write() as connection:
                    self._run(
                        connection,
                        "UPDATE mail_message SET state = 'waiting', next_at = ?, error = ? WHERE id = ?",
                        again, error[:_LONGEST_ERROR], claimed.id,
                    )  # fmt: skip
                return
        self._finish(claimed.id, "failed", error[:_LONGEST_ERROR], None)

    def _finish(self, id_: str, state: str, error: str | None, sent_at: datetime | None) -> None:
        with self._database.write() as connection:
            self._run(
                connection,
                "UPDATE mail_message SET state = ?, error = ?, sent_at = ?, next_at = NULL,"
                " body = CASE WHEN secret THEN '' ELSE body END, html = CASE WHEN secret THEN '' ELSE html END"
                " WHERE id = ?",
                state, error, sent_at, id_,
            )  # fmt: skip

    def sweep(self) -> None:
        """Forget mails that are done with for long."""
        with self._database.write() as connection:
            self._run(
                connection,
                "DELETE FROM mail_message WHERE next_at IS NULL AND created_at < ?", clock.now() - _KEPT,
            )  # fmt: skip

    def is_due(self) -> bool:
        """Say whether some mail is to be sent now."""
        with self._database.read() as connection:
            return (
                self._run(
                    connection,
                    "SELECT 1 FROM mail_message WHERE next_at <= ? LIMIT 1",
                    clock.now(),
                ).fetchone()
                is not None
            )

    def entries(self, limit: int = 50, *, state: str | None = None, user_id: str | None = None) -> list[Entry]:
        """Return the newest mails, the newest first; of one state, or to one person."""
        condition, values = "state <> ?", [VOID]
        for column, value in (("state", state), ("user_id", user_id)):
            if value is not None:
                condition, values = f"{condition} AND {column} = ?", [*values, value]
        with self._database.read() as connection:
            rows = self._run(
                connection,
                "SELECT id, recipient, purpose, subject, state, attempts, created_at, next_at, sent_at, error"
                f" FROM mail_message WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT {limit:d}",
                *values,
            ).fetchall()
        at = self._read
        return [
            Entry(str(row[0]), row[1], row[2], row[3], row[4], row[5], at(row[6]), at(row[7]), at(row[8]), row[9])
            for row in rows
        ]

    def retry(self, id_: str) -> bool:
        """Make a mail due now that waits for its next attempt; False when it does not."""
        with self._database.write() as connection:
            done = self._run(
                connection,
                "UPDATE mail_message SET next_at = ? WHERE id = ? AND state = 'waiting'", clock.now(), id_,
            )  # fmt: skip
        return bool(done.rowcount == 1)

    def _run(self, connection: Connection, statement: str, *values: Any) -> Any:
        return run(connection, statement if self._sqlite else statement.replace("?", "%s"), self._bound(values))

    def _bound(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(self._moment(value) if isinstance(value, datetime) else value for value in values)

    @staticmethod
    def _read(value: Any) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
