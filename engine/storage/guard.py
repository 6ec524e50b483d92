"""The guard: a statement that names an entity table runs only with the access token.

Rows are protected by conditions that `engine.data` adds to every statement. One forgotten condition is a
leak, so a statement without the token is refused before the database sees it, also when it is plain text.
The check is one look-up in a dict per statement; a text is taken apart once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from typing import Any, Final, final

from engine.errors import AccessTokenMissing

ACCESS: Final = "access"
"""Name of the execution option that carries the token."""

_NAME = re.compile(r"\w+")
_KEPT = 10_000  # texts remembered: IN lists of many lengths make many of them


@final
class EntityAccess:
    """The token's type; there is one instance, `ENTITY_ACCESS`."""

    def __repr__(self) -> str:
        return "ENTITY_ACCESS"


ENTITY_ACCESS: Final = EntityAccess()
"""Says that the statement carries its row rule, or was made by the engine for all rows on purpose."""

ALLOWED: Final[dict[str, Any]] = {ACCESS: ENTITY_ACCESS}
"""Execution options with the token: `connection.exec_driver_sql(text, values, execution_options=ALLOWED)`.

Give them to a statement, never to a connection: `Connection.execution_options` changes the connection for
every later statement.
"""


class Guard:
    """Knows the names of entity tables and which statements name one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: frozenset[str] = frozenset()
        self._verdicts: dict[str, str] = {}

    def protect(self, tables: Iterable[str]) -> None:
        """Add names of tables; case does not count, as it does not in SQLite."""
        names = {name.casefold() for name in tables}
        with self._lock:
            if not names <= self._tables:
                self._tables |= names
                self._verdicts = {}

    def check(self, statement: str, token: object) -> None:
        """Let a statement pass.

        Raises:
            AccessTokenMissing: it names an entity table and `token` is not the token.
        """
        table = self._verdicts.get(statement)
        if table is None:
            table = self._judge(statement)
        if table and token is not ENTITY_ACCESS:
            raise AccessTokenMissing(f"the statement touches {table} without an access token: {statement[:200]}")

    def _judge(self, statement: str) -> str:
        tables, verdicts = self._tables, self._verdicts
        # Names inside quoted text count too: better one false alarm in a test than one leak.
        table = next((word for word in _NAME.findall(statement.casefold()) if word in tables), "")
        if len(verdicts) >= _KEPT:
            verdicts.clear()
        # A verdict from before `protect` goes into a dict that nobody reads any more.
        verdicts[statement] = table
        return table


GUARD: Final = Guard()
"""The guard of this process; sites that share it protect each other's tables too, which is harmless."""
