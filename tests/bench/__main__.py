"""Times the generated application against the floor: `python -m tests.bench quick|full [--postgres] [--only W1,W2]`.

All servers are up at once, on the same WSGI server with as many workers; rounds are interleaved in random order; what
counts is the median over the rounds of each round's ratio. CPU seconds per request are judged first, latency second.
Answers are checked before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import people
from tests.bench.client import Client, Request, Server, Timing, free_port, throughput, timed
from tests.bench.ours import OurSite, sign_in

GOALS = {
    "W1": 1.5,
    "W2": 1.25,
    "W3a": 1.25,
    "W3b": 1.25,
    "W4": 1.25,
    "W4j": 1.25,
    "W5a": 1.25,
    "W5b": 1.25,
    "W6": 4.0,
    "W7": 1.1,
    "W8": 2.0,
    "W9": 3.0,
    "W10 start": 1.5,
    "W10 memory": 1.2,
    "16 clients": 1.25,
}
"""Ours divided by the tuned floor, at most; W6 is seconds, so 4.0 is a quarter of the rows a second."""
COLUMNS = "id,name,company,stage,source,country,city,amount,score,next_on,owner,updated_at"


@dataclass
class Side:
    """One system under test: its server and how it is asked."""

    name: str
    server: Server
    boss: Mapping[str, str]
    rep: Mapping[str, str]
    browser: Mapping[str, str]
    works: Mapping[str, tuple[str, int, Callable[[int], Sequence[Request]]]]
    """Work -> (who asks, status expected, requests of a round)."""
    timings: dict[str, list[Timing]] = field(default_factory=dict)


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="")


class Bodies:
    """Bodies of leads to create; every one has an external id that was never used."""

    def __init__(self, start: int) -> None:
        self._number = start
        self._rng = random.Random(start)

    def take(self, count: int) -> list[bytes]:
        """Return bodies for one round."""
        made = []
        for _ in range(count):
            self._number += 1
            made.append(json.dumps(people.lead(self._rng, self._number)).encode())
        return made


def floor_works(
    bodies: Bodies, ids: list[str], deep: str
) -> dict[str, tuple[str, int, Callable[[int], Sequence[Request]]]]:
    """Return the requests of each work as the floor takes them."""
    listing = "/api/leads?stage=qualified&country=CN"
    return {
        "W1": ("boss", 201, lambda n: [("POST", "/api/leads", body) for body in bodies.take(n)]),
        "W2": ("boss", 200, lambda n: [("GET", f"/api/leads/{random.choice(ids)}", None) for _ in range(n)]),
        "W3a": ("boss", 200, lambda n: [("GET", listing, None)] * n),
        "W3b": ("boss", 200, lambda n: [("GET", f"/api/leads?{deep}", None)] * n),
        "W4": ("browser", 200, lambda n: [("GET", "/leads", None)] * n),
        "W4j": ("rep", 200, lambda n: [("GET", listing, None)] * n),
        "W5a": ("boss", 200, lambda n: [("GET", "/api/leads?q=corlin", None)] * n),
        "W5b": ("boss", 200, lambda n: [("GET", f"/api/leads?q={_quote('张伟')}", None)] * n),
        "W7": ("boss", 200, lambda n: [("GET", "/api/sums", None)] * max(1, n // 5)),
        "W8": ("boss", 200, lambda n: [("POST", "/api/leads/bulk", _bulk_floor(ids)) for _ in range(max(1, n // 10))]),
    }


def _bulk_floor(ids: list[str]) -> bytes:
    return json.dumps({"ids": random.sample(ids, 1000), "values": {"city": random.choice(people.CITIES)}}).encode()


def our_works(
    bodies: Bodies, ids: list[str], deep: str
) -> dict[str, tuple[str, int, Callable[[int], Sequence[Request]]]]:
    """Return the same works as our API takes them."""
    base = "/api/v1/lead"
    condition = _quote("stage == 'qualified' and country == 'CN'")
    listing = f"{base}?filter={condition}&order=-amount&fields={COLUMNS}"
    sums = json.dumps(
        {"group_by": ["stage", "month(next_on)"], "aggregates": ["sum(amount)", "count()"], "limit": 200}
    ).encode()
    return {
        "W1": ("boss", 201, lambda n: [("POST", base, body) for body in bodies.take(n)]),
        "W2": ("boss", 200, lambda n: [("GET", f"{base}/{random.choice(ids)}", None) for _ in range(n)]),
        "W3a": ("boss", 200, lambda n: [("GET", listing, None)] * n),
        "W3b": (
            "boss",
            200,
            lambda n: [("GET", f"{base}?order=-amount&fields={COLUMNS}&cursor={_quote(deep)}", None)] * n,
        ),
        "W4": ("browser", 200, lambda n: [("GET", "/lead", None)] * n),
        "W4j": ("rep", 200, lambda n: [("GET", listing, None)] * n),
        "W5a": ("boss", 200, lambda n: [("GET", f"{base}?q=corlin&order=-amount&fields={COLUMNS}", None)] * n),
        "W5b": (
            "boss",
            200,
            lambda n: [("GET", f"{base}?q={_quote('张伟')}&order=-amount&fields={COLUMNS}", None)] * n,
        ),
        "W7": ("boss", 200, lambda n: [("POST", f"{base}/query", sums)] * max(1, n // 5)),
        "W8": ("boss", 200, lambda n: [("POST", f"{base}/bulk", _bulk_ours(ids)) for _ in range(max(1, n // 10))]),
    }


def _bulk_ours(ids: list[str]) -> bytes:
    values = {"city": random.choice(people.CITIES)}
    return json.dumps(
        {"atomic": True, "operations": [{"update": {"ids": random.sample(ids, 1000), "values": values}}]}
    ).encode()


def main() -> int:
    """Run the bench and print its table; the exit code is 1 when a ratio is beyond 1.5 times its goal."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("tier", choices=("quick", "full"))
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--postgres", metavar="URL", help="an empty database each for floor and ours: URL with {name} in it"
    )
    parser.add_argument("--store", type=Path)
    options = parser.parse_args()
    rows = options.rows or (20_000 if options.tier == "quick" else 100_000)
    only = set(filter(None, options.only.split(",")))
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        results = Bench(Path(folder), rows, options.rounds, options.workers, options.postgres, only).run()
    show(results, rows)
    if options.store:
        options.store.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return int(any(ratio > 1.5 * GOALS[work] for work, (ratio, *_rest) in results.items() if work in GOALS))


