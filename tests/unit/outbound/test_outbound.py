"""What the site may connect to, tried against real servers of this machine; only names are resolved by the tests."""

import datetime as dt
import http.server
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.outbound import Allowance, Outbound, OutboundFailed, OutboundRefused
from engine.outbound.addresses import clean_host, is_outside

INSIDE = [
    "127.0.0.1", "127.8.9.10", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "169.254.1.1",
    "100.64.0.1", "100.100.100.200", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
    "192.0.0.192", "198.18.0.1", "192.0.2.1", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2002:7f00:1::", "2002:a00:1::",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1",
]  # fmt: skip
"""Addresses that no name may lead the site to; the Teredo one wraps 10.0.0.1."""
TRICKS = [
    "http://2130706433/", "https://2130706433/", "https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://0x7f000001/",
    "https://127.1/", "https://127.0.1/", "https://127.0.0.1/", "https://127.0.0.1./", "https://[::1]/",
    "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://\uff11\uff12\uff17.0.0.1/", "https://①②⑦.0.0.1/",
    "https://127。0。0。1/", "https://0/", "https://0.0.0.0/", "https://good.example@127.0.0.1/",
    "https://127.0.0.1#@good.example/", "https://127.0.0.1\\@good.example/", "https://good.example\r\nHost: x/",
    "https:///path", "https://", "https:good.example", "//good.example/", "good.example", "", "ftp://good.example/",
    "file:///etc/passwd", "gopher://good.example/", "data:text/plain,x", "javascript:alert(1)",
    "https://good.example:0/", "https://good.example:99999/", "https://good.example:22/", "https://good.example:x/",
    "http://good.example/", "https://user:word@good.example/", "https://good.example /", "https://good.exam\tple/",
    "https://-good.example/", "https://" + "a" * 300 + ".example/",
]  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_addresses_of_the_house_are_not_outside(text: str) -> None:
    assert not is_outside(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_world_are_outside(text: str) -> None:
    assert is_outside(ip_address(text))


@pytest.mark.parametrize("text", INSIDE)
def test_a_name_that_leads_inside_is_refused(text: str) -> None:
    outbound = Outbound(resolve=lambda host, port: [text])

    with pytest.raises(OutboundRefused):
        outbound.get("https://good.example/", purpose="test")

    assert outbound.lately[0].outcome == "refused"
    assert outbound.lately[0].address == ""


def test_one_address_inside_among_many_spoils_the_name() -> None:
    outbound = Outbound(resolve=lambda host, port: ["8.8.8.8", "127.0.0.1"])

    with pytest.raises(OutboundRefused):
        outbound.addresses("good.example", 443, purpose="test")


@pytest.mark.parametrize("url", TRICKS)
def test_tricks_lead_nowhere(url: str) -> None:
    outbound = Outbound(resolve=lambda host, port: ["127.0.0.1"] if host != "good.example" else ["8.8.8.8"])

    with pytest.raises(OutboundRefused):
        outbound.get(url, purpose="test")


@pytest.mark.parametrize(
    ("entries", "host", "address", "port", "let"),
    [
        (["ldap.corp"], "ldap.corp", "10.1.2.3", 636, True),
        (["ldap.corp:636"], "ldap.corp", "10.1.2.3", 389, False),
        (["LDAP.Corp."], "ldap.corp", "10.1.2.3", 389, True),
        (["*.corp"], "ldap.corp", "127.0.0.1", 389, True),
        (["*.corp"], "corp", "127.0.0.1", 389, False),
        (["*.corp"], "evilcorp", "127.0.0.1", 389, False),
        (["ldap.corp"], "xldap.corp", "10.1.2.3", 389, False),
        (["10.0.0.0/8"], "any.name", "10.1.2.3", 80, True),
        (["10.0.0.0/8"], "any.name", "::ffff:10.1.2.3", 80, True),
        (["10.0.0.0/8:443"], "any.name", "10.1.2.3", 80, False),
        (["10.0.0.0/8"], "any.name", "11.1.2.3", 80, False),
        (["[fd00::]/8"], "any.name", "fd12::1", 80, True),
        (["[fd00::1]:389"], "any.name", "fd00::1", 389, True),
        (["fd00::1"], "any.name", "fd00::1", 389, True),
        (["169.254.0.0/16"], "any.name", "169.254.1.1", 80, True),
        (["169.254.0.0/16"], "any.name", "169.254.169.254", 80, False),
        (["0.0.0.0/0"], "any.name", "::ffff:169.254.169.254", 80, False),
        (["169.254.169.254"], "any.name", "169.254.169.254", 80, True),
        (["0.0.0.0/0"], "any.name", "224.0.0.1", 80, False),
        (["any.name"], "any.name", "0.0.0.0", 80, False),
    ],
)
def test_what_is_allowed_is_allowed_and_no_more(
    entries: list[str], host: str, address: str, port: int, let: bool
) -> None:
    assert Allowance(entries).lists(host, ip_address(address), port) is let


@pytest.mark.parametrize(
    "entry", ["10.0.0.5/8", "a b", "0177.0.0.1", "name:0", "name:x", "http://name", "*", "", "*.*"]
)
def test_an_entry_that_means_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - its argument is looked at
        Allowance([entry])

    assert refused.value.args == (entry,)


def test_without_the_public_only_what_is_listed_is_left() -> None:
    outbound = Outbound(Allowance(["good.example"], public=False), resolve=lambda host, port: ["8.8.8.8"])

    assert outbound.addresses("good.example", 443, purpose="test") == ("8.8.8.8",)
    with pytest.raises(OutboundRefused):
        outbound.addresses("other.example", 443, purpose="test")


def test_a_host_is_written_in_one_way() -> None:
    assert [clean_host(each) for each in ("ExAmPlE.COM.", "例え.jp", "[::1]", "\uff11.\uff12.\uff13.\uff14")] == [
        "example.com", "xn--r8jz45g.jp", "::1", "1.2.3.4",
    ]  # fmt: skip


class Answers(http.server.BaseHTTPRequestHandler):
    """A server that does what the path says and remembers what it was told."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.seen.append(
            (
                self.command,
                self.path,
                {key.lower(): value for key, value in self.headers.items()},
                self.rfile.read(length),
            )
        )
        if self.path.startswith("/to?"):
            self._send(302, b"", {"Location": self.path.removeprefix("/to?")})
        elif self.path == "/large":
            self._send(200, b"x" * 5000)
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            self._drip(b"x" * 1000, 0)
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            self._drip(b"x", 0.05)
        elif self.path == "/slow-headers":
            self._drip(b"X", 0.05)
        elif self.path == "/broken":
            self._send(200, b"half", {"Content-Length": "8"})
            self.close_connection = True
        elif self.path == "/nonsense":
            self.wfile.write(b"no http at all\r\n\r\n")
            self.close_connection = True
        else:
            self._send(200, b'{"ok": true}')

    def do_POST(self) -> None:
        self.do_GET()

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, drop: bytes, pause: float) -> None:
        self.close_connection = True
        ends = time.monotonic() + 5
        while time.monotonic() < ends:
            try:
                self.wfile.write(drop)
            except OSError:
                return
            time.sleep(pause)

    def log_message(self, *args: object) -> None:
        pass


class Server:
    """A server on a port of this machine, for the time of a test."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("A", (Answers,), {"seen": self.seen}))
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def here(*names: str) -> Outbound:
    """Return what may reach some names, all of them on this machine."""
    return Outbound(Allowance(names or ("good.example",)), resolve=lambda host, port: ["127.0.0.1"])


def test_a_server_that_is_allowed_answers(server: Server) -> None:
    outbound = here()

    reply = outbound.post(
        f"http://good.example:{server.port}/hook?a=1", purpose="hook", headers={"X-Sign": "s"}, body=b"hello"
    )

    assert (reply.status, reply.json()) == (200, {"ok": True})
    [(method, path, headers, body)] = server.seen
    assert (method, path, body) == ("POST", "/hook?a=1", b"hello")
    assert headers["host"] == f"good.example:{server.port}"
    assert headers["x-sign"] == "s"
    [asked] = outbound.lately
    assert (asked.purpose, asked.address, asked.outcome) == ("hook", "127.0.0.1", "200")
    assert "a=1" not in asked.target


def test_the_connection_goes_to_the_address_that_was_judged(server: Server) -> None:
    answers = iter([["127.0.0.1"], ["10.9.9.9"]])
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    outbound = Outbound(Allowance(["127.0.0.1"]), resolve=resolve)

    assert outbound.get(f"http://rebind.example:{server.port}/", purpose="test").status == 200
    assert asked == ["rebind.example"]


@pytest.mark.parametrize(
    "place",
    ["http://169.254.169.254/latest", "http://bad.example/", "file:///etc/passwd", "http://[::1]/", "//bad.example"],
)
def test_a_redirect_to_the_inside_is_refused(server: Server, place: str) -> None:
    with pytest.raises(OutboundRefused):
        here().get(f"http://good.example:{server.port}/to?{place}", purpose="test")

    assert len(server.seen) == 1


def test_a_redirect_to_another_server_tells_it_nothing_of_who_asks(server: Server, other: Server) -> None:
    outbound = here("good.example", "other.example")

    outbound.get(
        f"http://good.example:{server.port}/to?http://other.example:{other.port}/x",
        purpose="test",
        headers={"Authorization": "Bearer secret", "Cookie": "c", "X-Api-Key": "k", "Accept": "text/plain"},
    )

    [(_method, path, headers, _body)] = other.seen
    assert path == "/x"
    assert not {"authorization", "cookie", "x-api-key"} & set(headers)
    assert headers["accept"] == "text/plain"


def test_redirects_end(server: Server) -> None:
    url = f"http://good.example:{server.port}/to?"

    reply = here().get(url + url + url + url + url + url + url, purpose="test")

    assert reply.status == 302
    assert len(server.seen) == 4


def test_a_post_follows_no_redirect(server: Server) -> None:
    reply = here().post(f"http://good.example:{server.port}/to?/x", purpose="test", body=b"secret")

    assert reply.status == 302
    assert len(server.seen) == 1


@pytest.mark.parametrize("path", ["/large", "/endless"])
def test_too_much_is_not_read(server: Server, path: str) -> None:
    with pytest.raises(OutboundFailed, match="more than 4000 bytes"):
        here().get(f"http://good.example:{server.port}{path}", purpose="test", most_bytes=4000)


@pytest.mark.parametrize("path", ["/slow", "/slow-headers"])
def test_a_server_that_drips_is_left_in_time(server: Server, path: str) -> None:
    began = time.monotonic()

    with pytest.raises(OutboundFailed, match="in time"):
        here().get(f"http://good.example:{server.port}{path}", purpose="test", seconds=0.3)

    assert time.monotonic() - began < 2


@pytest.mark.parametrize("path", ["/broken", "/nonsense"])
def test_half_an_answer_is_none(server: Server, path: str) -> None:
    with pytest.raises(OutboundFailed):
        here().get(f"http://good.example:{server.port}{path}", purpose="test")


def test_a_header_cannot_bring_another(server: Server) -> None:
    with pytest.raises(OutboundRefused):
        here().get(f"http://good.example:{server.port}/", purpose="test", headers={"X-A": "1\r\nX-B: 2"})

    assert server.seen == []


def test_a_server_that_is_not_there_is_said_to_be(server: Server) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(OutboundFailed, match="cannot be reached"):
        here().get(f"http://good.example:{port}/", purpose="test")


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    assert here().get(f"http://good.example:{server.port}/", purpose="test").status == 200


def test_another_protocol_gets_a_connection_to_the_judged_address(server: Server) -> None:
    with here().connected("good.example", server.port, purpose="mail", usual=frozenset()) as line:
        line.sendall(b"GET /raw HTTP/1.0\r\n\r\n")

        assert line.recv(8) == b"HTTP/1.1"

    with pytest.raises(OutboundRefused), here().connected("other.example", 25, purpose="mail"):
        pass


def certificate(folder: Path, name: str) -> Path:
    """Write a certificate that signs itself, with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    file = certificate(tmp_path, "good.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    made = Server(context)
    yield made, file
    made.close()


def test_a_certificate_is_checked_against_the_name_of_the_address(secure: tuple[Server, Path]) -> None:
    server, file = secure
    outbound = here("good.example", "other.example")
    outbound.trust = ssl.create_default_context(cafile=str(file))

    reply = outbound.get(f"https://good.example:{server.port}/", purpose="test")

    assert reply.status == 200
    with pytest.raises(OutboundFailed, match="certificate"):
        outbound.get(f"https://other.example:{server.port}/", purpose="test")
    outbound.trust = None
    with pytest.raises(OutboundFailed, match="certificate"):
        outbound.get(f"https://good.example:{server.port}/", purpose="test")


def test_a_secure_server_that_drips_is_left_in_time_and_none_leads_to_plain(secure: tuple[Server, Path]) -> None:
    server, file = secure
    outbound = here("good.example")
    outbound.trust = ssl.create_default_context(cafile=str(file))
    began = time.monotonic()

    with pytest.raises(OutboundFailed, match="in time"):
        outbound.get(f"https://good.example:{server.port}/slow", purpose="test", seconds=0.5)
    with pytest.raises(OutboundRefused, match="https to http"):
        outbound.get(f"https://good.example:{server.port}/to?http://good.example/", purpose="test")

    assert time.monotonic() - began < 3
