"""What row rules cost: the lists of a rep and of managers against the same lists of an administrator.

`python -m tests.bench reach [--postgres]`: 200,000 deals, 500 people on five levels, 20,000 shares, of which a third
are accounts with all that hangs on them. One server, the product's own; rounds are interleaved, each person's cost is
divided by the administrator's of the same round.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import company
from tests.bench.client import Client, Server, Timing, free_port, timed
from tests.bench.ours import COMMAND, sign_in
from tests.bench.postgres import Postgres

GOAL = 1.2
ROUND = 20
PEOPLE = ("rep", "lowest", "head", "director")
_FIELDS = "id,name,account,stage,source,country,city,amount,score,owner,updated_at"
_CONDITION = urllib.parse.quote("stage == 'qualified' and country == 'CN'", safe="")
_BASE = f"/api/v1/deal?fields={_FIELDS}"
WORKS = {
    "list": f"{_BASE}&order=-updated_at",
    "two conditions": f"{_BASE}&order=-amount&filter={_CONDITION}",
    "list and count": f"{_BASE}&order=-updated_at&count=capped",
    "page": "/deal",
}


@dataclass(frozen=True)
class Ratio:
    """One person's list against the administrator's."""

    work: str
    who: str
    cpu: float
    """Median of the rounds' ratios of CPU."""
    latency: float
    boss_ms: float
    own_ms: float


def measure(folder: Path, postgres: Postgres | None, rows: int, rounds: int, say: Callable[[str], None]) -> list[Ratio]:
    """Make the company, serve it and return what each list costs each person."""
    say("making the company")
    url = postgres.url("ours") if postgres else None
    made = company.make(folder / "site", url, rows)
    if postgres:
        postgres.analyse("ours")
    tokens = {who: made.site.identity.add_token(user, "bench")[1] for who, user in made.who.items()}
    for user in made.who.values():
        made.site.identity.set_password(user, company.PASSWORD)
    emails = {who: made.site.identity.find(user).email for who, user in made.who.items()}
    made.close()
    environment = {**os.environ, "GUANXI_SITE": str(folder / "site")}
    environment.pop("DATABASE_URL", None)
    if url is not None:
        environment["DATABASE_URL"] = url
    port = free_port()
    clock = postgres.cpu if postgres else (lambda: 0.0)
    command = [str(COMMAND), "serve", "--port", str(port), "--workers", "1", "--without-worker"]
    server = Server("ours", command, environment, port, folder, clock)
    api = {who: {"Authorization": f"Bearer {token}"} for who, token in tokens.items()}
    try:
        server.start(("GET", WORKS["list"], None), api["boss"])
        browsers = {who: sign_in(port, email or "") for who, email in emails.items()}
        found: dict[tuple[str, str], list[Timing]] = {}
        for number in range(rounds + 1):
            say(f"round {number} of {rounds}")
            for work, path in WORKS.items():
                for who in random.sample(list(tokens), len(tokens)):
                    client = Client(port, browsers[who] if work == "page" else api[who])
                    timing = timed(server, client, [("GET", path, None)] * (ROUND if number else 3), 200)
                    client.close()
                    if number:
                        found.setdefault((work, who), []).append(timing)
    finally:
        server.stop()
    return [_ratio(work, who, found[work, who], found[work, "boss"]) for work in WORKS for who in PEOPLE]


def _ratio(work: str, who: str, mine: list[Timing], boss: list[Timing]) -> Ratio:
    pairs = list(zip(mine, boss, strict=True))
    return Ratio(
        work,
        who,
        statistics.median(own.cpu / other.cpu for own, other in pairs),
        statistics.median(own.median / other.median for own, other in pairs),
        statistics.median(each.cpu for each in boss) * 1000,
        statistics.median(each.cpu for each in mine) * 1000,
    )


def show(figures: list[Ratio], title: str) -> None:
    """Print the table."""
    out = sys.stdout.write
    out(f"\n{title}\nthe person's list divided by the administrator's: CPU (judged), latency; CPU ms\n")
    out(f"{'work':<16}{'who':<10}{'cpu':>6}{'latency':>9}{'admin ms':>10}{'own ms':>8}\n")
    for each in figures:
        mark = "" if each.cpu <= GOAL else "  beyond the goal"
        out(
            f"{each.work:<16}{each.who:<10}{each.cpu:>6.2f}{each.latency:>9.2f}{each.boss_ms:>10.2f}{each.own_ms:>8.2f}"
        )
        out(f"{mark}\n")
