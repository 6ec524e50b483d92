"""A small keep-alive HTTP client and a process watcher: what the bench measures with."""

from __future__ import annotations

import http.client
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
        """Close the connection."""
        self._connection.close()


@dataclass
class Server:
    """A web server started as a process of its own, with its children."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    port: int
    folder: Path
    probe: str = "/"
    started_in: float = 0.0
    """Seconds from the start of the process to its first answer."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait for its first answer.

        Raises:
            RuntimeError: it ended or did not answer within 60 seconds; the message holds its log.
        """
        log = self.folder / f"{self.name}.log"
        begin = time.perf_counter()
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                self.command, env=dict(self.environment), cwd=self.folder, stdout=stream, stderr=stream
            )
        while time.perf_counter() - begin < 60:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    Client(self.port, {}).send("GET", self.probe)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
                continue
            self.started_in = time.perf_counter() - begin
            return
        raise RuntimeError(f"{self.name} did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def _tree(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def cpu(self) -> float:
        """Return the CPU seconds that the process and its children have used."""
        return sum(sum(process.cpu_times()[:2]) for process in self._tree())

    def memory(self) -> float:
        """Return the proportional memory of the busiest web process in MiB."""
        return max(process.memory_full_info().pss for process in self._tree()) / 2**20

    def stop(self) -> None:
        """End it and its children."""
        if self.process is None:
            return
        for process in reversed(self._tree()):
            process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process = None


@dataclass(frozen=True)
class Timing:
    """What one round of one work cost."""

    median: float
    """Seconds."""
    p95: float
    cpu: float
    """CPU seconds a request, of the server alone."""
    size: int
    """Bytes of the last body."""


def timed(server: Server, client: Client, requests: Sequence[Request], expect: int) -> Timing:
    """Send requests one after the other and time each.

    Raises:
        RuntimeError: an answer has another status than `expect`.
    """
    seconds = []
    size = 0
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


def throughput(
    server: Server, headers: Mapping[str, str], requests: Callable[[int], Sequence[Request]], clients: int
) -> float:
    """Return requests a second that a server answers to several clients at once."""

    def work(number: int) -> None:
        client = Client(server.port, headers)
        for method, path, body in requests(number):
            client.send(method, path, body)
        client.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(len(requests(number)) for number in range(clients)) / (time.perf_counter() - begin)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
