"""A directory that speaks LDAP over a real socket: simple binds, searches with filters, StartTLS.

What comes in is taken apart byte by byte, as RFC 4511 has it, so that a filter means here what it would mean anywhere.
"""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    ldap: Any = import_module("ldap3.protocol.rfc4511")
    encoder: Any = import_module("pyasn1.codec.ber.encoder")

SUCCESS, INVALID = 0, 49
BIND, UNBIND, SEARCH, EXTENDED = 0x60, 0x42, 0x63, 0x77
AND, OR, NOT, EQUAL, SUBSTRINGS, PRESENT = 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0x87
Part = tuple[int, bytes]
"""A tag, and what stands under it."""
START_TLS = "1.3.6.1.4.1.1466.20037"


class Directory:
    """Entries by DN, and their passwords."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, list[str]]] = {}
        self.passwords: dict[str, str] = {}
        self.binds: list[tuple[str, str, bool]] = []
        """(dn, password, over TLS) of every attempt."""
        self.port = 0
        self.trust: ssl.SSLContext | None = None
        self.ldaps = False

    def add(self, dn: str, password: str, **attributes: str | list[str]) -> None:
        self.entries[dn] = {key: [each] if isinstance(each, str) else each for key, each in attributes.items()}
        self.passwords[dn] = password

    def bind(self, dn: str, password: str, *, secure: bool) -> int:
        self.binds.append((dn, password, secure))
        # As RFC 4513 has it and many directories do: a name without a password is nobody, and nobody is let in.
        if not password:
            return SUCCESS
        return SUCCESS if self.passwords.get(dn) == password else INVALID

    def matches(self, filter_: Part, entry: dict[str, list[str]]) -> bool:
        tag, value = filter_
        values = {key.lower(): [each.lower() for each in found] for key, found in entry.items()}
        if tag == AND:
            return all(self.matches(each, entry) for each in parts(value))
        if tag == OR:
            return any(self.matches(each, entry) for each in parts(value))
        if tag == NOT:
            return not self.matches(parts(value)[0], entry)
        if tag == PRESENT:
            return value.decode().lower() in {*values, "objectclass"}
        (_, name), (_, wanted) = parts(value)
        held = values.get(name.decode().lower(), [])
        if tag == EQUAL:
            return wanted.decode().lower() in held
        assert tag == SUBSTRINGS
        return any(all(piece.decode().lower() in each for _, piece in parts(wanted)) for each in held)

    # --- the protocol ---------------------------------------------------------------------------------------------

    def serve(self, line: socket.socket) -> None:
        secure, data = False, b""
        bound = ""
        with ExitStack() as stack:
            stack.callback(lambda: line.close())  # noqa: PLW0108 - the one that it is by then
            if self.ldaps and self.trust is not None:
                line, secure = self.trust.wrap_socket(line, server_side=True), True
            while True:
                size = length(data)
                if size is None or len(data) < size:
                    more = line.recv(65_536)
                    if not more:
                        return
                    data += more
                    continue
                [(_, message)] = parts(data[:size])
                data = data[size:]
                (_, number_), (kind, body) = parts(message)[:2]
                number = int.from_bytes(number_, "big")
                if kind == UNBIND:
                    return
                if kind == BIND:
                    _, (_, name), (_, password) = parts(body)
                    dn = name.decode()
                    code = self.bind(dn, password.decode(), secure=secure)
                    bound = dn if code == SUCCESS and password else ""
                    line.sendall(_done(number, "bindResponse", ldap.BindResponse(), code))
                elif kind == SEARCH:
                    for dn, entry in self.found(bound, parts(body)):
                        line.sendall(_entry(number, dn, entry))
                    line.sendall(_done(number, "searchResDone", ldap.SearchResultDone(), SUCCESS))
                elif kind == EXTENDED:
                    assert parts(body)[0][1].decode() == START_TLS
                    code = SUCCESS if self.trust is not None else 2
                    line.sendall(_done(number, "extendedResp", ldap.ExtendedResponse(), code))
                    if self.trust is not None:
                        line, secure = self.trust.wrap_socket(line, server_side=True), True

    def found(self, bound: str, asked: list[Part]) -> list[tuple[str, dict[str, list[str]]]]:
        if bound != "cn=guanxi,dc=x":
            return []
        base, limit, filter_ = asked[0][1].decode(), int.from_bytes(asked[3][1], "big") or 1_000, asked[6]
        below = ((dn, entry) for dn, entry in self.entries.items() if dn.endswith(base))
        return [(dn, entry) for dn, entry in below if self.matches(filter_, entry)][:limit]


def length(data: bytes) -> int | None:
    """How long the first part of some bytes is, with its head; None while the head is not whole."""
    if len(data) < 2:
        return None
    if data[1] < 0x80:
        return 2 + data[1]
    more = data[1] & 0x7F
    return None if len(data) < 2 + more else 2 + more + int.from_bytes(data[2 : 2 + more], "big")


def parts(data: bytes) -> list[Part]:
    """The parts that some bytes are made of, one behind the other."""
    found = []
    while data:
        size = length(data)
        assert size is not None
        head = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
        found.append((data[0], data[head:size]))
        data = data[size:]
    return found


def _result(body: Any, code: int) -> Any:
    body["resultCode"] = code
    body["matchedDN"] = ""
    body["diagnosticMessage"] = ""
    return body


def _message(number: int, kind: str, body: Any) -> bytes:
    message = ldap.LDAPMessage()
    message["messageID"] = number
    message["protocolOp"] = ldap.ProtocolOp().setComponentByName(kind, body)
    return bytes(encoder.encode(message))


def _done(number: int, kind: str, body: Any, code: int) -> bytes:
    return _message(number, kind, _result(body, code))


def _entry(number: int, dn: str, entry: dict[str, list[str]]) -> bytes:
    body = ldap.SearchResultEntry()
    body["object"] = dn
    attributes = ldap.PartialAttributeList()
    for place, (name, values) in enumerate(entry.items()):
        attribute = ldap.PartialAttribute()
        attribute["type"] = name
        held = ldap.Vals()
        for position, value in enumerate(values):
            held.setComponentByPosition(position, value)
        attribute["vals"] = held
        attributes.setComponentByPosition(place, attribute)
    body["attributes"] = attributes
    return _message(number, "searchResEntry", body)


@contextmanager
def running(trust: ssl.SSLContext | None = None, *, ldaps: bool = False) -> Iterator[Directory]:
    """Run a directory until the block ends."""
    directory = Directory()
    directory.trust, directory.ldaps = trust, ldaps
    listener = socket.create_server(("127.0.0.1", 0))
    directory.port = listener.getsockname()[1]
    listener.settimeout(0.05)
    over = threading.Event()
    threads: list[threading.Thread] = []

    def work(line: socket.socket) -> None:
        # Whoever speaks TLS where nobody does, or breaks off, is left alone.
        with suppress(OSError, ValueError):
            directory.serve(line)

    def accept() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                line, _ = listener.accept()
                line.settimeout(5)
                threads.append(threading.Thread(target=work, args=(line,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield directory
    finally:
        over.set()
        acceptor.join()
        for thread in threads:
            thread.join()
        listener.close()
