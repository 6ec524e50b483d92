"""`Pulse`: the thread beside those that run jobs.

It says that the worker lives, writes down how far its runs are, and tells them what was asked of them.
"""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from engine.errors import GuanxiError
from engine.jobs.beats import Beats
from engine.jobs.performing import Performer
from engine.jobs.store import JobStore

_log = logging.getLogger(__name__)
TELL_S = 0.5
BEAT_S = 5.0


class Pulse:
    """Looks after the runs of one worker.

    Args:
        store: the rows.
        performer: has the runs.
        beats: where the worker says that it lives.
    """

    def __init__(self, store: JobStore, performer: Performer, beats: Beats) -> None:
        self._store, self._performer, self._beats = store, performer, beats
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; the worker is in the list of those who live when this returns."""
        self._beats.beat()
        self._stopped.clear()
        self._thread = threading.Thread(target=self._go_on, name="guanxi-pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and take the worker off the list."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._beats.end()

    def _go_on(self) -> None:
        beaten = time.monotonic()
        while not self._stopped.wait(TELL_S):
            try:
                if time.monotonic() - beaten >= BEAT_S:
                    self._beats.beat()
                    beaten = time.monotonic()
                self._tell()
            except (GuanxiError, SQLAlchemyError) as error:
                _log.warning("how far jobs are could not be written: %s", error)
            except Exception:  # noqa: BLE001 - without this thread the worker would seem to be dead
                _log.exception("looking after jobs failed")

    def _tell(self) -> None:
        runs = self._performer.runs
        if not runs:
            return
        if any(run.has_news for run in runs):
            with self._store.database.write() as connection:
                wishes = self._store.tell(connection, runs)
        else:
            with self._store.database.read() as connection:
                wishes = self._store.wishes(connection, runs)
        for run in runs:
            if run.job_id in wishes:
                run.stop(wishes[run.job_id])