class Bench:
    """One run: it makes both systems, checks their answers, times them and stops them."""

    def __init__(
        self, folder: Path, rows: int, rounds: int, workers: int, postgres: str | None, only: set[str]
    ) -> None:
        self.folder, self.rows, self.rounds, self.workers, self.only = folder, rows, rounds, workers, only
        self._urls = {
            name: postgres.format(name=name) if postgres else f"sqlite:///{folder / name}.db"
            for name in ("floor", "plain", "ours")
        }
        self._postgres = postgres

    def run(self) -> dict[str, tuple[float, float, float, float]]:
        """Return by work: ratio of CPU or seconds, ratio of latency, floor's milliseconds, ours."""
        results: dict[str, tuple[float, float, float, float]] = {}
        floors = self._make_floor("floor", "tuned")
        site = OurSite(self.folder / "site", self._urls["ours"] if self._postgres else None)
        site.make()
        site.fill(self.rows)
        floor = Server(
            "floor", self._granian(floors), {**os.environ, "FLOOR_URL": self._urls["floor"]}, floors, self.folder
        )
        port = free_port()
        ours = Server("ours", site.command(port, self.workers), site.environment, port, self.folder, "/healthz")
        try:
            floor.start()
            ours.start()
            sides = self._sides(floor, ours, site)
            self._check(sides)
            results |= self._rounds(sides)
            results |= self._sixteen(sides)
            results["W10 start"] = _plain(floor.started_in, ours.started_in)
            results["W10 memory"] = _plain(floor.memory() / 1000, ours.memory() / 1000)
            if not self.only or "W9" in self.only:
                results["W9"] = self._add_field(sides, site)
            if not self.only or "W6" in self.only:
                results["W6"] = self._import(site)
        finally:
            floor.stop()
            ours.stop()
        return results

    def _make_floor(self, name: str, mode: str) -> int:
        subprocess.run(
            [sys.executable, "-m", "tests.bench.floor", "fill", self._urls[name], str(self.rows), mode],
            check=True,
            capture_output=True,
        )
        return free_port()

    def _granian(self, port: int) -> list[str]:
        root = Path(__file__).parents[2]
        return [
            str(Path(sys.executable).parent / "granian"),
            "tests.bench.floor:create_app",
            "--factory",
            "--interface",
            "wsgi",
            "--port",
            str(port),
            "--workers",
            str(self.workers),
            "--blocking-threads",
            "8",
            "--working-dir",
            str(root),
            "--log-level",
            "warning",
        ]

    def _sides(self, floor: Server, ours: Server, site: OurSite) -> list[Side]:
        boss = {"Authorization": "Bearer admin"}
        client = Client(floor.port, boss)
        ids, deep = [], ""
        for page in range(max(25, int(self.rows * 0.9 / 50))):
            body = json.loads(client.send("GET", f"/api/leads?{deep}").body)
            if page < 40:
                ids += [row["id"] for row in body["data"]]
            if body["next"]:
                deep = f"after={_quote(body['next'])}"
        client.close()
        sides = [
            Side(
                "floor",
                floor,
                boss,
                {"Authorization": "Bearer t1"},
                {"Cookie": "token=t1"},
                floor_works(Bodies(10**6), ids, deep),
            )
        ]
        our_boss = {"Authorization": f"Bearer {site.tokens['boss']}"}
        client = Client(ours.port, our_boss)
        mine, cursor = [], ""
        for page in range(max(25, int(self.rows * 0.9 / 50))):
            body = json.loads(
                client.send(
                    "GET",
                    f"/api/v1/lead?order=-amount&fields={COLUMNS}" + (f"&cursor={_quote(cursor)}" if cursor else ""),
                ).body
            )
            if page < 40:
                mine += [row["id"] for row in body["data"]]
            cursor = body["next"] or cursor
        client.close()
        browser = sign_in(ours.port, "rep1@example.com")
        rep = {"Authorization": f"Bearer {site.tokens['rep']}"}
        return [*sides, Side("ours", ours, our_boss, rep, browser, our_works(Bodies(2 * 10**6), mine, cursor))]

    def _check(self, sides: list[Side]) -> None:
        """Compare the answers of both systems before timing them."""
        for work in ("W3a", "W4j", "W5a", "W5b"):
            if self.only and work not in self.only:
                continue
            names = []
            for side in sides:
                who, _status, make = side.works[work]
                client = Client(side.server.port, getattr(side, who))
                [request, *_rest] = make(1)
                names.append([(row["name"], row["amount"]) for row in json.loads(client.send(*request).body)["data"]])
                client.close()
            if sorted(map(repr, names[0])) != sorted(map(repr, names[1])):
                raise RuntimeError(
                    f"{work}: the answers differ: {names[0][:3]} {len(names[0])} and {names[1][:3]} {len(names[1])}"
                )

    def _rounds(self, sides: list[Side]) -> dict[str, tuple[float, float, float, float]]:
        clients = {
            (side.name, who): Client(side.server.port, getattr(side, who))
            for side in sides
            for who in ("boss", "rep", "browser")
        }
        works = [work for work in sides[0].works if not self.only or work in self.only]
        for number in range(self.rounds + 1):
            for work in random.sample(works, len(works)):
                for side in random.sample(sides, len(sides)):
                    who, status, make = side.works[work]
                    timing = timed(side.server, clients[side.name, who], make(30), status)
                    if number:  # the first round warms up
                        side.timings.setdefault(work, []).append(timing)
        results = {}
        for work in works:
            pairs = list(zip(sides[0].timings[work], sides[1].timings[work], strict=True))
            cpu = statistics.median(ours.cpu / floor.cpu for floor, ours in pairs if floor.cpu)
            latency = statistics.median(ours.median / floor.median for floor, ours in pairs)
            results[work] = (
                cpu,
                latency,
                statistics.median(floor.median for floor, _ours in pairs) * 1000,
                statistics.median(ours.median for _floor, ours in pairs) * 1000,
            )
        return results

    def _sixteen(self, sides: list[Side]) -> dict[str, tuple[float, float, float, float]]:
        if self.only and "16" not in self.only:
            return {}
        speeds = []
        for side in sides:
            _who, _status, make = side.works["W3a"]
            speeds.append(throughput(side.server, side.boss, lambda _n, make=make: make(30), 16))
        return {"16 clients": _plain(1 / speeds[0], 1 / speeds[1])}

    def _add_field(self, sides: list[Side], site: OurSite) -> tuple[float, float, float, float]:
        """Add a field with the rows in place, until a record with it is stored."""
        took = []
        for side in sides:
            client = Client(side.server.port, side.boss)
            lead = people.lead(random.Random(5), 9_999_999)
            begin = time.perf_counter()
            if side.name == "floor":
                _floor_field(self._urls["floor"])
                # The floor's code would have to be restarted; its start is what a developer waits for.
                seconds = time.perf_counter() - begin + side.server.started_in
            else:
                _publish(site)
                answer = client.send("POST", "/api/v1/lead", json.dumps({**lead, "x_budget": "much"}).encode())
                seconds = time.perf_counter() - begin
                if answer.status != 201 or json.loads(answer.body).get("x_budget") != "much":
                    raise RuntimeError(f"W9: {answer.status} {answer.body[:300]!r}")
            took.append(seconds)
            client.close()
        return _plain(took[0], took[1])

    def _import(self, site: OurSite) -> tuple[float, float, float, float]:
        path = self.folder / "more.csv"
        count = 50_000 if self.rows >= 100_000 else 10_000
        people.write_csv(path, count, seed=11, start=5_000_000)
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tests.bench.floor", "load", self._urls["floor"], str(path)],
            check=True,
            capture_output=True,
        )
        floor = time.perf_counter() - begin
        begin = time.perf_counter()
        site.run("import", "lead", str(path))
        return _plain(floor, time.perf_counter() - begin)


