"""The protocol over standard input and output, for programs that start their servers themselves."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import mcp_types as types
from anyio.to_thread import run_sync
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

from engine import GuanxiError, Site
from ui.mcp import tools
from ui.mcp.answers import Answer, refused
from ui.mcp.caller import Caller, client_name
from ui.mcp.protocol import NAME, result_of, server_info
from ui.mcp.shapes import INSTRUCTIONS

log = logging.getLogger(__name__)


def serve(site: Site, caller: Callable[[], Caller]) -> None:
    """Answer until the program that started us closes our input.

    `caller` is asked before each call: a token may be revoked, and a person lose a right, while we run.

    Raises:
        SignInNeeded: the caller is nobody from the start.
    """
    caller()
    # What is written to standard output belongs to the protocol.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    anyio.run(_serve, site, caller)


async def _serve(site: Site, caller: Callable[[], Caller]) -> None:
    one_at_a_time = anyio.CapacityLimiter(1)

    async def list_tools(_context: Any, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        known = await run_sync(caller, limiter=one_at_a_time)
        return types.ListToolsResult.model_validate({"tools": tools.tools_for(known)})

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        client = _client(context)

        def work() -> Answer:
            try:
                return tools.call(site, replace(caller(), client=client), params.name, params.arguments)
            except GuanxiError as error:
                return refused(error, "en")

        found = await run_sync(work, limiter=one_at_a_time)
        return types.CallToolResult.model_validate(result_of(found))

    info = server_info()
    server: Server[Any] = Server(
        NAME,
        version=info["version"],
        title=info["title"],
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _client(context: ServerRequestContext[Any]) -> str:
    """Return how the program names itself, as it said when it began, or says with each request."""
    params = context.session.client_params
    info = params.client_info if params is not None else None
    return client_name(info.model_dump()) if info is not None else ""
