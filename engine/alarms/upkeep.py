"""`Upkeep`: what a site does by itself every few seconds while it is served, in a thread of its own.

It seals the log, writes the reading meters down, looks for alarms, and once a day throws away what has had its time.
Every process seals what it noted itself. The rest a worker does, where there is one, and nothing of it is done twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from engine import clock
from engine.alarms.alarms import Alarms
from engine.audit import Trail
from engine.audit.meters import KEPT, Meters
from engine.errors import GuanxiError

_log = logging.getLogger(__name__)
TICK_S = 2.0
"""How often it seals; meters are written down, and alarms looked for, some ticks apart."""
_DAY_S = 86_400.0
_SETTLED_S = 600.0
"""So long after its start a server does the daily work for the first time."""


class Upkeep:
    """Keeps the log and the alarms of a site going."""

    def __init__(
        self,
        trail: Trail,
        meters: Meters,
        alarms: Alarms,
        *,
        audit_days: int = 0,
        tick: float = TICK_S,
        housework: Sequence[Callable[[], object]] = (),
        often: Sequence[Callable[[], object]] = (),
        manned: Callable[[], bool] = lambda: False,
    ) -> None:
        self._manned, self._alone = manned, True
        self._housework, self._often = housework, often
        self._tick = tick
        self._trail, self._meters, self._alarms, self._days = trail, meters, alarms, audit_days
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, *, alone: bool = True) -> None:
        """Begin, in a thread that ends with the process or with `stop`.

        A worker is not `alone`: it looks for alarms whoever else does, and leaves the daily work to its schedules.
        """
        self._alone = alone
        if self._thread is None or not self._thread.is_alive():
            self._stopped.clear()
            self._thread = threading.Thread(target=self._run, name="guanxi-upkeep", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread, after what it is doing, and write down what it had not come to."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None
        self._meters.close()
        self._trail.close()

    def daily(self) -> None:
        """Check that nobody tampered with the log; throw away events and counts that have had their time."""
        self._trail.vouch()
        if self._days:
            self._trail.trim(clock.now() - timedelta(days=self._days))
        self._meters.forget(clock.now() - KEPT)
        for work in self._housework:
            work()

    def _run(self) -> None:
        works: list[tuple[float, Callable[[], object]]] = [
            (self._tick, self._seal),
            (2.5 * self._tick, self._meters.flush),
            (10 * self._tick, self.watch),
            (_DAY_S, self._do_daily_work),
            *((self._tick, work) for work in self._often),
        ]
        # A server that is started anew every night comes to its daily work too.
        due = [time.monotonic() + min(every, _SETTLED_S) for every, _ in works]
        self._attempt(self._alarms.refresh)
        while not self._stopped.wait(self._tick):
            for number, (every, work) in enumerate(works):
                if time.monotonic() >= due[number]:
                    due[number] = time.monotonic() + every
                    self._attempt(work)

    def _seal(self) -> None:
        if self._trail.noted:
            self._trail.seal()

    def watch(self) -> None:
        """Look for alarms, unless a worker does."""
        if not self._alone or not self._manned():
            self._alarms.evaluate()

    def _do_daily_work(self) -> None:
        if self._alone and not self._manned():
            self.daily()

    def _attempt(self, work: Callable[[], object]) -> None:
        """Do something; what fails is tried again next time, and the others go on."""
        try:
            work()
        except (GuanxiError, SQLAlchemyError) as error:
            if not self._stopped.is_set():
                _log.warning("%s failed: %s", getattr(work, "__qualname__", work), error)
        except Exception:  # noqa: BLE001 - one defect must not end the rest
            _log.exception("%s failed", getattr(work, "__qualname__", work))