def _floor_field(url: str) -> None:
    from tests.bench.floor import connect

    engine = connect(url)
    with engine.connect().execution_options(write=True) as connection:
        connection.exec_driver_sql("ALTER TABLE leads ADD COLUMN budget TEXT")
        connection.commit()
    engine.dispose()


def _publish(site: OurSite) -> None:
    path = site.folder / "schemas" / "lead.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\n  note:", "\n  x_budget: {type: text}\n  note:", 1), encoding="utf-8")
    site.run("publish")


def _plain(floor: float, ours: float) -> tuple[float, float, float, float]:
    return ours / floor, ours / floor, floor * 1000, ours * 1000


def show(results: Mapping[str, tuple[float, float, float, float]], rows: int) -> None:
    """Print the table."""
    out = sys.stdout.write
    out(f"\n{rows:,} rows; ours divided by the tuned floor of the same run\n")
    out(f"{'work':<12}{'cpu':>7}{'latency':>9}{'goal':>7}{'floor ms':>11}{'ours ms':>10}\n")
    for work, (cpu, latency, floor, ours) in results.items():
        goal = GOALS.get(work, 0)
        mark = "" if min(cpu, latency) <= goal else "  beyond the goal"
        out(f"{work:<12}{cpu:>7.2f}{latency:>9.2f}{goal:>7.2f}{floor:>11.2f}{ours:>10.2f}{mark}\n")


if __name__ == "__main__":
    sys.exit(main())
