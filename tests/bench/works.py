"""The works: what each side is asked, and how its answers are told so that they can be compared."""

from __future__ import annotations

import json
import random
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench import people
from tests.bench.client import Client, Request, Server, Timing

COLUMNS = "id,name,company,stage,source,country,city,amount,score,next_on,owner,updated_at"
PAGES_OF_IDS = 40
"""Pages whose records W2 and W8 work on."""
Requests = Callable[[int], Sequence[Request]]


@dataclass(frozen=True)
class Work:
    """Who asks (boss, rep, browser), what status is right, and the requests of a round by its size."""

    who: str
    status: int
    requests: Requests


@dataclass
class Side:
    """One system under test: its server and how it is asked."""

    name: str
    server: Server
    boss: Mapping[str, str]
    rep: Mapping[str, str]
    browser: Mapping[str, str]
    works: Mapping[str, Work] = field(default_factory=dict)
    told: Callable[[str, Any], Any] = lambda _work, body: body
    """Brings the JSON of an answer into the shape that the floor gives."""
    timings: dict[str, list[Timing]] = field(default_factory=dict)

    def headers(self, who: str) -> Mapping[str, str]:
        """Return the headers of somebody's requests."""
        found: Mapping[str, str] = getattr(self, who)
        return found


def quote(text: str) -> str:
    """Return a text as part of an address."""
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


FLOOR_LIST = "/api/leads?stage=qualified&country=CN"
_BASE = "/api/v1/lead"
_CONDITION = "stage == 'qualified' and country == 'CN'"
OUR_LIST = f"{_BASE}?filter={quote(_CONDITION)}&order=-amount&fields={COLUMNS}"


