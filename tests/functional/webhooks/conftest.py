"""A site whose changes programs are told of, with a real receiver on this machine."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine import Change, EndpointWish, Principal, Site
from engine.outbound import Allowance
from tests.functional.api.conftest import Api, api, postgresql_pattern, sqlite_pattern

__all__ = ["api", "postgresql_pattern", "sqlite_pattern"]

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Sent:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json()["data"]

    def signed_by(self, secret: str) -> bool:
        """Say whether a signature is right, worked out from the words of the standard and nothing of ours."""
        key = base64.b64decode(secret[len("whsec_") :])
        signed = b".".join([self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body])
        right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{right}" in self.headers["webhook-signature"].split()


@dataclass
class Receiver:
    """A program that is told of changes."""

    url: str = ""
    got: list[Sent] = field(default_factory=list)
    answer: Callable[[Sent], Answer] = lambda _sent: (200, {}, b"ok")

    def take(self) -> list[Sent]:
        """Return what came in since the last time."""
        taken, self.got[:] = list(self.got), []
        return taken


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            sent = Sent(self.path, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(size))
            if len(sent.body) < size:
                # The sender was killed in the middle: no receiver takes half a message.
                return
            found.got.append(sent)
            status, headers, body = found.answer(sent)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/in"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class World:
    """A site with a receiver, and people who set up what it is told."""

    api: Api
    receiver: Receiver
    boss: Principal

    @property
    def site(self) -> Site:
        return self.api.site

    def endpoint(self, entity: str = "visit", by: Principal | None = None, **wish: Any) -> tuple[str, str]:
        """Make an endpoint of the receiver; return its id and its secret."""
        given = {"name": "Receiver", "url": self.receiver.url, "entity": entity, **wish}
        return self.site.webhooks.endpoints.create(by or self.boss, EndpointWish(**given))

    def told(self) -> list[Sent]:
        """Send what is due and return what came in."""
        self.site.webhooks.dispatch()
        return self.receiver.take()

    def deliveries(self, endpoint: str, **asked: Any) -> Any:
        """Return the deliveries of an endpoint, the oldest first."""
        with self.site.database.read() as connection:
            return self.site.webhooks.deliveries.page(connection, endpoint, **asked)[::-1]

    def state(self, endpoint: str) -> Any:
        """Return an endpoint as it stands."""
        with self.site.database.read() as connection:
            return self.site.webhooks.endpoints.get(connection, endpoint)

    def update(self, entity: str, record: str, who: Principal | None = None, **values: Any) -> None:
        """Change a record."""
        self.site.records.update(who or self.boss, entity, [Change(record, values)], via="web")

    def create(self, entity: str, who: Principal | None = None, **values: Any) -> str:
        """Make a record and return its id."""
        return self.site.records.create(who or self.boss, entity, [values], via="web")[0].id


@pytest.fixture
def world(api: Api, receiver: Receiver) -> World:
    """The clinic of the API's tests, whose administrator tells a receiver of what happens."""
    site = api.site
    site.outbound.allowance = Allowance(["127.0.0.1"])
    boss = site.identity.add("Boss", "boss@example.com", ("admin",))
    return World(api, receiver, site.identity.principal(boss))


def moment(text: str) -> datetime:
    """Return a time of a body."""
    return datetime.fromisoformat(text)
