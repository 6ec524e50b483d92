"""`Outbound`: asks servers over HTTP, or opens a connection, at the very address that was judged.

A name is resolved once and the connection goes to that address, so a name that leads elsewhere a moment later leads
nowhere. Each redirect is judged anew. Proxies of the environment are not used, for they would resolve names themselves.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from engine import clock
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.outbound.addresses import Allowance, clean_host, is_address, is_outside

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a name, as texts; raises OSError when there are none."""

SECONDS = 10.0
MOST_BYTES = 2**20
REDIRECTS = 3
_KEPT = 200
_CHUNK = 2**16
_USUAL = {"https": 443, "http": 80}
_HARMLESS = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that a redirect may carry to another server."""
_MOVED = frozenset({301, 302, 303, 307, 308})


class OutboundRefused(GuanxiError):
    """The site may not connect there."""


class OutboundFailed(GuanxiError):
    """The other side does not answer, or not as it should: too late, too much, without a good certificate."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case; of a header that came twice the last."""
    body: bytes
    url: str
    """Where it came from in the end."""

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            OutboundFailed: it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            host = urlsplit(self.url).hostname or ""
            raise OutboundFailed(Message("{host} answered with something that is not JSON", host=host)) from error


@dataclass(slots=True)
class Asked:
    """One attempt to reach a server; its path stays out, for it may hold a secret."""

    at: datetime
    purpose: str
    target: str
    """host:port"""
    address: str = ""
    """Where the connection went; empty when there was none."""
    outcome: str = "open"
    """A status, or `refused`, `failed`, `open`."""
    reason: Message | None = None
    milliseconds: int = 0


@dataclass(slots=True)
class _Wanted:
    method: str
    parts: SplitResult
    host: str
    port: int
    headers: dict[str, str]
    body: bytes | None
    most_bytes: int
    ends: float
    purpose: str
    cut: bool = False

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.parts.scheme, self.host, self.port


