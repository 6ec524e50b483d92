"""What keeps strangers and foreign pages out: names, proxies, tokens of forms, redirects, headers, cookies, logs."""

import io
import logging
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.routing import Rule

from engine import Outbound, Site
from tests.functional.screens.world import World
from ui import logs
from ui.app import create_app
from ui.headers import CONTENT_POLICY
from ui.hosts import knows
from ui.proxies import Proxies
from ui.safe import own_path

NOBODY = "00000000-0000-7000-8000-000000000000"


def with_config(world: World, **settings: Any) -> Flask:
    """Return the application of the same site with other settings."""
    world.site.config = replace(world.site.config, **settings)
    return create_app(world.site)


# --- names


def test_a_foreign_name_is_refused_in_words(world: World) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "a b", "localhost:x", ""):
        page = world.app.test_client().get("/login", headers={"Host": host})
        api = world.app.test_client().get("/api/v1/deal", headers={"Host": host})

        assert page.status_code == api.status_code == 400, host
        assert "evil" not in page.text
        assert "base_url" in page.text
        assert api.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.4", "a.localhost"]
)
def test_without_a_name_of_its_own_the_site_answers_to_what_nobody_else_can_point_at_it(host: str) -> None:
    assert knows(None, [])(host)


def test_a_site_with_a_name_answers_to_it_alone(world: World) -> None:
    app = with_config(world, base_url="https://crm.example.com", hosts=("crm.lan", "crm.lan:8080"))
    client = app.test_client()

    answered = {
        host: client.get("/login", headers={"Host": host}).status_code
        for host in (
            "crm.example.com",
            "CRM.example.com",
            "crm.lan",
            "crm.lan:8080",
            "localhost",
            "10.0.0.1",
            "evil.example",
        )
    }

    assert list(answered.values()) == [200, 200, 200, 200, 400, 400, 400]
    assert client.get("/healthz", headers={"Host": "10.0.0.1"}).status_code == 200


# --- proxies


def seen(remote: str, trusted: list[str], base_url: str | None = None, **headers: str) -> dict[str, Any]:
    """Return what an application behind the middleware is told."""
    told: dict[str, Any] = {}

    def inner(environ: dict[str, Any], _start: Any) -> list[bytes]:
        told.update(environ)
        return []

    environ = {"REMOTE_ADDR": remote, "wsgi.url_scheme": "http", "HTTP_HOST": "inner:8000", **headers}
    list(Proxies(inner, trusted, base_url)(environ, lambda *_: None))  # type: ignore[arg-type]
    return told


SAID = {
    "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.7",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "crm.example.com",
}


def test_a_stranger_who_says_to_be_a_proxy_is_not_believed() -> None:
    told = seen("198.51.100.1", ["10.0.0.0/8"], **SAID)

    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"], told["HTTP_HOST"]) == ("198.51.100.1", "http", "inner:8000")
    assert not [name for name in told if "FORWARDED" in name]


@pytest.mark.parametrize(
    ("remote", "trusted", "said", "address"),
    [
        ("10.0.0.1", ["10.0.0.0/8"], "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", ["10.0.0.0/8"], "6.6.6.6, 203.0.113.7, 10.2.2.2", "203.0.113.7"),
        ("::ffff:10.0.0.1", ["10.0.0.1"], "203.0.113.7:4711", "203.0.113.7"),
        ("fd00::1", ["fd00::/8"], "[2001:db8::7]:99", "2001:db8::7"),
        ("", ["unix"], "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", ["10.0.0.1"], "nonsense", "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.1"], "203.0.113.7, nonsense", "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.1"], "", "10.0.0.1"),
    ],
)
def test_our_own_proxy_says_who_asks(remote: str, trusted: list[str], said: str, address: str) -> None:
    told = seen(remote, trusted, **{**SAID, "HTTP_X_FORWARDED_FOR": said})

    assert told["REMOTE_ADDR"] == address
    assert (told["wsgi.url_scheme"], told["HTTP_HOST"]) == ("https", "crm.example.com")


