"""The protocol over HTTP: who gets in, in which revision, and what is answered to what makes no sense."""

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from engine import Wanted
from tests.functional.mcp.conftest import Clinic

MODERN, LATEST = "2026-07-28", "2025-11-25"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "Modern", "version": "3"},
}


def request(method: str, id_: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}


def modern(method: str, **params: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a request of the newest revision, and its headers."""
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    return request(method, _meta=META, **params), headers


def begin(clinic: Clinic, version: str = LATEST, name: str = "Assistant") -> Any:
    return clinic.send(
        request("initialize", protocolVersion=version, capabilities={}, clientInfo={"name": name, "version": "1.2"})
    )


def calls(clinic: Clinic) -> list[Any]:
    with clinic.site.database.read() as connection:
        return clinic.site.trail.entries(connection, Wanted(kinds=("agent",)), 100)


# --- who gets in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "gx_" + "A" * 43, "nonsense", ""])
def test_nobody_gets_in_without_a_good_token(clinic: Clinic, token: str | None) -> None:
    answer = clinic.send(request("ping"), token)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.get_json()["error"]["message"]


def test_a_cookie_is_no_token(clinic: Clinic) -> None:
    client = clinic.app.test_client()
    client.set_cookie("guanxi", (clinic.site.config.folder / "doctor.cookie").read_text("utf-8"))
    assert client.get("/login/account").status_code == 200

    assert client.post("/mcp", json=request("ping")).status_code == 401


def test_tokens_of_agents_and_of_programs_stay_apart(clinic: Clinic) -> None:
    assert clinic.send(request("ping"), "program").status_code == 403
    client = clinic.app.test_client()
    for path, method in (("/api/v1/patient", "GET"), ("/api/v1/patient", "POST"), ("/", "GET"), ("/patient", "GET")):
        answer = client.open(
            path, method=method, json={} if method == "POST" else None,
            headers={"Authorization": f"Bearer {clinic.tokens['writes']}"},
        )  # fmt: skip
        assert answer.status_code == 403, path
    assert (
        client.get("/api/v1/patient", headers={"Authorization": f"Bearer {clinic.tokens['program']}"}).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("null", 403), ("http://localhost", 200), (None, 200)]
)
def test_pages_of_other_sites_get_no_answer(clinic: Clinic, origin: str | None, status: int) -> None:
    headers = {} if origin is None else {"Origin": origin}

    assert clinic.send(request("ping"), **headers).status_code == status


def test_a_name_that_is_not_ours_gets_no_answer(clinic: Clinic) -> None:
    assert clinic.send(request("ping"), Host="evil.example").status_code == 400


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_there_is_no_stream_and_no_session_to_end(clinic: Clinic, method: str) -> None:
    answer = clinic.app.test_client().open("/mcp", method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


# --- revisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "got"),
    [(LATEST, LATEST), ("2025-06-18", "2025-06-18"), ("2025-03-26", "2025-03-26"), ("1999-01-01", LATEST)],
)
def test_the_revision_is_agreed_on(clinic: Clinic, asked: str, got: str) -> None:
    answer = begin(clinic, asked)

    result = answer.get_json()["result"]
    assert result["protocolVersion"] == got
    assert result["serverInfo"]["name"] == "guanxi"
    assert result["capabilities"] == {"tools": {"listChanged": False}}
    assert "list_entities" in result["instructions"]
    listed = clinic.send(request("tools/list"), **{"MCP-Protocol-Version": got}).get_json()["result"]
    assert len(listed["tools"]) == 8


def test_the_newest_revision_needs_no_beginning(clinic: Clinic) -> None:
    body, headers = modern("server/discover")
    told = clinic.send(body, **headers).get_json()["result"]
    assert MODERN in told["supportedVersions"]
    assert told["resultType"] == "complete"

    body, headers = modern("tools/call", name="list_entities", arguments={})
    result = clinic.send(body, **headers).get_json()["result"]

    assert (result["resultType"], result["isError"]) == ("complete", False)
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert calls(clinic)[0].details["client"] == "Modern 3"


@pytest.mark.parametrize(
    ("header", "value"),
    [("Mcp-Method", "tools/list"), ("Mcp-Name", "get_record"), ("Mcp-Method", ""), ("MCP-Protocol-Version", LATEST)],
)
def test_headers_and_body_must_agree(clinic: Clinic, header: str, value: str) -> None:
    body, headers = modern("tools/call", name="list_entities", arguments={})

    answer = clinic.send(body, **{**headers, header: value})

    if header == "MCP-Protocol-Version":
        # An older revision knows nothing of these headers.
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, -32020)


def test_an_unknown_revision_is_refused_with_those_that_are_known(clinic: Clinic) -> None:
    answer = clinic.send(request("tools/list"), **{"MCP-Protocol-Version": "2030-01-01"})

    assert answer.status_code == 400
    error = answer.get_json()["error"]
    assert (error["code"], error["data"]["requested"]) == (-32022, "2030-01-01")
    assert {MODERN, LATEST} <= set(error["data"]["supported"])


def test_the_name_of_the_program_comes_back_with_each_request(clinic: Clinic) -> None:
    session = begin(clinic).headers["Mcp-Session-Id"]

    clinic.send(request("tools/call", name="list_entities", arguments={}), **{"Mcp-Session-Id": session})

    [call] = calls(clinic)
    assert (call.details["client"], call.agent, call.address) == ("Assistant 1.2", "Assistant 1.2", "127.0.0.1")


def test_a_session_of_somebody_else_or_none_of_ours_is_over(clinic: Clinic) -> None:
    session = begin(clinic).headers["Mcp-Session-Id"]

    for token, given in (("nurse", session), ("proposes", session[:-2]), ("proposes", "x")):
        answer = clinic.send(request("tools/list"), token, **{"Mcp-Session-Id": given})
        assert answer.status_code == 404
    assert clinic.send(request("tools/list"), **{"Mcp-Session-Id": session}).status_code == 200


# --- messages ---------------------------------------------------------------------------------------------------------


def test_notifications_are_taken_and_not_answered(clinic: Clinic) -> None:
    answer = clinic.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    assert (answer.status_code, answer.get_data()) == (202, b"")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 200 + b"]" * 200, -32700),
        (b"[]", -32600),
        (b'"text"', -32600),
        (json.dumps([request("ping")]), -32600),
        (json.dumps({"jsonrpc": "1.0", "id": 1, "method": "ping"}), -32600),
        (json.dumps({"jsonrpc": "2.0", "id": None, "method": "ping"}), -32600),
        (json.dumps({"jsonrpc": "2.0", "id": True, "method": "ping"}), -32600),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "method": 5}), -32600),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}), -32600),
    ],
)
def test_what_is_no_message_is_told_so(clinic: Clinic, body: bytes, code: int) -> None:
    answer = clinic.send(body)

    assert answer.get_json()["error"]["code"] == code
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (request("resources/list"), -32601),
        (request("tools/delete"), -32601),
        (request("tools/call", name="drop_table", arguments={}), -32602),
        (request("tools/call", name="delete_records", arguments={}), -32602),
        (request("tools/call", name="list_entities", arguments=[]), -32602),
        (request("tools/call"), -32602),
        (request("initialize", protocolVersion=LATEST), -32602),
    ],
)
def test_what_there_is_not_is_an_error_of_the_protocol(clinic: Clinic, message: dict[str, Any], code: int) -> None:
    answer = clinic.send(message)

    body = answer.get_json()
    assert (answer.status_code, body["error"]["code"], body["id"]) == (200, code, 1)


def test_what_a_tool_refuses_is_an_answer_that_the_agent_can_act_on(clinic: Clinic) -> None:
    answer = clinic.send(request("tools/call", "a", name="get_record", arguments={"entity": "nothing", "id": "x"}))

    result = answer.get_json()["result"]
    assert (answer.status_code, result["isError"]) == (200, True)
    assert json.loads(result["content"][0]["text"])["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "*/*"}, 200),
    ],
)
def test_the_way_of_sending_must_be_the_protocols(clinic: Clinic, headers: dict[str, str], status: int) -> None:
    assert clinic.send(request("ping"), **headers).status_code == status


def test_too_large_a_message_is_refused(clinic: Clinic) -> None:
    big = request("tools/call", name="find_records", arguments={"entity": "patient", "where": "x" * 1_100_000})

    assert clinic.send(big).status_code == 413
    unmeasured = clinic.app.test_client().post(
        "/mcp",
        input_stream=io.BytesIO(json.dumps(big).encode()),
        headers={"Authorization": f"Bearer {clinic.tokens['proposes']}", "Content-Type": "application/json"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert unmeasured.status_code == 413


def test_answers_are_kept_nowhere(clinic: Clinic) -> None:
    assert clinic.send(request("ping")).headers["Cache-Control"] == "no-store"


# --- without the extra ------------------------------------------------------------------------------------------------

_WITHOUT = """
import sys
from importlib.abc import MetaPathFinder


class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {"mcp", "mcp_types"}:
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Missing())
from ui.app import create_app
from ui.cli import main

folder, token = sys.argv[1:]
app = create_app(folder)
answer = app.test_client().post("/mcp", json={}, headers={"Authorization": "Bearer " + token})
print(answer.status_code, answer.get_data(as_text=True))
print(app.test_client().get("/healthz").status_code)
app.extensions["guanxi"].close()
sys.argv = ["guanxi", "mcp", "--site", folder, "--as", "doctor@example.com"]
main()
"""


def test_without_the_extra_everything_else_works_and_it_is_named(clinic: Clinic) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, str(clinic.site.config.folder), clinic.tokens["reads"]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("501")
    assert "guanxi[mcp]" in first
    assert second == "200"
    assert done.returncode == 1
    assert "guanxi[mcp]" in done.stderr
    assert "Traceback" not in done.stderr
