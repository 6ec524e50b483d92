"""Waiting for others: a publication steps back when a table is in use, and comes again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from engine.errors import DatabaseUnavailable

_T = TypeVar("_T")

LOCK_TIMEOUT_MS = 800
"""How long a statement waits for a table on PostgreSQL: less than deadlock_timeout (a second), so that it is always
the publication that steps back and never a reader that is ended as the victim of a deadlock."""

ATTEMPTS = 20


def patiently(work: Callable[[], _T]) -> _T:
    """Do something that needs what others may hold, such as a table for itself, until it goes through.

    Raises:
        DatabaseUnavailable: others held it every time, for a minute in all.
    """
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except DatabaseUnavailable:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(min(0.05 * 2**attempt, 2.0))
    raise AssertionError  # pragma: no cover - the last attempt returns or raises
