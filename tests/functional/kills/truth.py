"""What a site is asked to do while its processes are killed, and what must be true of it afterwards."""

from __future__ import annotations

import csv
import http.client
import io
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import SYSTEM, EndpointWish, ExportOptions, NotFound, Query, Site, parse
from engine.outbound import Allowance
from engine.storage.database import run
from tests.bench import people
from tests.bench.ours import OurSite
from tests.functional.kills.receiver import Receiver
from tests.functional.kills.served import until

CHUNK = 500
WRONG = 97
"""Every so many-th row of a file has a score that is none."""
CREATED = 8
"""Records that a program makes in a round, one by one, besides a few at once."""
AT_ONCE = 5
PAUSE_S = 0.1
TOLD = "BR"
"""Changes of records of this country are told; of a file that is every fiftieth row."""
WAIT_S = 900.0
"""How long a machine with other things to do may take for what it does in seconds; nothing here is about speed."""
_READ_MS = int(WAIT_S * 1000)
"""What the test reads to compare is no request of a person, whose limit does not hold for it."""


@dataclass
class Asked:
    """What one round has asked for."""

    number: int
    good: list[str] = field(default_factory=list)
    """External ids of the rows that can be taken, in the order of the file."""
    bad: list[str] = field(default_factory=list)
    run: Any = None
    export: Any = None
    made: dict[str, str] = field(default_factory=dict)
    """Name of a record that the program made -> its id, as the site has answered."""
    thread: threading.Thread | None = None
    errors: list[str] = field(default_factory=list)