@dataclass(slots=True)
class Outbound:
    """What a site may use to reach other servers. Safe to share between threads."""

    allowance: Allowance = field(default_factory=Allowance)
    resolve: Resolve | None = None
    """How names are resolved; as the system does unless given."""
    trust: ssl.SSLContext | None = None
    """Which certificates are good: those that the system trusts, unless given."""
    _asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=_KEPT))

    @property
    def lately(self) -> tuple[Asked, ...]:
        """What was asked of this process, the last first."""
        return tuple(reversed(self._asked))

    # --- HTTP -----------------------------------------------------------------------------------------------------

    def request(  # noqa: PLR0913 - what a request takes
        self,
        method: str,
        url: str,
        *,
        purpose: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float = SECONDS,
        most_bytes: int = MOST_BYTES,
        redirects: int = REDIRECTS,
        cut: bool = False,
    ) -> Reply:
        """Ask a server and return its answer, whatever its status is.

        `purpose` says in a word or two what it is for, as the page of outbound connections shows it. `seconds` are for
        everything together; only the resolver's own patience comes on top. Redirects are followed of GET and HEAD
        alone; the last answer is returned as it is. After a redirect another server is told no header that says who
        asks. With `cut`, of an answer that is larger than `most_bytes` only the beginning is read.

        Raises:
            OutboundRefused: the address may not be reached, or cannot be read.
            OutboundFailed: no whole answer came in time, or one that is too large.
        """
        wanted = self._wanted(method, url, purpose, dict(headers or {}), body, most_bytes, time.monotonic() + seconds)
        wanted.cut = cut
        for _ in range(redirects if method in {"GET", "HEAD"} else 0):
            reply = self._exchange(wanted)
            place = reply.headers.get("location")
            if reply.status not in _MOVED or not place:
                return reply
            wanted = self._moved(wanted, place)
        return self._exchange(wanted)

    def get(self, url: str, *, purpose: str, **options: Any) -> Reply:
        """GET an address; as `request`."""
        return self.request("GET", url, purpose=purpose, **options)

    def post(self, url: str, *, purpose: str, **options: Any) -> Reply:
        """POST to an address; options as `request`."""
        return self.request("POST", url, purpose=purpose, **options)

    def _wanted(
        self, method: str, url: str, purpose: str, headers: dict[str, str], body: bytes | None, most: int, ends: float
    ) -> _Wanted:
        parts, host, port = self._read(url, purpose)
        named = {name.lower(): value for name, value in headers.items()}
        named.setdefault("user-agent", "Guanxi")
        # What is packed could be small on the way and endless here.
        named["accept-encoding"] = "identity"
        return _Wanted(method, parts, host, port, named, body, most, ends, purpose)

    def _read(self, url: str, purpose: str) -> tuple[SplitResult, str, int]:
        """Take an address apart, as strictly as a browser is lenient."""
        try:
            if any(ord(letter) <= ord(" ") or ord(letter) == 0x7F or letter == "\\" for letter in url):  # noqa: PLR2004
                raise ValueError(url)  # noqa: TRY301 - it is one of several ways of being wrong
            parts = urlsplit(url)
            host = clean_host(parts.hostname or "")
            port = parts.port if parts.port is not None else _USUAL[parts.scheme]
            if "@" in parts.netloc or not port:
                raise ValueError(url)  # noqa: TRY301 - as above
        except (ValueError, KeyError):
            note = self._note(purpose, "?")
            message = Message("This is no address that the site could ask: it has to be https://server/path")
            raise self._refused(note, message) from None
        return parts._replace(fragment=""), host, port

    def _moved(self, before: _Wanted, place: str) -> _Wanted:
        url = urljoin(before.parts.geturl(), place)
        moved = self._wanted(
            before.method, url, before.purpose, dict(before.headers), None, before.most_bytes, before.ends
        )
        if before.parts.scheme == "https" and moved.parts.scheme != "https":
            note = self._note(moved.purpose, f"{moved.host}:{moved.port}")
            raise self._refused(note, Message("{host} led from https to http", host=before.host))
        if moved.origin != before.origin:
            moved.headers = {name: value for name, value in moved.headers.items() if name in _HARMLESS}
        return moved

    def _exchange(self, wanted: _Wanted) -> Reply:
        """Send one request to the judged address and read its answer."""
        secure = wanted.parts.scheme == "https"
        with self._connected(
            wanted.host, wanted.port, wanted.purpose, wanted.ends, frozenset({443}), plain=not secure
        ) as (opened, note):
            line: socket.socket = self._wrapped(opened, wanted.host) if secure else opened
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            asking = kind(f"[{wanted.host}]" if ":" in wanted.host else wanted.host, wanted.port)
            asking.sock = line
            asking.auto_open = 0
            target = wanted.parts.path or "/"
            if wanted.parts.query:
                target = f"{target}?{wanted.parts.query}"
            try:
                try:
                    asking.request(wanted.method, target, wanted.body, wanted.headers)
                except ValueError:
                    raise self._refused(note, Message("A header or the path holds what no request may hold")) from None
                answer = asking.getresponse()
                note.outcome = str(answer.status)
                found = {name.lower(): value for name, value in answer.getheaders()}
                return Reply(answer.status, found, self._body(answer, wanted), wanted.parts.geturl())
            finally:
                asking.close()

    def _body(self, answer: http.client.HTTPResponse, wanted: _Wanted) -> bytes:
        parts, size = list[bytes](), 0
        while chunk := answer.read1(_CHUNK):
            size += len(chunk)
            if size > wanted.most_bytes and wanted.cut:
                return b"".join([*parts, chunk])[: wanted.most_bytes]
            if size > wanted.most_bytes:
                raise OutboundFailed(
                    Message("{host} sent more than {most} bytes", host=wanted.host, most=wanted.most_bytes)
                )
            parts.append(chunk)
        if time.monotonic() >= wanted.ends:
            # An answer without a length ends where the connection does, also where we cut it.
            raise TimeoutError
        if answer.length:
            raise OutboundFailed(Message("{host} broke off in the middle of its answer", host=wanted.host))
        return b"".join(parts)

    def _wrapped(self, opened: socket.socket, host: str) -> ssl.SSLSocket:
        if self.trust is None:
            self.trust = ssl.create_default_context()
        return self.trust.wrap_socket(opened, server_hostname=host)

    # --- connections ----------------------------------------------------------------------------------------------

    def check(self, url: str, *, purpose: str) -> None:
        """Judge an address that is to be asked later, without asking it.

        Raises:
            OutboundRefused: it may not be reached, or cannot be read.
            OutboundFailed: nobody knows the name.
        """
        parts, host, port = self._read(url, purpose)
        note = self._note(purpose, f"{host}:{port}")
        self._judged(host, port, frozenset({443}), note, plain=parts.scheme != "https")
        note.outcome = "judged"

    def addresses(
        self, host: str, port: int, *, purpose: str, usual: frozenset[int] = frozenset({443})
    ) -> tuple[str, ...]:
        """Return the addresses at which a server may be reached, for clients that connect by themselves.

        `usual` are the ports of the protocol: servers outside are reached at no others.

        Raises:
            OutboundRefused: it may not be reached.
            OutboundFailed: nobody knows the name.
        """
        return self._judged(host, port, usual, self._note(purpose, f"{host}:{port}"))

    @contextmanager
    def connected(
        self,
        host: str,
        port: int,
        *,
        purpose: str,
        seconds: float = SECONDS,
        usual: frozenset[int] = frozenset({443}),
        secure: bool = False,
    ) -> Iterator[socket.socket]:
        """Lend a connection to a server that speaks something else than HTTP; `secure` wraps it in TLS at once.

        Raises:
            OutboundRefused, OutboundFailed: as `request`; `seconds` are for all that is done with it.
        """
        ends = time.monotonic() + seconds
        with self._connected(host, port, purpose, ends, usual) as (opened, _note):
            yield self._wrapped(opened, host) if secure else opened

    @contextmanager
    def _connected(
        self, host: str, port: int, purpose: str, ends: float, usual: frozenset[int], *, plain: bool = False
    ) -> Iterator[tuple[socket.socket, Asked]]:
        note = self._note(purpose, f"{host}:{port}")
        began = time.monotonic()
        opened, second, watch = None, None, None
        try:
            opened = self._open(self._judged(host, port, usual, note, plain=plain), port, ends, note)
            # A timeout of the socket is for one byte; this one is for all of them. It has a handle of its own, for
            # TLS takes the first one over.
            second = opened.dup()
            watch = threading.Timer(max(ends - time.monotonic(), 0.0), _cut, (second,))
            watch.daemon = True
            watch.start()
            yield opened, note
        except (OSError, http.client.HTTPException) as error:
            raise self._failed(note, self._why(error, host, ends)) from error
        except OutboundFailed as error:
            raise self._failed(note, error.message) from error
        finally:
            note.milliseconds = round((time.monotonic() - began) * 1000)
            if watch is not None:
                watch.cancel()
            for each in (opened, second):
                if each is not None:
                    each.close()

    def _open(self, addresses: Sequence[str], port: int, ends: float, note: Asked) -> socket.socket:
        failure: OSError = TimeoutError()
        for address in addresses:
            left = ends - time.monotonic()
            if left <= 0:
                break
            try:
                opened = socket.create_connection((address, port), timeout=left)
            except OSError as error:
                failure = error
                continue
            note.address = address
            opened.settimeout(max(ends - time.monotonic(), 0.001))
            return opened
        raise failure

    def _judged(
        self, host: str, port: int, usual: frozenset[int], note: Asked, *, plain: bool = False
    ) -> tuple[str, ...]:
        """Return the addresses of a host, when every one of them may be reached."""
        try:
            name = clean_host(host)
        except ValueError:
            raise self._refused(note, Message("{host} is no name of a server", host=host)) from None
        try:
            found = (name,) if is_address(name) else tuple(dict.fromkeys((self.resolve or _resolve)(name, port)))
        except (OSError, UnicodeError) as error:
            raise self._failed(note, Message("Nobody knows the server {host}", host=host)) from error
        if not found:
            raise self._failed(note, Message("Nobody knows the server {host}", host=host))
        for each in found:
            address = ip_address(each)
            if self.allowance.lists(name, address, port):
                continue
            if not self.allowance.public or not is_outside(address):
                raise self._refused(
                    note,
                    Message(
                        "The site may not connect to {host}: it is not in outbound.allow of guanxi.yaml", host=host
                    ),
                )
            if plain or port not in usual:
                raise self._refused(
                    note,
                    Message(
                        "The site may not connect to {host} by plain http or at port {port}: it is not in"
                        " outbound.allow of guanxi.yaml",
                        host=host,
                        port=port,
                    ),
                )
        return found

    # --- what is told ---------------------------------------------------------------------------------------------

    def _note(self, purpose: str, target: str) -> Asked:
        note = Asked(clock.now(), purpose, target)
        self._asked.append(note)
        return note

    def _refused(self, note: Asked, message: Message) -> OutboundRefused:
        note.outcome, note.reason = "refused", message
        return OutboundRefused(message)

    def _failed(self, note: Asked, message: Message) -> OutboundFailed:
        note.outcome, note.reason = "failed", message
        return OutboundFailed(message)

    @staticmethod
    def _why(error: Exception, host: str, ends: float) -> Message:
        if isinstance(error, TimeoutError) or time.monotonic() >= ends:
            return Message("{host} did not answer in time", host=host)
        if isinstance(error, ssl.SSLError):
            return Message("{host} has no certificate that can be trusted", host=host)
        return Message("{host} cannot be reached", host=host)


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_kind, address in found]


def _cut(opened: socket.socket) -> None:
    with suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)