def floor_works(ids: list[str], deep: str) -> dict[str, Work]:
    """Return the works as the floor takes them; `deep` = parameters of the page around nine tenths of the rows."""
    bodies = Bodies(10**6)

    return {
        "W1": Work("boss", 201, lambda n: [("POST", "/api/leads", body) for body in bodies.take(n)]),
        "W2": Work("boss", 200, lambda n: [("GET", f"/api/leads/{random.choice(ids)}", None) for _ in range(2 * n)]),
        "W3a": same("boss", FLOOR_LIST),
        "W3b": same("boss", f"/api/leads?{deep}"),
        "W4": same("browser", "/leads"),
        "W4j": same("rep", FLOOR_LIST),
        "W5a": same("boss", "/api/leads?q=corlin"),
        "W5b": same("boss", f"/api/leads?q={quote('张伟')}"),
        "W7": Work("boss", 200, lambda n: [("GET", "/api/sums", None)] * max(1, n // 5)),
        "W8": Work("boss", 200, lambda n: [("POST", "/api/leads/bulk", bulk_body(ids)) for _ in range(max(1, n // 7))]),
    }


def our_works(ids: list[str], deep: str) -> dict[str, Work]:
    """Return the same works as our API and our screens take them; `deep` = the cursor of that page."""
    bodies = Bodies(10**6)
    wanted = f"order=-amount&fields={COLUMNS}"
    sums = json.dumps(
        {"group_by": ["stage", "month(next_on)"], "aggregates": ["sum(amount)", "count()"], "limit": 200}
    ).encode()

    def bulk() -> bytes:
        update = {"ids": random.sample(ids, 1000), "values": {"city": city()}}
        return json.dumps({"atomic": True, "operations": [{"update": update}]}).encode()

    return {
        "W1": Work("boss", 201, lambda n: [("POST", _BASE, body) for body in bodies.take(n)]),
        "W2": Work("boss", 200, lambda n: [("GET", f"{_BASE}/{random.choice(ids)}", None) for _ in range(2 * n)]),
        "W3a": same("boss", OUR_LIST),
        "W3b": same("boss", f"{_BASE}?{wanted}&cursor={quote(deep)}"),
        "W4": same("browser", "/lead"),
        "W4j": same("rep", OUR_LIST),
        "W5a": same("boss", f"{_BASE}?q=corlin&{wanted}"),
        "W5b": same("boss", f"{_BASE}?q={quote('张伟')}&{wanted}"),
        "W7": Work("boss", 200, lambda n: [("POST", f"{_BASE}/query", sums)] * max(1, n // 5)),
        "W8": Work("boss", 200, lambda n: [("POST", f"{_BASE}/bulk", bulk()) for _ in range(max(1, n // 7))]),
    }


def bulk_body(ids: Sequence[str]) -> bytes:
    """Return what changes one field of a thousand records."""
    return json.dumps({"ids": random.sample(ids, 1000), "values": {"city": city()}}).encode()


def same(who: str, path: str) -> Work:
    """Return a work that asks the same again and again."""
    return Work(who, 200, lambda n: [("GET", path, None)] * n)


def city() -> str:
    """Return some city."""
    return random.choice(people.CITIES)


def walk(server: Server, headers: Mapping[str, str], first: str, onward: str, rows: int) -> tuple[list[str], str]:
    """Walk a list to nine tenths of its rows; return ids of its first pages and where the last page begins."""
    client = Client(server.port, headers)
    ids: list[str] = []
    at, path = "", first
    for page in range(_pages(rows)):
        body = json.loads(client.send("GET", path).body)
        if page < PAGES_OF_IDS:
            ids += [row["id"] for row in body["data"]]
        if not body["next"]:
            break
        at = body["next"]
        path = onward + quote(at)
    client.close()
    return ids, at


def _pages(rows: int) -> int:
    return max(PAGES_OF_IDS, int(rows * 0.9 / 50))


def floor_pages(server: Server, headers: Mapping[str, str], rows: int) -> dict[str, Work]:
    """Return the floor's works with records of its own."""
    ids, at = walk(server, headers, "/api/leads", "/api/leads?after=", rows)
    return floor_works(ids, f"after={quote(at)}")


def plain_pages(server: Server, headers: Mapping[str, str], rows: int) -> dict[str, Work]:
    """Return the plain floor's works: its deep page is an OFFSET."""
    ids, _ = walk(server, headers, "/api/leads", "/api/leads?after=", 0)
    return floor_works(ids, f"offset={_pages(rows) * 50}")


def our_pages(server: Server, headers: Mapping[str, str], rows: int) -> dict[str, Work]:
    """Return our works with records of our own."""
    first = f"{_BASE}?order=-amount&fields={COLUMNS}"
    ids, at = walk(server, headers, first, f"{first}&cursor=", rows)
    return our_works(ids, at)


# ---------------------------------------------------------------------------------------------- the same answers


def told(work: str, body: bytes, shaped: Callable[[str, Any], Any]) -> Any:
    """Return an answer in words that all systems share."""
    if work == "W4":
        return body.count(b"<tr") > 50
    found = shaped(work, json.loads(body))
    if work == "W2":
        return sorted(found.keys() & set(people.FIELDS))
    if work == "W7":
        rows = found if isinstance(found, list) else [list(row.values()) for row in found["data"]]
        return sorted((stage, month, str(total), count) for stage, month, total, count in rows)
    return [tuple(row[key] for key in ("name", "company", "amount", "stage", "next_on")) for row in found["data"]]


CHECKED = ("W2", "W3a", "W3b", "W4", "W4j", "W5a", "W5b", "W7")
"""Works that read. Those that write are checked by what the others read afterwards."""


def compare(sides: Sequence[Side], works: Sequence[str]) -> None:
    """Ask all sides the same and compare what they say.

    Raises:
        RuntimeError: two answers differ.
    """
    for work in works:
        if work not in CHECKED:
            continue
        answers = []
        for side in sides:
            if work not in side.works:
                continue
            asked = side.works[work]
            client = Client(side.server.port, side.headers(asked.who))
            answer = client.send(*asked.requests(1)[0])
            client.close()
            if answer.status != asked.status:
                raise RuntimeError(f"{work} {side.name}: {answer.status} {answer.body[:500]!r}")
            answers.append((side.name, told(work, answer.body, side.told)))
        for name, answer_of in answers[1:]:
            if answer_of != answers[0][1]:
                raise RuntimeError(
                    f"{work}: {answers[0][0]} and {name} differ:\n{str(answers[0][1])[:600]}\n{str(answer_of)[:600]}"
                )
