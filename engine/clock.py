"""The time, asked in one place, so that the rules of a site can be tried at any hour of any day.

`guanxi test` and the test kit set the clock; nothing else does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_set: ContextVar[datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """Return the time: aware, UTC, to the millisecond."""
    moment = _set.get() or datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def seconds() -> float:
    """Return the time in seconds since 1970."""
    moment = _set.get()
    return time.time() if moment is None else moment.timestamp()


@contextmanager
def set_to(moment: datetime) -> Iterator[None]:
    """Let the clock of this thread stand at a moment, which is aware.

    Raises:
        ValueError: it says no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("the moment needs a time zone")
    token = _set.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _set.reset(token)
