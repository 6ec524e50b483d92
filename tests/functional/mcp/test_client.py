"""The protocol's own client against a site that is really served, and against the command that programs start."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from engine import Site, Wanted
from tests.functional.commands.conftest import run_here
from tests.functional.mcp.conftest import Pattern, build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
GUANXI = "import sys; from ui.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Pattern:
    folder = tmp_path_factory.mktemp("agents") / "site"
    return Pattern(folder, None, *build(folder, None))


@pytest.fixture(scope="module")
def address(folder: Pattern) -> Iterator[str]:
    """The address of the site, served as it would be in production."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", "--site", str(folder.folder), "--port", str(port), "--without-worker"]
    log = folder.folder / "data" / "out.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", GUANXI, *words], cwd=ROOT, stdout=out, stderr=out, start_new_session=True
        )
    try:
        for _ in range(300):
            if process.poll() is not None:
                pytest.fail(log.read_text("utf-8"))
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


@asynccontextmanager
async def over_http(address: str, token: str, mode: Any) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as web,
        Client(streamable_http_client(address, http_client=web), mode=mode) as client,
    ):
        yield client


def stdio(folder: Pattern, *words: str) -> Client:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-c", GUANXI, "mcp", "--site", str(folder.folder), *words],
        cwd=ROOT,
        env=dict(os.environ),
    )
    return Client(stdio_client(server))


async def said(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; the client checks the answer against the schema that the tool has declared."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content
    assert json.loads(result.content[0].text) == found  # type: ignore[union-attr]
    return found


async def a_day_of_work(client: Client) -> dict[str, Any]:
    """Use every tool, as an assistant would; return what became of the proposal."""
    assert (await client.list_tools()).tools[0].name == "list_entities"
    assert "patient" in [each["entity"] for each in (await said(client, "list_entities"))["entities"]]
    described = await said(client, "describe_entity", entity="visit")
    assert "see" in [each["action"] for each in described["entity"]["record_actions"]]
    assert (await said(client, "explain_access", entity="visit", action="create"))["granted"]
    made = await said(client, "create_records", entity="patient", records=[{"name": "李雷", "notes": "复诊"}])
    assert made["state"] == "proposed"
    rows = (await said(client, "find_records", entity="patient"))["untrusted_data"]["rows"]
    if rows:
        record = await said(client, "get_record", entity="patient", id=rows[0]["id"], history=True)
        change = {"id": rows[0]["id"], "version": record["version"], "values": {"level": "a"}}
        assert (await said(client, "update_records", entity="patient", changes=[change]))["state"] == "proposed"
    visits = (await said(client, "find_records", entity="visit", where="stage == 'booked'"))["untrusted_data"]["rows"]
    for each in visits[:1]:
        acted = await said(client, "run_action", entity="visit", ids=[each["id"]], action="miss")
        assert acted["state"] == "proposed"
    wrong = await client.call_tool("find_records", {"entity": "patient", "where": "mobile == '1'"})
    assert wrong.is_error
    return await said(client, "get_record", proposal=made["proposal"])


def fill(folder: Pattern) -> None:
    with Site.open(folder.folder) as site:
        doctor = site.principal(folder.ids["doctor"])
        [anna] = site.records.create(doctor, "patient", [{"name": "Anna"}])
        site.records.create(doctor, "visit", [{"subject": "Check", "patient": anna.id}])


def clients(folder: Pattern) -> set[str]:
    with Site.open(folder.folder) as site, site.database.read() as connection:
        events = site.trail.entries(connection, Wanted(kinds=("agent",)), 500)
        return {each.details["client"] for each in events}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_protocols_own_client_works_over_http(folder: Pattern, address: str, mode: str) -> None:
    fill(folder)

    async def work() -> dict[str, Any]:
        async with over_http(address, folder.tokens["proposes"], mode) as client:
            assert client.protocol_version == ("2026-07-28" if mode == "auto" else "2025-11-25")
            return await a_day_of_work(client)

    assert asyncio.run(work())["state"] == "open"
    [client] = clients(folder)
    assert client.startswith("mcp ")


def test_a_bad_token_keeps_the_client_out(folder: Pattern, address: str) -> None:
    async def work() -> None:
        async with over_http(address, "gx_wrong", "auto") as client:
            await client.list_tools()

    with pytest.raises(Exception, match=r"(?s).*"):
        asyncio.run(work())


def test_the_command_serves_the_program_that_starts_it(folder: Pattern) -> None:
    fill(folder)

    async def work() -> dict[str, Any]:
        async with stdio(folder, "--as", "doctor@example.com", "--write") as client:
            return await a_day_of_work(client)

    assert asyncio.run(work())["state"] == "open"


def test_a_token_comes_on_the_first_line_of_the_input(folder: Pattern) -> None:
    begin = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "T", "version": "1"}},
    }  # fmt: skip
    words = [sys.executable, "-c", GUANXI, "mcp", "--site", str(folder.folder), "--token-stdin"]
    lines = f"{folder.tokens['reads']}\n{json.dumps(begin)}\n"

    done = subprocess.run(words, input=lines.encode(), capture_output=True, cwd=ROOT, timeout=60, check=False)

    [answer] = [json.loads(line) for line in done.stdout.splitlines()]
    assert answer["result"]["protocolVersion"] == "2025-06-18"
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--as EMAIL"),
        (("--as", "nobody@example.com"), "nobody@example.com"),
    ],
)
def test_what_the_command_cannot_do_is_said_in_one_line(
    folder: Pattern, words: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")

    monkeypatch.setenv("GUANXI_TOKEN", "")

    done = run_here("mcp", "--site", folder.folder, *words)

    assert (done.code, done.out) == (1, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1


def test_a_token_goes_without_other_switches(folder: Pattern, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("GUANXI_TOKEN", folder.tokens["reads"])

    done = run_here("mcp", "--site", folder.folder, "--write")

    assert done.code == 1
    assert "says by itself" in done.err
