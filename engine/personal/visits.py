"""Records that people opened last. A page that shows one only notes it in memory; it is written a moment later."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from engine import clock
from engine.audit.statements import Statements
from engine.data.principal import Principal
from engine.errors import GuanxiError
from engine.storage.database import Database

KEPT = 50
"""Records that are remembered of each person."""
_MOST = 2_000
"""Visits that are held in memory at most; more are written at once."""

_Key = tuple[str, str, str]


class Visits:
    """The visits of one site. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._statements = Statements(database)
        self._lock = threading.Lock()
        self._noted: dict[_Key, datetime] = {}

    def note(self, principal: Principal, entity: str, record_id: str) -> None:
        """Note that a person opened a record; not of programs, nor of who looks as somebody else."""
        if principal.id is None or principal.scopes is not None or principal.viewer is not None:
            return
        with self._lock:
            self._noted[principal.id, entity, record_id] = clock.now()
            full = len(self._noted) >= _MOST
        if full:
            self.close()

    def flush(self) -> None:
        """Write down what was noted; what cannot be written now is kept for the next time.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        with self._lock:
            noted, self._noted = self._noted, {}
        if not noted:
            return
        # In one order everywhere: two processes that write the same rows never wait for each other in a circle.
        rows = [(*key, at) for key, at in sorted(noted.items())]
        try:
            with self._statements.database.write() as connection:
                self._statements.run_many(
                    connection,
                    "INSERT INTO person_visit (user_id, entity, record_id, at) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (user_id, entity, record_id) DO UPDATE SET at = excluded.at",
                    rows,
                )
                for person in sorted({key[0] for key in noted}):
                    self._statements.run(
                        connection,
                        "DELETE FROM person_visit WHERE user_id = ? AND at <"
                        " (SELECT at FROM person_visit WHERE user_id = ? ORDER BY at DESC LIMIT 1 OFFSET ?)",
                        person, person, KEPT - 1,
                    )  # fmt: skip
        except (GuanxiError, SQLAlchemyError):
            with self._lock:
                self._noted = {**noted, **self._noted}
                if len(self._noted) >= _MOST:
                    # Nobody is helped by keeping more of what cannot be written.
                    self._noted.clear()
            raise

    def close(self) -> None:
        """Write down what is left, if the database lets us."""
        with suppress(GuanxiError, SQLAlchemyError):
            self.flush()
