"""How many notices people have not read, as this process last heard: pages show it without asking the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

KEPT_S = 45.0
"""Seconds after which a number is asked for anew; notices that other processes write show up so late at most."""


class Unread:
    """Numbers by person. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def get(self, user_id: str) -> int | None:
        """Return how many somebody has not read; None when that is not known well enough."""
        found = self._known.get(user_id)
        return found[0] if found is not None and time.monotonic() - found[1] < KEPT_S else None

    def look(self, user_id: str, ask: Callable[[], int]) -> int:
        """Return how many somebody has not read, asking for it where that is not known."""
        known = self.get(user_id)
        if known is None:
            known = ask()
            self.put(user_id, known)
        return known

    def put(self, user_id: str, number: int) -> None:
        """Keep a number that was just asked for."""
        with self._lock:
            self._known[user_id] = (number, time.monotonic())

    def forget(self, people: Iterable[str]) -> None:
        """Ask anew the next time: something was written for these people."""
        with self._lock:
            for each in people:
                self._known.pop(each, None)
