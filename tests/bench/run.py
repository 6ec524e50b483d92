"""One run of the bench: it makes the systems, checks that they answer alike, times them in turns and stops them."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.bench import floor as hand_written
from tests.bench import people
from tests.bench.client import Client, Server, crowd, free_port, timed, watched
from tests.bench.ours import OurSite, sign_in
from tests.bench.peers import known
from tests.bench.peers.base import Peer
from tests.bench.postgres import Postgres
from tests.bench.works import FLOOR_LIST, OUR_LIST, Side, compare, floor_pages, our_pages, plain_pages

ROUND = 30
"""Requests of a round, for a work of the usual weight."""
FEW = 3
"""Rounds of what takes seconds: starts and imports."""
TENTH = 10
MOST_MEMORY = 300.0
"""MiB that an import may take, however long its file is."""
CROWDS = {"W1": 10, "W2": 20, "W3a": 20}
"""Works that 16 clients ask at once, with the size of a round of each."""


@dataclass(frozen=True)
class Cost:
    """What something cost: CPU seconds and seconds."""

    cpu: float
    seconds: float


@dataclass(frozen=True)
class Figure:
    """One work: ours against the tuned floor, and the plain floor against the tuned one."""

    cpu: float
    """Median of the rounds' ratios of CPU."""
    least: float
    most: float
    latency: float
    """Median of the rounds' ratios of time."""
    floor: Cost
    ours: Cost
    plain: float | None = None
    size: int = 0
    """Bytes of our answer."""
    peers: Mapping[str, tuple[float, Cost]] = field(default_factory=dict)
    """Name of a peer -> (its CPU against the tuned floor's, what it cost)."""


@dataclass(frozen=True)
class Options:
    """What a run is asked to do."""

    rows: int
    rounds: int = 5
    workers: int = 1
    only: frozenset[str] = frozenset()
    peers: Path | None = None
    """Where peers are installed."""

    def wants(self, *works: str) -> bool:
        """Say whether one of the works is asked for."""
        return not self.only or not self.only.isdisjoint(works)


