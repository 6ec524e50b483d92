"""Directus: a collection `leads` made by its own API, and the works by its REST interface."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import make_url

from tests.bench import floor, people
from tests.bench.client import Client, Request, Server, free_port
from tests.bench.peers.base import Peer
from tests.bench.works import COLUMNS, Bodies, Work, city, same

_TOKEN = "boss-token"
_LIST = f"/items/leads?filter[stage][_eq]=qualified&filter[country][_eq]=CN&sort=-amount,-id&limit=50&fields={COLUMNS}"
_TYPES: Mapping[str, dict[str, Any]] = {
    "name": {"type": "string", "schema": {"is_nullable": False, "max_length": 200}, "meta": {"required": True}},
    "note": {"type": "text"},
    "amount": {"type": "decimal", "schema": {"numeric_precision": 14, "numeric_scale": 2, "is_indexed": True}},
    "score": {"type": "integer"},
    "next_on": {"type": "date"},
    "stage": {"type": "string", "schema": {"is_indexed": True}},
    "external_id": {"type": "string", "schema": {"is_unique": True}},
}


class Directus(Peer):
    """A project of its own in a folder, with one administrator."""

    name: ClassVar[str] = "directus"
    first: ClassVar[str] = "/server/ping"

    @classmethod
    def lacking(cls, installed: Path) -> str:
        """Return why it cannot be run from a folder, "" when it can."""
        command = _command(installed)
        return "" if command.exists() else f"there is no {command}"

    def make(self, rows: int) -> None:
        """Make the tables, the people, and the leads; these go straight into the table."""
        subprocess.run([_command(self.installed), "bootstrap"], env=self.environment, cwd=self.folder, check=True,
                       capture_output=True)  # fmt: skip
        server = Server(self.name, self.command(port := free_port(), 1), {**self.environment, "PORT": str(port)},
                        port, self.folder)  # fmt: skip
        server.start(("GET", self.first, None), {})
        try:
            fields = [_field(key) for key in (*people.FIELDS, "owner")]
            body = {
                "collection": "leads",
                "meta": {},
                "schema": {"name": "leads"},
                "fields": [
                    {"field": "id", "type": "uuid", "schema": {"is_primary_key": True}, "meta": {"special": ["uuid"]}},
                    *fields,
                    _stamp("created_at", "date-created"),
                    _stamp("updated_at", "date-created", "date-updated"),
                ],
            }
            client = Client(port, self.boss)
            answer = client.send("POST", "/collections", json.dumps(body).encode())
            client.close()
            if answer.status != 200:
                raise RuntimeError(f"directus: {answer.status} {answer.body[:500]!r}")
        finally:
            server.stop()
        self._fill(rows)

    def _fill(self, rows: int) -> None:
        engine = floor.connect(self.url or f"sqlite:///{self.folder / 'leads.db'}")
        columns = ("id", *people.FIELDS, "created_at", "updated_at")
        table = sa.table("leads", *(sa.column(key) for key in columns))
        sqlite = engine.dialect.name == "sqlite"
        made = [_stored(number, lead, sqlite=sqlite) for number, lead in enumerate(people.leads(rows))]
        with engine.connect().execution_options(write=True) as connection:
            connection.execute(table.insert(), made)
            connection.commit()
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
        engine.dispose()

    def command(self, port: int, workers: int) -> Sequence[str]:
        """Return what starts the server: one process of Node, however many workers the others have."""
        return [str(_command(self.installed)), "start"]

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the server's environment; its port comes with the server."""
        if self.url is None:
            database = {"DB_CLIENT": "sqlite3", "DB_FILENAME": str(self.folder / "leads.db")}
        else:
            address = make_url(self.url)
            host = address.query.get("host") or address.host or "127.0.0.1"
            database = {
                "DB_CLIENT": "pg",
                "DB_HOST": str(host),
                "DB_PORT": str(address.query.get("port") or address.port or 5432),
                "DB_DATABASE": str(address.database),
                "DB_USER": str(address.username or ""),
                "DB_PASSWORD": str(address.password or ""),
            }
        return {
            **os.environ, **database, "HOST": "127.0.0.1", "SECRET": "of the bench", "ADMIN_EMAIL": "boss@example.com",
            "ADMIN_PASSWORD": "correct horse battery", "ADMIN_TOKEN": _TOKEN, "TELEMETRY": "false",
            "LOG_LEVEL": "error", "CACHE_ENABLED": "false", "RATE_LIMITER_ENABLED": "false",
            "WEBSOCKETS_ENABLED": "false", "PRESSURE_LIMITER_ENABLED": "false", "IMPORT_TIMEOUT": "600000",
        }  # fmt: skip

    @property
    def boss(self) -> Mapping[str, str]:
        """Return the headers of an administrator's requests."""
        return {"Authorization": f"Bearer {_TOKEN}"}

    def pages(self, server: Server, rows: int) -> dict[str, Work]:
        """Return the works that it can do, with records of its own."""
        client = Client(server.port, self.boss)
        found = json.loads(client.send("GET", "/items/leads?fields=id&limit=2000&sort=-amount").body)
        client.close()
        ids = [row["id"] for row in found["data"]]
        bodies = Bodies(10**6)

        def many() -> bytes:
            return json.dumps({"keys": random.sample(ids, 1000), "data": {"city": city()}}).encode()

        return {
            "W1": Work("boss", 200, lambda n: [("POST", "/items/leads", body) for body in bodies.take(n)]),
            "W2": Work("boss", 200, lambda n: [_one(ids) for _ in range(2 * n)]),
            "W3a": same("boss", _LIST),
            # It takes seconds, so it is done once a round.
            "W8": Work("boss", 200, lambda n: [("PATCH", "/items/leads?fields=id&limit=1", many())]),
        }

    def load(self, path: Path, server: Server) -> tuple[float, float]:
        """Import a CSV by the product's own import; return (CPU seconds without a database server, seconds).

        Raises:
            RuntimeError: it failed.
        """
        mark = uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
        body = (head + "Content-Type: text/csv\r\n\r\n").encode() + path.read_bytes() + f"\r\n--{mark}--\r\n".encode()
        headers = {**self.boss, "Content-Type": f"multipart/form-data; boundary={mark}"}
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/utils/import/leads", body, headers)
        before, begin = server.cpu() - server.database(), time.perf_counter()
        with contextlib.closing(urllib.request.urlopen(request, timeout=900)) as answer:
            if answer.status != 200:
                raise RuntimeError(f"directus: {answer.status}")
        return server.cpu() - server.database() - before, time.perf_counter() - begin

    def told(self, work: str, body: Any) -> Any:
        """Return the JSON of an answer in the shape that the floor gives."""
        if work == "W2":
            return body["data"]
        rows = [{**row, "amount": f"{float(row['amount']):.2f}"} for row in body["data"]]
        return {"data": rows}


def _one(ids: Sequence[str]) -> Request:
    return "GET", f"/items/leads/{random.choice(ids)}", None


def _command(installed: Path) -> Path:
    return installed / "directus" / "node_modules" / ".bin" / "directus"


def _stored(number: int, lead: Mapping[str, str | int], *, sqlite: bool) -> dict[str, Any]:
    """Return a lead as Directus keeps it: moments as milliseconds on SQLite."""
    at: Any = people.created_at(number)
    if sqlite:
        at = int(at.timestamp() * 1000)
        return {**lead, "id": str(uuid4()), "created_at": at, "updated_at": at}
    day, amount = date.fromisoformat(str(lead["next_on"])), Decimal(str(lead["amount"]))
    return {**lead, "id": uuid4(), "next_on": day, "amount": amount, "created_at": at, "updated_at": at}


def _field(key: str) -> dict[str, Any]:
    return {"field": key, "type": "string", "meta": {}, **_TYPES.get(key, {})}


def _stamp(key: str, *special: str) -> dict[str, Any]:
    return {"field": key, "type": "timestamp", "meta": {"special": list(special)}, "schema": {"is_indexed": True}}
