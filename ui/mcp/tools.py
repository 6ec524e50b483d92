"""Calling a tool: arguments are checked, the call is counted, and the audit log hears of it, whatever comes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from engine import Event, GuanxiError, Message, Site, TooManyRequests, acting_from, is_id
from ui.mcp import reading, writing
from ui.mcp.answers import Answer, refused
from ui.mcp.caller import Caller
from ui.mcp.shapes import TOOLS, offered
from ui.sizes import is_too_deep

log = logging.getLogger(__name__)

_Work = Callable[[Site, Caller, Mapping[str, Any]], Answer]
_MOST_PROBLEMS = 20
_KEY_LENGTH = 100

_WORK: Mapping[str, _Work] = {
    "list_entities": reading.list_entities,
    "describe_entity": reading.describe_entity,
    "find_records": reading.find_records,
    "get_record": lambda site, caller, given: (
        writing.proposal_state(site, caller, given) if "proposal" in given else reading.get_record(site, caller, given)
    ),
    "create_records": writing.create_records,
    "update_records": writing.update_records,
    "run_action": writing.run_action,
    "explain_access": reading.explain_access,
    "delete_records": writing.delete_records,
}


class UnknownTool(GuanxiError):
    """There is no tool of that name, or not for this caller."""


def tools_for(caller: Caller) -> list[dict[str, Any]]:
    """Return the tools of a caller as the protocol has them."""
    return [each.json() for each in offered(caller)]


def call(site: Site, caller: Caller, name: str, arguments: Any) -> Answer:
    """Call a tool and return its answer; what was refused is an answer too, for the agent can put it right.

    Raises:
        UnknownTool: there is none of that name.
    """
    if name not in {each.name for each in offered(caller)}:
        raise UnknownTool(Message("There is no tool {name}", name=name[:_KEY_LENGTH]))
    with acting_from(caller.origin):
        answer = _answer(site, caller, name, {} if arguments is None else arguments)
        _note(site, caller, name, arguments, answer)
    return answer


def _answer(site: Site, caller: Caller, name: str, arguments: Any) -> Answer:
    wrong = _wrong(name, arguments)
    try:
        site.identity.admit_agent(caller.key)
        if wrong:
            body = {"code": "arguments-invalid", "message": wrong[0]["message"], "problems": wrong}
            return Answer({"error": body}, failed=True, outcome="refused", details={"code": "arguments-invalid"})
        return _WORK[name](site, caller, arguments)
    except TooManyRequests as error:
        answer = refused(error, caller.principal.language)
        return Answer(
            {"error": {**answer.body["error"], "retry_after": error.seconds}}, failed=True, outcome="refused",
            details=answer.details,
        )  # fmt: skip
    except GuanxiError as error:
        return refused(error, caller.principal.language)


def _note(site: Site, caller: Caller, name: str, arguments: Any, answer: Answer) -> None:
    """Tell the audit log who called what, through what, and how much came of it; never what the records hold."""
    entity, record = answer.entity, answer.record_id
    if entity is None and isinstance(arguments, dict):
        given = arguments.get("entity")
        entity = given[:_KEY_LENGTH] if isinstance(given, str) else None
    if record is None and isinstance(arguments, dict) and not answer.failed:
        given = arguments.get("id")
        record = given if isinstance(given, str) and is_id(given) else None
    details = {
        "tool": name, "client": caller.client, "called": caller.token_name, "outcome": answer.outcome, **answer.details
    }  # fmt: skip
    site.trail.tell(Event("agent", caller.principal.id, entity, record, answer.number, details))


def _wrong(name: str, arguments: Any) -> list[dict[str, str]]:
    """Return what is wrong with arguments, by path."""
    if is_too_deep(arguments):
        return [{"path": "", "code": "too-deep", "message": "The arguments lie too deep within each other"}]
    found = sorted(_validator(name).iter_errors(arguments), key=lambda each: list(map(str, each.absolute_path)))
    return [
        {"path": "/".join(map(str, each.absolute_path)), "code": str(each.validator), "message": each.message[:300]}
        for each in found[:_MOST_PROBLEMS]
    ]


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(TOOLS[name].schema())
