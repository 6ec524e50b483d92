"""A site that is served as people serve it: a web server and a worker, each a process that can be ended hard."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from tests.bench.client import free_port

ROOT = Path(__file__).parents[3]
_CODE = "from ui.cli import main; main()"


def until(true: Callable[[], bool], what: str, seconds: float = 600.0) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: it was not so in time; the message says what.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.03)


class Served:
    """The processes of one site.

    Args:
        folder: of the site.
        environment: of the processes.
        together: whether the server has the worker beside it (`serve --with-worker`), or each is begun by itself.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], *, together: bool) -> None:
        self._folder, self._together = folder, together
        self._environment = {**environment, "PYTHONPATH": str(ROOT)}
        self.port = free_port()
        self.kills = 0
        self._web: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._log = (folder / "served.log").open("ab")

    def revive(self) -> None:
        """Begin whatever does not run; the server answers when this returns.

        Raises:
            RuntimeError: the server ended; the message has what it said.
            TimeoutError: it does not answer.
        """
        if self._web_ended():
            beside = "--with-worker" if self._together else "--without-worker"
            self._web = self._begin("serve", "--port", str(self.port), beside)
        if not self._together and (self._worker is None or self._worker.poll() is not None):
            self._worker = self._begin("worker", "--threads", "2")
        until(lambda: self.answers() or self._web_ended(), "the server answers")
        if self._web_ended():
            raise RuntimeError(f"the server ended: {self.log()}")

    def _begin(self, command: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", _CODE, command, "--site", str(self._folder), *words],
            env=self._environment, cwd=self._folder, stdout=self._log, stderr=self._log,
        )  # fmt: skip

    def _web_ended(self) -> bool:
        return self._web is None or self._web.poll() is not None

    def answers(self) -> bool:
        """Say whether the server answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
        return False

    def kill_web(self) -> None:
        """End the server hard, with every process that answers for it; a worker beside it sees to itself."""
        assert self._web is not None
        doomed = [self._web.pid, *(pid for pid, words in self._below(self._web) if "--beside" not in words)]
        self._end(doomed)
        self._web.wait()

    def kill_worker(self) -> None:
        """End the worker hard."""
        if self._together:
            assert self._web is not None
            self._end([pid for pid, words in self._below(self._web) if "--beside" in words])
        elif self._worker is not None:
            self._end([self._worker.pid])
            self._worker.wait()

    def _end(self, pids: list[int]) -> None:
        self.kills += 1
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @staticmethod
    def _below(process: subprocess.Popen[bytes]) -> list[tuple[int, list[str]]]:
        found = []
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    found.append((child.pid, child.cmdline()))
        return found

    def log(self) -> str:
        """Return the end of what the processes have said."""
        return (self._folder / "served.log").read_text(encoding="utf-8", errors="replace")[-3_000:]

    def stop(self) -> None:
        """End all of it, gently."""
        for process in (self._web, self._worker):
            if process is None or process.poll() is not None:
                continue
            below = [pid for pid, _ in self._below(process)]
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._log.close()
