"""Running it: an older site is brought up to date, the server keeps to HTTP, and the pages that say so are true."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from engine import SYSTEM, Query, Site
from engine.storage.database import Database, run
from engine.storage.migrations import MIGRATIONS, migrate
from tests.functional.screens.world import DOCUMENTS, PASSWORD, build

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"

# --- upgrading


@pytest.mark.parametrize("level", [1, len(MIGRATIONS) - 1])
def test_a_site_of_an_older_version_is_brought_up_to_date(tmp_path: Path, database_url: str, level: int) -> None:
    old = Database(database_url)
    migrate(old, MIGRATIONS[:level])
    now = "2026-01-02T03:04:05.000Z" if old.dialect == "sqlite" else "2026-01-02 03:04:05+00"
    id_ = "01a202f3-c05e-71e6-b5d3-ac5cf497aa96"
    with old.write() as connection:
        run(
            connection,
            "INSERT INTO share (entity, record_id, principal_id, level, cause) "
            f"VALUES ('deal', '{id_}', '{id_}', 'read', 'by hand')",
        )
        run(
            connection,
            f"INSERT INTO auth_token (id, user_id, name, hash, scopes, created_at) "
            f"VALUES ('{id_}', '{id_}', 'robot', 'h', '[]', '{now}')",
        )
    old.dispose()

    ids = build(tmp_path / "site", DOCUMENTS, database_url)

    with Site.open(tmp_path / "site", database_url=database_url) as site:
        with site.database.read() as connection:
            numbers = run(connection, "SELECT number FROM engine_migration ORDER BY number").fetchall()
            shares = run(connection, "SELECT level, cause FROM share").fetchall()
            tokens = run(connection, "SELECT name FROM auth_token").fetchall()
        assert [row[0] for row in numbers] == [each.number for each in MIGRATIONS]
        assert [tuple(row) for row in shares] == [("read", "by hand")]
        assert [row[0] for row in tokens] == ["robot"]
        site.records.create(SYSTEM, "deal", [{"name": "After", "owner": ids["ben"]}])
        assert site.identity.sign_in("ben@example.com", PASSWORD).secret
        with site.reading(site.principal(ids["ben"])) as reader:
            assert [row["name"] for row in reader.query(Query("deal", select=("name",))).dicts()] == ["After"]


# --- the server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a site that runs as it would in production."""
    folder = tmp_path_factory.mktemp("served") / "site"
    build(folder, DOCUMENTS, None, {"ada": ("Ada", "ada@example.com", "admin")})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "import sys; from ui.cli import main; sys.exit(main())"
    words = ["serve", "--site", str(folder), "--port", str(port), "--without-worker"]
    with (folder / "data" / "out.log").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *words], cwd=ROOT, stdout=out, stderr=out, start_new_session=True
        )
    try:
        for _ in range(300):
            if process.poll() is not None:
                pytest.fail((folder / "data" / "out.log").read_text("utf-8"))
            try:
                if b"200 OK" in said(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
                    break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def said(port: int, request: bytes) -> bytes:
    """Return all that the server answers on one connection, until it says no more for a while."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(request)
        line.settimeout(0.7)
        try:
            while block := line.recv(65_536):
                found += block
        except TimeoutError:
            pass
    return found


HOST = b"Host: localhost\r\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nabcde",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: +5\r\n\r\nabcde",
        b"Content-Length: 5\r\n\r\nabcde",
    ],
)
def test_a_message_ends_where_it_says(served: int, head: bytes) -> None:
    hidden = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"

    answers = said(served, b"POST /login HTTP/1.1\r\n" + HOST + head + hidden)

    statuses = re.findall(rb"HTTP/1\.1 (\d+)", answers)
    # What follows a sound message is one of its own; behind one that can be read in two ways, nothing is read.
    sound = head.startswith(b"Content-Length: 5\r\n\r\n")
    assert statuses[0] == (b"403" if sound or head.startswith(b"Content-Length: 5\r\nTransfer") else b"400")
    assert len(statuses) == (2 if sound else 1)


@pytest.mark.slow
def test_the_server_refuses_what_is_no_request(served: int) -> None:
    assert b" 400 " in said(served, b"NONSENSE\r\n\r\n") or said(served, b"NONSENSE\r\n\r\n") == b""
    assert b" 431 " in said(served, b"GET /login HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200_000 + b"\r\n\r\n")
    assert b" 400 " in said(served, b"GET /login HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    chunked = b"Authorization: Bearer gx_x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert b" 401 " in said(served, b"POST /api/v1/deal HTTP/1.1\r\n" + HOST + chunked)
    trace = said(served, b"TRACE /login HTTP/1.1\r\n" + HOST + b"Connection: close\r\nX-Secret: s\r\n\r\n")
    assert b"X-Secret" not in trace
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    assert b" 101 " not in said(served, b"GET / HTTP/1.1\r\n" + HOST + upgrade + b"Sec-WebSocket-Version: 13\r\n\r\n")


# --- what the pages say


def test_the_unit_names_commands_that_exist_and_gives_nothing_away() -> None:
    from ui.cli.commands import cli

    for name in ("guanxi.service", "guanxi-worker.service", "guanxi-clean-up.service"):
        unit = ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(DEPLOY / name)
        words = unit["Service"]["ExecStart"].split()

        assert words[0] == "/opt/guanxi/bin/guanxi"
        command = cli.commands[words[1]]
        known = {option for each in command.params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= known
        assert unit["Service"]["User"] == "guanxi"
        assert unit["Service"]["NoNewPrivileges"] == "yes"
        assert unit["Service"]["ProtectSystem"] == "strict"


def test_the_unit_is_one_for_systemd() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        return  # nothing to ask; the test above reads the unit on every machine
    units = [
        str(DEPLOY / name)
        for name in ("guanxi.service", "guanxi-worker.service", "guanxi-clean-up.service", "guanxi-clean-up.timer")
    ]

    told = subprocess.run([program, "verify", "--man=no", *units], capture_output=True, text=True, check=False)

    complaints = [line for line in told.stderr.splitlines() if "deploy/" in line or "guanxi" in line]
    assert not [line for line in complaints if "is not executable: No such file" not in line]


def test_the_container_runs_as_nobody_in_particular() -> None:
    text = (DEPLOY / "Containerfile").read_text("utf-8")

    last = text.rpartition("\nFROM ")[2]
    assert "\nUSER 10001:10001\n" in last
    assert "HEALTHCHECK" in last
    assert "/healthz" in last
    assert "COPY . ." not in last
    assert 'CMD ["guanxi", "serve"' in last


def test_proxies_pass_on_what_the_site_goes_by() -> None:
    nginx = (DEPLOY / "nginx.conf").read_text("utf-8")

    assert "proxy_set_header X-Forwarded-For $remote_addr;" in nginx  # never what the browser says
    assert "proxy_set_header Host $host;" in nginx
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in nginx
    assert "proxy_request_buffering on;" in nginx
    assert "tls1.2 tls1.3" in (DEPLOY / "Caddyfile").read_text("utf-8")


ROW = re.compile(r"^\| ([0-9. ]+) \| ([12]) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
REQUIRED = {
    1: (
        "1.2.1-5 1.3.1-2 1.5.1 2.1.1 2.2.1-2 2.3.1 3.2.1-2 3.3.1 3.4.1-2 3.5.1-3 4.1.1 4.4.1 5.2.1-2 5.3.1-2 "
        "6.1.1 6.2.1-8 6.3.1-2 6.4.1-2 7.2.1-4 7.4.1-2 8.1.1 8.2.1-2 8.3.1 9.1.1-3 9.2.1 10.4.1-5 11.3.1-2 "
        "11.4.1 12.1.1 12.2.1-2 13.4.1 14.2.1 14.3.1 15.1.1 15.2.1 15.3.1"
    ),
    2: (
        "1.1.1-2 1.2.6-9 1.3.3-11 1.4.1-3 1.5.2 2.1.2-3 2.2.3 2.3.2-4 2.4.1 3.3.2-4 3.4.3-6 3.5.4-5 3.7.1-2 "
        "4.1.2-3 4.2.1 4.3.1-2 4.4.2-4 5.1.1 5.2.3 5.4.1-3 6.1.2-3 6.2.9-12 6.3.3-4 6.4.3-4 6.5.1-5 6.6.1-3 "
        "6.8.1-4 7.1.1-3 7.3.1-2 7.4.3-5 7.5.1-2 7.6.1-2 8.1.2 8.2.3 8.4.1 9.2.2-4 10.1.1-2 10.2.1-2 10.3.1-4 "
        "10.4.6-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2 11.2.1-3 11.3.3 11.4.2-4 11.5.1 11.6.1 12.1.2-3 "
        "12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.2-5 14.1.1-2 14.2.2-4 14.3.2-3 15.1.2-3 15.2.2-3 15.3.2-7 "
        "16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3 17.1.1 17.2.1-4 17.3.1-2"
    ),
}
"""The numbers of ASVS 5.0.0 by level."""


def numbers(words: str) -> list[str]:
    found = []
    for word in words.split():
        first, _, last = word.partition("-")
        chapter, section, number = first.split(".")
        found += [f"{chapter}.{section}.{each}" for each in range(int(number), int(last or number) + 1)]
    return found


@pytest.mark.parametrize(("page", "open_word"), [("docs/security.md", "open"), ("docs/zh/security.md", "未满足")])
def test_every_requirement_is_answered_and_every_named_test_exists(page: str, open_word: str) -> None:
    rows = ROW.findall((ROOT / page).read_text("utf-8"))
    answered = {(number, int(level)) for row_numbers, level, *_rest in rows for number in row_numbers.split()}
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }

    assert answered == {(number, level) for level, words in REQUIRED.items() for number in numbers(words)}
    assert not [(row[0], name) for row in rows for name in re.findall(r"`(test_\w+)`", row[4]) if name not in tests]
    assert sum(row[3] == open_word for row in rows) >= 1


def test_both_pages_of_security_say_the_same() -> None:
    english, chinese = (
        ROW.findall((ROOT / page).read_text("utf-8")) for page in ("docs/security.md", "docs/zh/security.md")
    )

    assert [(row[0], row[1], re.findall(r"`test_\w+`", row[4])) for row in english] == [
        (row[0], row[1], re.findall(r"`test_\w+`", row[4])) for row in chinese
    ]