class Bench:
    """The tuned floor, the plain floor and ours, side by side."""

    def __init__(self, folder: Path, options: Options, postgres: Postgres | None, say: Callable[[str], None]) -> None:
        self.folder, self.options, self._postgres, self._say = folder, options, postgres, say
        self.figures: dict[str, Figure] = {}
        self._site = OurSite(folder / "site", self._url("ours") if postgres else None)
        self._sides: list[Side] = []
        urls = {name: self._url(name) for name in known.names()} if postgres else None
        self._peers, self.not_run = known.found(options.peers, folder, urls)

    def run(self) -> dict[str, Figure]:
        """Return what was measured, by work."""
        try:
            self._prepare()
            self._start()
            works = [work for work in self._sides[0].works if self.options.wants(work)]
            self._say("comparing answers")
            compare(self._sides, works)
            self._rounds(works)
            compare(self._sides, [work for work in works if work in {"W3a", "W7"}])
            if self.options.wants("16"):
                self._sixteen()
            if self.options.wants("W9"):
                self._say("W9")
                self._add_field()
            if self.options.wants("W6"):
                self._import()
        finally:
            for side in self._sides:
                side.server.stop()
            if hasattr(self._site, "site"):
                self._site.close()
        return self.figures

    # --- systems --------------------------------------------------------------------------------------------------

    def _url(self, name: str) -> str:
        return self._postgres.url(name) if self._postgres else f"sqlite:///{self.folder / name}.db"

    def _prepare(self) -> None:
        self._say("making the floors")
        for name in ("floor", "plain"):
            subprocess.run(self._by_hand("fill", name, str(self.options.rows)), check=True, capture_output=True)
        self._say("making our site")
        self._site.make()
        self._site.fill(self.options.rows)
        for peer in self._peers:
            self._say(f"making {peer.name}")
            peer.make(self.options.rows)
        if self._postgres:
            for name in ("floor", "plain", "ours", *(peer.name for peer in self._peers)):
                self._postgres.analyse(name)

    def _by_hand(self, command: str, name: str, argument: str) -> list[str]:
        mode = "plain" if name == "plain" else "tuned"
        return [sys.executable, "-m", "tests.bench.floor", command, self._url(name), argument, mode]

    def _start(self) -> None:
        for name in ("floor", "plain"):
            port = free_port()
            mode = "plain" if name == "plain" else "tuned"
            environment = {**os.environ, "FLOOR_URL": self._url(name), "FLOOR_MODE": mode}
            server = self._server(name, self._granian(port), environment, port)
            mine = Side(name, server, {"Authorization": "Bearer admin"}, {"Authorization": "Bearer t1"},
                        {"Cookie": "token=t1"})  # fmt: skip
            self._sides.append(mine)
        port = free_port()
        server = self._server("ours", self._site.command(port, self.options.workers), self._site.environment, port)
        tokens = {who: {"Authorization": f"Bearer {token}"} for who, token in self._site.tokens.items()}
        self._sides.append(Side("ours", server, tokens["boss"], tokens["rep"], {}))
        self._starts()
        rows = self.options.rows
        for side, pages in zip(self._sides, (floor_pages, plain_pages, our_pages), strict=False):
            side.works = pages(side.server, side.boss, rows)
        self._sides[2].browser = sign_in(port, "rep1@example.com")
        for peer in self._peers:
            self._start_peer(peer)

    def _start_peer(self, peer: Peer) -> None:
        port = free_port()
        environment = {**peer.environment, "PORT": str(port)}
        server = self._server(peer.name, peer.command(port, self.options.workers), environment, port)
        side = Side(peer.name, server, peer.boss, peer.rep, {}, told=peer.told)
        self._sides.append(side)
        server.start(("GET", peer.first, None), peer.boss)
        side.works = peer.pages(server, self.options.rows)

    def _server(self, name: str, command: Sequence[str], environment: dict[str, str], port: int) -> Server:
        clock = self._postgres.cpu if self._postgres else (lambda: 0.0)
        return Server(name, command, environment, port, self.folder, clock)

    def _granian(self, port: int) -> list[str]:
        return [
            str(Path(sys.executable).parent / "granian"), "tests.bench.floor:create_app", "--factory",
            "--interface", "wsgi", "--port", str(port), "--workers", str(self.options.workers),
            "--blocking-threads", "8", "--working-dir", str(Path(__file__).parents[2]), "--log-level", "error",
        ]  # fmt: skip

    # --- what is measured -------------------------------------------------------------------------------------------

    def _starts(self) -> None:
        """Start all servers, several times when that is asked for; they stay up after the last time."""
        self._say("W10")
        costs: dict[str, list[Cost]] = {side.name: [] for side in self._sides}
        memory: dict[str, list[float]] = {side.name: [] for side in self._sides}
        times = FEW if self.options.wants("W10") else 1
        for number in range(times):
            for side in random.sample(self._sides, len(self._sides)):
                listing = OUR_LIST if side.name == "ours" else FLOOR_LIST
                before = self._postgres.cpu() if self._postgres else 0.0
                cpu, seconds = side.server.start(("GET", listing, None), side.boss)
                costs[side.name].append(Cost(cpu - before, seconds))
                memory[side.name].append(side.server.memory())
                if number < times - 1:
                    side.server.stop()
        if self.options.wants("W10"):
            self._note("W10 start", costs)
            # Megabytes stand where seconds do; the table says so.
            self._note("W10 memory", {name: [Cost(each, each) for each in found] for name, found in memory.items()})

    def _rounds(self, works: Sequence[str]) -> None:
        clients = {
            (side.name, who): Client(side.server.port, side.headers(who))
            for side in self._sides
            for who in ("boss", "rep", "browser")
        }
        for number in range(self.options.rounds + 1):
            self._say(f"round {number} of {self.options.rounds}")
            for work in random.sample(works, len(works)):
                for side in random.sample(self._sides, len(self._sides)):
                    if work not in side.works:
                        continue
                    asked = side.works[work]
                    # The first round warms up.
                    requests = asked.requests(ROUND if number else 5)
                    timing = timed(side.server, clients[side.name, asked.who], requests, asked.status)
                    if number:
                        side.timings.setdefault(work, []).append(timing)
        for work in works:
            costs = {
                side.name: [Cost(each.cpu, each.median) for each in side.timings[work]]
                for side in self._sides
                if work in side.timings
            }
            self._note(work, costs, self._sides[2].timings[work][-1].size)

    def _sixteen(self) -> None:
        """Let 16 clients ask at once; what counts beside CPU is how many answers there are in a second."""
        self._say("16 clients")
        for work, each in CROWDS.items():
            sides = [side for side in self._sides if work in side.works]
            costs: dict[str, list[Cost]] = {side.name: [] for side in sides}
            for _ in range(FEW):
                for side in random.sample(sides, len(sides)):
                    found = side.works[work]
                    asked = [found.requests(each) for _ in range(16)]
                    costs[side.name].append(Cost(*crowd(side.server, side.headers(found.who), asked, found.status)))
            self._note(f"16 {work}", costs)

    def _add_field(self) -> None:
        """Add a field with the rows in place, until a record with it is stored.

        The floor's developer has the ALTER and the INSERT at hand and restarts nothing; ours is published by a site
        that is open and stored by a server that only learns of it with that request.
        """
        costs: dict[str, list[Cost]] = {"floor": [], "ours": []}
        floor, ours = self._sides[0], self._sides[2]
        engine = hand_written.connect(self._url("floor"))
        engine.connect().close()
        client = Client(ours.server.port, ours.boss)
        for number in range(FEW):
            lead = people.lead(random.Random(number), 9_000_000 + number)
            key = f"x_budget_{number}"
            begin, cpu = time.perf_counter(), time.process_time() + floor.server.database()
            hand_written.add_field(engine, key, lead)
            spent = time.process_time() + floor.server.database() - cpu
            costs["floor"].append(Cost(spent, time.perf_counter() - begin))
            begin, cpu = time.perf_counter(), time.process_time() + ours.server.cpu()
            self._site.add_field(key)
            answer = client.send("POST", "/api/v1/lead", json.dumps({**lead, key: "much"}).encode())
            spent = time.process_time() + ours.server.cpu() - cpu
            costs["ours"].append(Cost(spent, time.perf_counter() - begin))
            if answer.status != 201 or json.loads(answer.body).get(key) != "much":
                raise RuntimeError(f"W9: {answer.status} {answer.body[:300]!r}")
        client.close()
        engine.dispose()
        self._note("W9", costs)

    def _import(self) -> None:
        count = 50_000 if self.options.rows >= 100_000 else 10_000
        costs: dict[str, list[Cost]] = {"floor": [], "plain": [], "ours": []}
        peaks: list[float] = []
        before = self._count()
        for number in range(FEW):
            self._say(f"W6 ({count:,} rows, {number + 1} of {FEW})")
            path = self.folder / f"more_{number}.csv"
            people.write_csv(path, count, seed=11 + number, start=5_000_000 + number * count)
            for name in random.sample(("floor", "plain", "ours"), 3):
                database = self._postgres.cpu() if self._postgres else 0.0
                command, environment = self._loading(name, path)
                done = watched(command, environment, self.folder / f"{name}.load.log")
                spent = done.cpu + (self._postgres.cpu() - database if self._postgres else 0.0)
                costs[name].append(Cost(spent, done.seconds))
                if name == "ours":
                    peaks.append(done.memory)
            for peer in self._peers if number == 0 else ():
                costs[peer.name] = [self._peer_import(peer, count // TENTH)]
        self._note("W6", costs)
        # Megabytes stand where seconds do, and the goal stands where the floor does; the table says so.
        limit = [Cost(MOST_MEMORY, MOST_MEMORY)] * FEW
        self._note("W6 memory", {"floor": limit, "ours": [Cost(each, each) for each in peaks]})
        if self._count() != before + FEW * count:
            raise RuntimeError(f"W6: {self._count() - before} rows arrived")

    def _peer_import(self, peer: Peer, count: int) -> Cost:
        """Let a peer import a tenth of the rows, for it takes minutes; return what all of them would cost."""
        self._say(f"W6 {peer.name} ({count:,} rows)")
        path = self.folder / f"{peer.name}_more.csv"
        people.write_csv(path, count, seed=17, start=8_000_000)
        side = next(each for each in self._sides if each.name == peer.name)
        database = self._postgres.cpu() if self._postgres else 0.0
        cpu, seconds = peer.load(path, side.server)
        cpu += self._postgres.cpu() - database if self._postgres else 0.0
        return Cost(cpu * TENTH, seconds * TENTH)

    def _loading(self, name: str, path: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        if name == "ours":
            return self._site.loading(path), self._site.environment
        return self._by_hand("load", name, str(path)), os.environ

    def _count(self) -> int:
        client = Client(self._sides[2].server.port, self._sides[2].boss)
        answer = client.send("POST", "/api/v1/lead/query", json.dumps({"aggregates": ["count()"]}).encode())
        client.close()
        return int(json.loads(answer.body)["data"][0]["count()"])

    def _note(self, work: str, costs: dict[str, list[Cost]], size: int = 0) -> None:
        """Put the costs of all rounds together."""
        floor, ours, plain = costs["floor"], costs["ours"], costs.get("plain", [])
        others = {name: found for name, found in costs.items() if name not in {"floor", "ours", "plain"}}
        ratios = sorted(mine.cpu / theirs.cpu for theirs, mine in zip(floor, ours, strict=True))
        self.figures[work] = Figure(
            cpu=statistics.median(ratios),
            least=ratios[0],
            most=ratios[-1],
            latency=statistics.median(m.seconds / f.seconds for f, m in zip(floor, ours, strict=True)),
            floor=_median(floor),
            ours=_median(ours),
            plain=statistics.median(p.cpu / f.cpu for f, p in zip(floor, plain, strict=True)) if plain else None,
            size=size,
            peers={
                name: (statistics.median(p.cpu / f.cpu for f, p in zip(floor, found, strict=False)), _median(found))
                for name, found in others.items()
            },
        )


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(each.cpu for each in costs), statistics.median(each.seconds for each in costs))


def stored(figures: dict[str, Figure], **about: object) -> str:
    """Return the figures as JSON."""
    return json.dumps({**about, "figures": {work: asdict(each) for work, each in figures.items()}}, indent=1)


__all__ = ["Bench", "Figure", "Options", "stored"]
