"""A small keep-alive HTTP client and a process watcher: what the bench measures with."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

Request = tuple[str, str, bytes | None]
"""Method, path with query, body."""
Clock = Callable[[], float]
"""CPU seconds so far."""


@dataclass
class Answer:
    """What a server said."""

    status: int
    body: bytes


class Client:
    """One keep-alive connection to a server of this machine."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = dict(headers)

    def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request and read the whole answer."""
        headers = {**self._headers, "Content-Type": "application/json"} if body is not None else self._headers
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.read())

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()


def tree(pid: int) -> list[int]:
    """Return a process and those below it that still run."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [pid, *(child.pid for child in root.children(recursive=True))]
    return []


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process: to the nanosecond where the system tells, else in ticks of 10 ms."""
    with contextlib.suppress(OSError, OverflowError):
        # Linux derives the number of a process's CPU clock from its id like this (clock_getcpuclockid(3)).
        return time.clock_gettime((~pid << 3) | 2)
    with contextlib.suppress(psutil.NoSuchProcess):
        return sum(psutil.Process(pid).cpu_times()[:2])
    return 0.0


@dataclass
class Server:
    """A web server started as a process of its own, with its children."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    port: int
    folder: Path
    database: Clock = lambda: 0.0
    """CPU seconds of the database server, where there is one."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, request: Request, headers: Mapping[str, str]) -> tuple[float, float]:
        """Start it and return (CPU seconds, seconds) until it has answered a request with 200.

        Raises:
            RuntimeError: it ended or did not answer within 60 seconds; the message holds its log.
        """
        log = self.folder / f"{self.name}.log"
        begin = time.perf_counter()
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                self.command, env=dict(self.environment), cwd=self.folder, stdout=stream, stderr=stream
            )
        said = b""
        while time.perf_counter() - begin < 60 and self.process.poll() is None:
            try:
                client = Client(self.port, headers)
                answer = client.send(*request)
                client.close()
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)
                continue
            said = answer.body[:500]
            if answer.status != 200:
                break
            return self.cpu(), time.perf_counter() - begin
        raise RuntimeError(f"{self.name} did not start: {said!r}\n{log.read_text(errors='replace')[-2000:]}")

    def cpu(self) -> float:
        """Return the CPU seconds that the process and its children have used, and the database server."""
        own = sum(map(cpu_of, tree(self.process.pid))) if self.process else 0.0
        return own + self.database()

    def memory(self) -> float:
        """Return the proportional memory of the largest web process in MiB."""
        if self.process is None:
            return 0.0
        return max(psutil.Process(pid).memory_full_info().pss for pid in tree(self.process.pid)) / 2**20

    def stop(self) -> None:
        """End it and its children."""
        if self.process is None:
            return
        children = tree(self.process.pid)[1:]
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.process = None


@dataclass(frozen=True)
class Timing:
    """What one round of one work cost."""

    median: float
    """Seconds."""
    p95: float
    cpu: float
    """CPU seconds a request, of the server and its database."""
    size: int
    """Bytes of the last body."""


def timed(server: Server, client: Client, requests: Sequence[Request], expect: int) -> Timing:
    """Send requests one after the other and time each.

    Raises:
        RuntimeError: an answer has another status than `expect`.
    """
    seconds = []
    size = 0
    client.close()  # its turn may have come so late that the server has let go of the connection
    before = server.cpu()
    for method, path, body in requests:
        begin = time.perf_counter()
        answer = client.send(method, path, body)
        seconds.append(time.perf_counter() - begin)
        if answer.status != expect:
            raise RuntimeError(f"{server.name} {method} {path}: {answer.status} {answer.body[:300]!r}")
        size = len(answer.body)
    cpu = (server.cpu() - before) / len(requests)
    seconds.sort()
    return Timing(statistics.median(seconds), seconds[int(len(seconds) * 0.95)], cpu, size)


def crowd(
    server: Server, headers: Mapping[str, str], work: Sequence[Sequence[Request]], expect: int
) -> tuple[float, float]:
    """Return (CPU seconds, seconds) for each request of clients that ask at once; each has requests of its own.

    Raises:
        RuntimeError: an answer has another status than `expect`.
    """
    wrong: list[Answer] = []

    def ask(mine: Sequence[Request]) -> None:
        client = Client(server.port, headers)
        for request in mine:
            answer = client.send(*request)
            if answer.status != expect:
                wrong.append(answer)
        client.close()

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in work]
    before, begin = server.cpu(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise RuntimeError(f"{server.name}: {wrong[0].status} {wrong[0].body[:300]!r}")
    count = sum(map(len, work))
    return (server.cpu() - before) / count, (time.perf_counter() - begin) / count


@dataclass(frozen=True)
class Done:
    """What a command cost that ran to its end."""

    cpu: float
    """CPU seconds of it and of what it started."""
    seconds: float
    memory: float
    """The most proportional memory that it had, in MiB, looked at twenty times a second."""


def watched(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Done:
    """Run a command to its end and return what it cost.

    Raises:
        RuntimeError: it failed; the message holds the end of what it said.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin, peak = time.perf_counter(), 0
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=dict(environment), stdout=stream, stderr=stream)
    while process.poll() is None:
        for pid in tree(process.pid):
            with contextlib.suppress(psutil.Error):
                peak = max(peak, psutil.Process(pid).memory_full_info().pss)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise RuntimeError(f"{command}: {process.returncode} {log.read_text(errors='replace')[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return Done(cpu, seconds, peak / 2**20)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