class World:
    """The site of the bench with a boss, a receiver, and a program that makes records."""

    def __init__(self, folder: Path, url: str | None, receiver: Receiver) -> None:
        self.receiver = receiver
        self.caught: Counter[str] = Counter()
        """What was under way -> how many kills there were meanwhile."""
        self.made = OurSite(folder / "site", url)
        self.made.make()
        config = self.made.folder / "guanxi.yaml"
        config.write_text(config.read_text(encoding="utf-8") + "\noutbound: {allow: [127.0.0.1]}\n", encoding="utf-8")
        self.folder, self.environment = self.made.folder, self.made.environment
        site = self.made.site
        site.outbound.allowance = Allowance(["127.0.0.1"])
        self.made.fill(CHUNK)
        self.boss = site.identity.principal(site.identity.add("Ada", "ada@example.com", ["boss", "admin"]))
        wish = EndpointWish("Receiver", self.receiver.url, "lead", ("created",), condition=f"country == '{TOLD}'")
        self.endpoint = site.webhooks.endpoints.create(self.boss, wish)[0]

    @property
    def site(self) -> Site:
        """The site, open in this process too."""
        return self.made.site

    def close(self) -> None:
        """Let go of the database."""
        self.made.close()

    # --- asking -----------------------------------------------------------------------------------------------------

    def ask(self, number: int, rows: int, port: int) -> Asked:
        """Begin an import, an export and a program, all at once."""
        asked = Asked(number)
        stream = io.StringIO()
        writer = csv.DictWriter(stream, people.FIELDS)
        writer.writeheader()
        for place, lead in enumerate(people.leads(rows, seed=number, start=number * 10**6)):
            lead["city"] = f"R{number}"
            if place % WRONG == WRONG - 1:
                lead["score"] = "much"
            (asked.bad if lead["score"] == "much" else asked.good).append(str(lead["external_id"]))
            writer.writerow(lead)
        site = self.site
        drafted = site.imports.start(self.boss, "lead", io.BytesIO(stream.getvalue().encode()), f"round {number}.csv")
        asked.run = site.imports.begin(self.boss, drafted, trial=False)
        kind: Any = ("csv", "jsonl")[number % 2]
        asked.export = site.exports.ask(self.boss, "lead", ExportOptions(kind, fields=("external_id", "name", "city")))
        asked.thread = threading.Thread(target=self._program, args=(asked, port))
        asked.thread.start()
        return asked

    def _program(self, asked: Asked, port: int) -> None:
        """Make records, and ask again with the same key whenever no answer came."""
        for place in range(CREATED):
            name = f"Made {asked.number}-{place}"
            one = {"name": name, "country": TOLD, "city": f"P{asked.number}"}
            found = self._insist(asked, port, "/api/v1/lead", one, name)
            asked.made[name] = found["id"]
            time.sleep(PAUSE_S)
        many = [{"name": f"Many {asked.number}-{place}", "city": f"P{asked.number}"} for place in range(AT_ONCE)]
        body = {"atomic": True, "operations": [{"create": each} for each in many]}
        found = self._insist(asked, port, "/api/v1/lead/bulk", body, f"many {asked.number}")
        for each, result in zip(many, found["data"], strict=False):
            asked.made[each["name"]] = result["id"]

    def _insist(self, asked: Asked, port: int, path: str, body: Any, key: str) -> Any:
        headers = {
            "Authorization": f"Bearer {self.made.tokens['boss']}", "Content-Type": "application/json",
            "Idempotency-Key": key,
        }  # fmt: skip
        deadline = time.monotonic() + WAIT_S
        said = "nothing"
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request("POST", path, json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status in {200, 201}:
                    return json.loads(text)
                said = f"{answer.status} {text[:300]!r}"
                if answer.status not in {409, 429, 503}:
                    break
            except (OSError, http.client.HTTPException) as error:
                said = repr(error)
            finally:
                connection.close()
            time.sleep(0.1)
        asked.errors.append(f"{key}: {said}")
        return {"id": "", "data": []}

    def wait(self, asked: Asked, chance: random.Random) -> None:
        """Wait for a moment to kill something at: any, or one at which rows of the file are there, but not all."""
        if chance.random() < 0.5:
            time.sleep(chance.choice((0.0, chance.uniform(0.0, 0.5), chance.uniform(0.0, 2.0))))
            return
        until(lambda: bool(self._stored(asked)), "the first rows", WAIT_S)
        time.sleep(chance.uniform(0.0, 0.3))

    # --- what must be true ------------------------------------------------------------------------------------------

    def check_meanwhile(self, asked: Asked) -> None:
        """Look at what stands there right after a kill: whole chunks, and no half file."""
        done = len(self._stored(asked))
        assert done in _whole_chunks(asked)
        file = self._fetched(asked)
        self.caught["import"] += done < len(asked.good)
        self.caught["amid import"] += 0 < done < len(asked.good)
        self.caught["export"] += file is None
        self.caught["program"] += len(asked.made) < CREATED + AT_ONCE
        self.caught["deliveries"] += bool(self._due(asked) - {record for _, record, _ in self.receiver.got})

    def check(self, asked: Asked) -> None:
        """Wait until all that a round asked for is done, and compare it with what was asked."""
        assert asked.thread is not None
        asked.thread.join(WAIT_S)
        assert (asked.thread.is_alive(), asked.errors) == (False, [])
        site = self.site
        for what in (asked.run, asked.export):
            self._wait_for(what.job_id)
            job = site.jobs.get(what.job_id)
            assert (job.state, job.error) == ("done", None), job
        self._check_import(asked)
        self._check_export(asked)
        self._check_made(asked)
        self._check_told(asked)

    def _wait_for(self, job_id: str) -> None:
        until(lambda: self.site.jobs.get(job_id).ended, "the end of a job", WAIT_S)

    def _check_import(self, asked: Asked) -> None:
        done = self.site.imports.get(self.boss, asked.run.id)
        assert done.state == "done"
        assert done.report is not None
        assert (done.report.created, done.report.failed) == (len(asked.good), len(asked.bad))
        assert sorted(self._stored(asked)) == sorted(asked.good)
        [(changes, records)] = self._rows(
            "SELECT count(*), count(DISTINCT record_id) FROM record_change WHERE change_set_id = {}", done.change_set
        )
        assert changes == records == len(asked.good)
        [(searched,)] = self._rows(
            "SELECT count(*) FROM search_row WHERE entity = 'lead' AND record_id IN"
            " (SELECT record_id FROM record_change WHERE change_set_id = {})",
            done.change_set,
        )
        assert searched == len(asked.good)
        refused = b"".join(self.site.imports.errors(self.boss, done, trial=False).blocks).decode("utf-8-sig")
        assert [row["external_id"] for row in csv.DictReader(io.StringIO(refused, newline=""))] == asked.bad

    def _check_export(self, asked: Asked) -> None:
        found = self._fetched(asked)
        assert found is not None
        mine = [each for each in found if each in set(asked.good)]
        # One snapshot: of the import that ran meanwhile, whole chunks.
        assert len(mine) in _whole_chunks(asked)
        assert len(found) == self.site.exports.get(self.boss, asked.export.id).number

    def _check_made(self, asked: Asked) -> None:
        stored = self._records(f"city == 'P{asked.number}'", "name")
        assert {str(row["name"]): row["id"] for row in stored} == asked.made
        assert len(stored) == len(asked.made) == CREATED + AT_ONCE

    def _check_told(self, asked: Asked) -> None:
        due, got = self._due(asked), self.receiver.got
        until(lambda: due <= {record for _, record, _ in got}, "every change is told", WAIT_S)
        ids: dict[tuple[str, int], set[str]] = {}
        for webhook_id, record, version in list(got):
            ids.setdefault((record, version), set()).add(webhook_id)
        assert {len(each) for each in ids.values()} == {1}
        assert len({next(iter(each)) for each in ids.values()}) == len(ids)

    # --- looking ----------------------------------------------------------------------------------------------------

    def _due(self, asked: Asked) -> set[str]:
        """Return the records of a round that are to be told."""
        where = f"country == '{TOLD}' and (city == 'P{asked.number}' or city == 'R{asked.number}')"
        return {str(row["id"]) for row in self._records(where)}

    def _stored(self, asked: Asked) -> list[str]:
        return [str(row["external_id"]) for row in self._records(f"city == 'R{asked.number}'", "external_id")]

    def _records(self, where: str, *columns: str) -> list[dict[str, Any]]:
        with self.site.reading(SYSTEM, limit_ms=_READ_MS) as reader:
            return reader.query(Query("lead", select=("id", *columns), where=parse(where), limit=100_000)).json()

    def _rows(self, text: str, *values: Any) -> list[Any]:
        mark = "?" if self.site.database.dialect == "sqlite" else "%s"
        with self.site.database.read() as connection:
            found: list[Any] = run(connection, text.format(mark), values).fetchall()
        return found

    def _fetched(self, asked: Asked) -> list[str] | None:
        """Return the external ids of an exported file, which is whole; None while there is none."""
        try:
            with self.site.reading(self.boss, limit_ms=_READ_MS) as reader:
                fetched = self.site.exports.fetch(reader, asked.export.id)
                text = b"".join(fetched.blocks).decode("utf-8-sig")
        except NotFound:
            return None
        if fetched.name.endswith(".jsonl"):
            return [json.loads(line)["external_id"] for line in text.splitlines()]
        return [row["external_id"] for row in csv.DictReader(io.StringIO(text))]


def _whole_chunks(asked: Asked) -> set[int]:
    """Return how many records there can be of a file: those of its first 0, 1, 2 ... chunks."""
    places = [int(each.removeprefix("L")) - asked.number * 10**6 for each in asked.good]
    rows = len(asked.good) + len(asked.bad)
    return {sum(place < end for place in places) for end in range(0, rows + CHUNK, CHUNK)}


__all__ = ["Asked", "World"]
