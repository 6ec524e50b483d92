"""Where a request comes from: whatever it has noted in the audit log carries the address and the browser."""

from __future__ import annotations

from flask import Flask, g, request

from engine import Origin, acting_from

_AGENT_LENGTH = 200


def tell(app: Flask) -> None:
    """Say it for every request, before anything else looks at it."""
    app.before_request(_enter)
    app.teardown_request(_leave)


def _enter() -> None:
    first = request.path.split("/", 2)[1]
    via = first if first in {"api", "mcp"} else "web"
    g.origin = acting_from(Origin(via, request.remote_addr, request.user_agent.string[:_AGENT_LENGTH] or None))
    g.origin.__enter__()


def _leave(_error: BaseException | None) -> None:
    origin = g.pop("origin", None)
    if origin is not None:
        origin.__exit__(None, None, None)