def test_a_site_that_is_reached_by_tls_is_so_wherever_tls_ends() -> None:
    assert seen("1.2.3.4", [], "https://inner:8000")["wsgi.url_scheme"] == "https"
    assert seen("1.2.3.4", [], "https://other")["wsgi.url_scheme"] == "http"


def test_over_tls_cookies_cannot_be_set_by_another_site(world: World) -> None:
    client = world.app.test_client()

    client.get("/login", base_url="https://localhost")
    page = client.get("/login", base_url="https://localhost")
    token = re.findall(r'name="_token" value="([^"]+)"', page.text)[0]
    done = client.post(
        "/login",
        base_url="https://localhost",
        data={"_token": token, "email": "ada@example.com", "password": "correct horse battery"},
        headers={"Origin": "https://localhost"},
    )

    assert done.status_code == 303
    for cookie in done.headers.getlist("Set-Cookie"):
        if "Max-Age=0" not in cookie:
            assert cookie.startswith("__Host-guanxi"), cookie
            assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; ")), cookie
            assert "Domain" not in cookie
    assert client.get("/deal", base_url="https://localhost").status_code == 200
    forged = world.app.test_client()
    forged.set_cookie("guanxi", client.get_cookie("__Host-guanxi").value)  # type: ignore[union-attr]
    assert forged.get("/deal", base_url="https://localhost").status_code == 303


# --- foreign pages


def routes(app: Flask, *, changing: bool) -> Iterator[tuple[Rule, str, str]]:
    """Yield (rule, method, an address of it) for every route."""
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<uuid:\w+>", NOBODY, re.sub(r"<int:\w+>", "1", rule.rule))
        address = re.sub(r"<(?:path:)?\w+>", "x", address.replace("<entity>", "deal"))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if (method != "GET") == changing:
                yield rule, method, address


FROM_ELSEWHERE: frozenset[str] = frozenset({"sso.posted", "mcp.exchange", "hooks.take"})
"""Endpoints that take posts from other sites: that of SAML, whose answers a provider has signed for this browser; that
of agents, which looks at no cookie and refuses what names another origin; those of inbound hooks, which look at none
either, and prove the sender by the message."""


def test_nothing_changes_at_the_wish_of_a_foreign_page(world: World) -> None:
    ada = world.browser("ada")
    token = ada.token()
    opened = set()
    for rule, method, address in routes(world.app, changing=True):
        if getattr(world.app.view_functions[rule.endpoint], "from_elsewhere", False):
            opened.add(rule.endpoint)
            continue
        body = {"json": {}} if address.startswith("/api/") else {"data": {"_token": token}}
        for headers, given in (
            ({"Origin": "https://evil.example"}, body),
            ({"Origin": "null"}, body),
            ({"Referer": "https://evil.example/localhost", "Sec-Fetch-Site": "cross-site"}, body),
            ({"Origin": "http://localhost.evil.example"}, body),
            ({}, {"data": {}} if not address.startswith("/api/") else {"json": {}}),
        ):
            response = ada.client.open(address, method=method, headers=headers, **given)

            assert response.status_code == 403, f"{method} {rule} {headers}: {response.status_code}"
    assert opened <= FROM_ELSEWHERE, "say in FROM_ELSEWHERE why a foreign page may post there"


def test_a_token_of_another_browser_is_worth_nothing(world: World) -> None:
    ada, eve = world.browser("ada"), world.browser("ben")
    stolen = eve.token()

    for token in (stolen, "", "0" * 64, "0" * 128, stolen * 2, "é" * 64, "0" * 10_000):
        ada.get("/")
        response = ada.client.post("/settings", data={"_token": token, "theme": "dark"})

        assert response.status_code == 403, token


def test_the_token_of_a_page_is_never_twice_the_same(world: World) -> None:
    web = world.browser("ben")
    web.get("/")
    kept = web.token()

    pages = [web.text("/deal") for _ in range(3)]

    tokens = [set(re.findall(r"[0-9a-f]{128}", page)) for page in pages]
    assert all(kept not in page for page in pages)
    assert not tokens[0] & tokens[1]
    assert not tokens[1] & tokens[2]
    for each in tokens[2]:
        assert web.client.post("/settings", data={"_token": each, "theme": "dark"}).status_code == 303


