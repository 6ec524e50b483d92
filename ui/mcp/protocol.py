"""The protocol, one message at a time: what a request asks for, in which revision, and what is answered.

Each message stands by itself, so any process can answer it. The shapes of every revision come from `mcp_types` of the
extra `mcp`; there is no loop, no session and no stream here, and none is needed to call a tool.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PROTOCOL_VERSION_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
    methods,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from engine import Site
from ui.mcp import tools
from ui.mcp.answers import Answer
from ui.mcp.caller import Caller, client_name
from ui.mcp.shapes import INSTRUCTIONS

log = logging.getLogger(__name__)

HANDSHAKE_VERSIONS = HANDSHAKE_PROTOCOL_VERSIONS[1:]
"""Revisions that begin with `initialize`; the first one of all had another way over HTTP."""
UNSAID_VERSION = "2025-03-26"
"""What a request is taken for that names no revision."""
VERSIONS = (*HANDSHAKE_VERSIONS, *MODERN_PROTOCOL_VERSIONS)
NAME = "guanxi"
_BAD = frozenset({INVALID_REQUEST, HEADER_MISMATCH, UNSUPPORTED_PROTOCOL_VERSION})


class Refused(Exception):
    """A message that cannot be answered, as an error of the protocol."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    @property
    def status(self) -> int:
        """Return the HTTP status that goes with it."""
        return 400 if self.code in _BAD else 200

    def json(self, id_: Any) -> dict[str, Any]:
        """Return it as the answer to a request."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": "2.0", "id": id_, "error": error}


@dataclass(frozen=True, slots=True)
class Said:
    """A message that was understood."""

    method: str
    params: Mapping[str, Any]
    id: str | int | None
    """None of a notification, which nobody answers."""
    version: str
    client: str
    """How the program names itself, where the message says it."""


def understand(message: Any, header: Callable[[str], str | None]) -> Said:
    """Return what a message asks for; `header` returns a header of the request that it came with.

    Raises:
        Refused: it is none, or in a revision that is not spoken here.
    """
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        raise Refused(INVALID_REQUEST, "The body must be a single JSON-RPC request or notification")
    id_, params = message.get("id"), message.get("params", {})
    if ("id" in message and not _is_id(id_)) or not isinstance(params, dict):
        raise Refused(INVALID_REQUEST, "id is a text or a whole number, and params an object")
    method: str = message["method"]
    version = (header("MCP-Protocol-Version") or "").strip()
    if method == "initialize":
        return Said(method, params, id_, LATEST_HANDSHAKE_VERSION, client_name(params.get("clientInfo")))
    version = version or UNSAID_VERSION
    if version not in VERSIONS:
        raise _unsupported(version)
    client = ""
    if version in MODERN_PROTOCOL_VERSIONS and "id" in message:
        client = _envelope(method, params, version, header)
    return Said(method, params, id_, version, client)


def _is_id(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _unsupported(version: str) -> Refused:
    data = {"supported": list(VERSIONS), "requested": version[:40]}
    return Refused(UNSUPPORTED_PROTOCOL_VERSION, "This revision of the protocol is not supported", data)


def _envelope(method: str, params: Mapping[str, Any], version: str, header: Callable[[str], str | None]) -> str:
    """Check what every request of the newest revision carries, and return how the program names itself.

    Raises:
        Refused: something is missing, or headers and body disagree.
    """
    meta = params.get("_meta")
    if not isinstance(meta, dict) or not {PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY} <= meta.keys():
        raise Refused(
            INVALID_PARAMS,
            f"params._meta must have {PROTOCOL_VERSION_META_KEY} and {CLIENT_CAPABILITIES_META_KEY}",
        )
    if meta[PROTOCOL_VERSION_META_KEY] != version:
        raise Refused(HEADER_MISMATCH, "MCP-Protocol-Version and params._meta name different revisions")
    if header("Mcp-Method") != method:
        raise Refused(HEADER_MISMATCH, "Mcp-Method does not name the method of the body")
    # Names of tools are plain words, so one that had to be encoded is none of them.
    if method == "tools/call" and header("Mcp-Name") != params.get("name"):
        raise Refused(HEADER_MISMATCH, "Mcp-Name does not name the tool of the body")
    return client_name(meta.get(CLIENT_INFO_META_KEY))


def answer(site: Site, caller: Caller, said: Said) -> dict[str, Any]:
    """Carry out a request and return the answer to it.

    Raises:
        Refused: there is no such method or tool, or its parameters are wrong.
    """
    found = _METHODS.get(said.method)
    if found is None or (said.method, said.version) not in methods.CLIENT_REQUESTS:
        raise Refused(METHOD_NOT_FOUND, f"There is no method {said.method[:80]}")
    try:
        methods.validate_client_request(said.method, said.version, said.params)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Refused(INVALID_PARAMS, f"{where}: {first['msg']}") from None
    result = found(site, caller, said)
    if said.version in MODERN_PROTOCOL_VERSIONS:
        result = {"resultType": "complete", **result}
    said_back = methods.serialize_server_result(said.method, said.version, result)
    return {"jsonrpc": "2.0", "id": said.id, "result": said_back}


def internal_error() -> Refused:
    """Return the error of what went wrong on our side; the log has the rest."""
    return Refused(INTERNAL_ERROR, "Something went wrong on our side")


# --- methods


def server_info() -> dict[str, Any]:
    """Return how the server names itself."""
    return {"name": NAME, "title": "Guanxi", "version": metadata.version("guanxi")}


def _initialize(_site: Site, _caller: Caller, said: Said) -> dict[str, Any]:
    wanted = said.params.get("protocolVersion")
    return {
        "protocolVersion": wanted if wanted in HANDSHAKE_VERSIONS else LATEST_HANDSHAKE_VERSION,
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": server_info(),
        "instructions": INSTRUCTIONS,
    }


def _discover(_site: Site, _caller: Caller, _said: Said) -> dict[str, Any]:
    return {
        "supportedVersions": list(VERSIONS),
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": server_info(),
        "instructions": INSTRUCTIONS,
        "ttlMs": 0,
        "cacheScope": "private",
    }


def _ping(_site: Site, _caller: Caller, _said: Said) -> dict[str, Any]:
    return {}


def _list_tools(_site: Site, caller: Caller, _said: Said) -> dict[str, Any]:
    return {"tools": tools.tools_for(caller), "ttlMs": 0, "cacheScope": "private"}


def _call_tool(site: Site, caller: Caller, said: Said) -> dict[str, Any]:
    try:
        found = tools.call(site, caller, str(said.params.get("name")), said.params.get("arguments"))
    except tools.UnknownTool as error:
        raise Refused(INVALID_PARAMS, str(error)) from None
    return result_of(found)


def result_of(found: Answer) -> dict[str, Any]:
    """Return an answer as the result of a call: as JSON for programs, and the same as text for models."""
    text = found.text()
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": found.failed}
    if not found.failed:
        result["structuredContent"] = found.plain()
    return result


_METHODS: Mapping[str, Callable[[Site, Caller, Said], dict[str, Any]]] = {
    "initialize": _initialize,
    "server/discover": _discover,
    "ping": _ping,
    "tools/list": _list_tools,
    "tools/call": _call_tool,
}