def test_every_other_method_is_refused(world: World) -> None:
    web = world.browser("ada")
    for rule, _method, address in routes(world.app, changing=False):
        for method in {"PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "NONSENSE"} - (rule.methods or set()):
            response = web.client.open(address, method=method, headers={"Authorization": "Bearer gx_x"})

            assert response.status_code in {400, 401, 403, 404, 405}, f"{method} {rule}: {response.status_code}"


# --- redirects

ELSEWHERE = [
    "https://evil.example", "http://evil.example", "//evil.example", "///evil.example", "/\\evil.example",
    "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example",
    "/\x00/evil.example", "https:evil.example", "javascript:alert(1)", "data:text/html,x", "@evil.example",
    ".evil.example", "/\r\nSet-Cookie: a=b", "http:///evil.example", "/ /evil.example", "\u2028//evil.example",
    "evil.example", "?next=//evil.example", "/x\x7f",
]  # fmt: skip


@pytest.mark.parametrize("trick", ELSEWHERE)
def test_no_trick_is_a_path_of_ours(trick: str) -> None:
    assert own_path(trick) == "/"


@pytest.mark.parametrize("trick", ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"])
def test_no_redirect_leads_elsewhere(world: World, trick: str) -> None:
    web = world.browser("ben")

    for response in (
        web.client.get("/login", query_string={"next": trick}),
        web.submit("/settings", {"back": trick, "theme": "dark"}),
        world.browser().submit(
            "/login", {"next": trick, "email": "ben@example.com", "password": "correct horse battery"}
        ),
    ):
        assert response.status_code == 303
        assert response.headers["Location"] == "/", response.headers["Location"]


def test_no_page_redirects_to_what_a_request_names(world: World) -> None:
    web = world.browser("ada")
    for _rule, _method, address in routes(world.app, changing=False):
        asked = "&".join(f"{name}=https://evil.example/" for name in ("next", "back", "url", "redirect", "return"))
        response = web.get(f"{address}?{asked}")

        assert not response.headers.get("Location", "").startswith(("http://evil", "https://evil", "//")), address


# --- headers


def test_every_answer_carries_every_header(world: World) -> None:
    web = world.browser("ada")
    [deal] = world.create("deal", {"name": "Deal", "owner": world.ids["ada"]})
    addresses = [address for _rule, _method, address in routes(world.app, changing=False)]

    for address in [*addresses, f"/deal/{deal}", "/nonsense", "/deal/new"]:
        response = web.get(address)
        headers = response.headers

        assert headers.getlist("Content-Security-Policy") == [CONTENT_POLICY], address
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers
        if response.data:
            assert "charset=utf-8" in headers["Content-Type"] or not (response.mimetype or "").startswith("text/"), (
                address
            )
        assert re.fullmatch(r"[0-9a-f]{16}", headers["X-Request-Id"])
        assert "Server" not in headers or "Werkzeug" in headers["Server"]
        if response.mimetype == "text/html":
            assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", response.text), address
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", response.text), address
            assert "unsafe" not in headers["Content-Security-Policy"]


# --- sizes


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_without_files_has_a_limit_of_its_own(world: World, kind: str) -> None:
    web = world.browser("ada")
    body = b'{"name": "' + b"x" * (10 * 2**20) + b'"}'

    api = web.client.post("/api/v1/deal", data=body, content_type=kind, headers={"Origin": "http://localhost"})
    page = web.client.post("/settings", data=body, content_type=kind, headers={"X-Form-Token": web.token()})

    assert api.status_code == 413
    assert api.mimetype == "application/problem+json"
    assert page.status_code in {303, 413}
    with world.site.reading(world.site.principal(world.ids["ada"])) as reader:
        from engine import Query

        assert not reader.query(Query("deal", limit=1))


def test_json_without_an_end_is_refused(world: World) -> None:
    web = world.browser("ada")
    for start, end in ((b'{"a":', b"}"), (b"[", b"]")):
        for deep in (65, 1_000, 100_000):
            body = b'{"name": ' + start * deep + b"1" + end * deep + b"}"
            for address in ("/api/v1/deal", "/api/v1/deal/query", "/api/v1/deal/bulk"):
                response = web.client.post(
                    address, data=body, content_type="application/json", headers={"Origin": "http://localhost"}
                )

                assert response.status_code == 400, address


# --- logs


def logged(**settings: Any) -> Iterator[io.StringIO]:
    before, stream = sys.stderr, io.StringIO()
    sys.stderr = stream
    try:
        logs.set_up(settings, Path())
        yield stream
    finally:
        sys.stderr = before
        root = logging.getLogger()
        for handler in [each for each in root.handlers if each.get_name() == "guanxi"]:
            root.removeHandler(handler)
        root.setLevel(logging.WARNING)
        logging.getLogger("guanxi.requests").setLevel(logging.NOTSET)


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    yield from logged(format=request.param, requests=True)


def test_a_log_has_one_line_for_each_event_whatever_comes_from_outside(world: World, log: io.StringIO) -> None:
    web = world.browser("ben")
    web.get("/deal%0d%0a2031-01-01%20INFO%20forged%1b[2J\u202e")
    logging.getLogger("x").warning("one\ntwo\r\u2028three \x00")

    lines = log.getvalue().splitlines()

    assert len(lines) == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u2028\u202e\x7f]", log.getvalue())
    assert "forged" in lines[0]


def test_a_log_holds_no_secrets(world: World, log: io.StringIO) -> None:
    secret = "planted-0123456789"
    web = world.browser()
    web.get(f"/login/link/{secret}?password=hunter2")
    web.client.get("/api/v1/deal", headers={"Authorization": "Bearer gx_abcdefghijkl"})
    logging.getLogger("x").warning(
        "Authorization: Bearer gx_abcdefghijkl password='hunter2' postgresql://u:hunter2@h/d"
    )

    text = log.getvalue()

    assert "/login/link/…" in text or "\\u2026" in text
    assert secret not in text
    assert "hunter2" not in text
    assert "abcdefghijkl" not in text


def test_an_error_can_be_found_by_the_number_on_its_page(
    world: World, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise RuntimeError("inside\nand more")

    monkeypatch.setattr(world.site, "reading", broken)
    response = world.browser("ben").get("/deal")

    number = response.headers["X-Request-Id"]
    assert response.status_code == 500
    assert number in response.text
    [line, *_rest] = [each for each in log.getvalue().splitlines() if "failed" in each]
    assert number in line
    if line.startswith("{"):
        assert any("RuntimeError" in each for each in orjson.loads(line)["trace"])


# --- nothing leaves by itself


def test_a_site_in_use_connects_to_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1"}:
            tried.append(address)
            raise OSError("the tests let nothing out")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)

    def resolve(*given: Any, **_named: Any) -> list[Any]:
        tried.append(given[0])
        raise OSError("the tests look nobody up")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "gethostbyname", resolve)
    site = Site.open(world.site.config.folder)
    app = create_app(site)
    tried.clear()  # the machine was asked for its own name
    web = World(site, app, world.ids).browser("ada")
    for _rule, _method, address in routes(app, changing=False):
        web.get(address)
    web.submit("/client/new", {"name": "x", "was-name": ""})

    assert tried == []
    assert site.outbound.lately == ()
    site.close()


def test_the_page_of_what_leaves_is_for_administrators(world: World) -> None:
    world.site.outbound = Outbound(resolve=lambda host, port: ["10.0.0.9"])
    with pytest.raises(Exception, match="may not connect"):
        world.site.outbound.get("https://hook.example/secret-path", purpose="webhook")

    page = world.browser("ada").text("/admin/outbound")

    assert "hook.example:443" in page
    assert "secret-path" not in page
    assert "refused" in page
    assert world.browser("ben").get("/admin/outbound").status_code == 403
