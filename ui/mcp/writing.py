"""The tools that change something: as proposals, or at once where the token's switch says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine import (
    AccessDenied,
    GuanxiError,
    Message,
    Operation,
    OperationsRefused,
    Preview,
    Proposal,
    ProposalPart,
    RecordInvalid,
    Site,
)
from ui.mcp.answers import MOST_BYTES, Answer, refused, shortened, size, untrusted
from ui.mcp.caller import Caller
from ui.mcp.reading import known_entity

_LONGEST = 500
"""Characters of one value in a preview."""


def create_records(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Create records, or propose to."""
    entity = given["entity"]
    operations = [Operation("create", entity, each) for each in given["records"]]
    return _carry_out(site, caller, entity, operations, given, "records", "")


def update_records(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Change records, or propose to."""
    entity = given["entity"]
    operations = [
        Operation("update", entity, each["values"], each["id"], each.get("version")) for each in given["changes"]
    ]
    return _carry_out(site, caller, entity, operations, given, "changes", "values")


def run_action(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Move records to another state, or propose to."""
    entity, name, values = given["entity"], given["action"], given.get("values") or {}
    operations = [Operation("transition", entity, values, each, None, name) for each in given["ids"]]
    return _carry_out(site, caller, entity, operations, given, "ids", "")


def delete_records(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Move records to the recycle bin, or propose to."""
    if not caller.may_delete:
        raise AccessDenied(Message("This token may not delete"))
    entity = given["entity"]
    operations = [Operation("delete", entity, {}, each) for each in given["ids"]]
    return _carry_out(site, caller, entity, operations, given, "ids", "")


def proposal_state(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Tell what became of a proposal."""
    found = site.proposals.state_of(caller.principal, given["proposal"])
    spoken = caller.principal.language
    body = untrusted(
        note=found.note,
        parts=_fitting([_part(each, spoken) for each in found.parts]),
    )
    body |= {"state": found.standing, "proposal": found.id, "review": _review(site, found)}
    if found.change_set is not None:
        body["change_set"] = found.change_set
    return Answer(body, number=len(found.parts), details={"proposal": found.id})


def _part(part: ProposalPart, spoken: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "entity": part.operation.entity,
        "does": part.operation.name or part.operation.kind,
        "state": part.state,
        "id": part.written_id or part.operation.id,
    }
    if part.problems:
        known["problems"] = [{**each, "message": each["message"].get(spoken, "")} for each in part.problems]
    return known


def _carry_out(
    site: Site,
    caller: Caller,
    entity: str,
    operations: Sequence[Operation],
    given: Mapping[str, Any],
    argument: str,
    inner: str,
) -> Answer:
    """Write or propose, and answer with what changes; paths of problems name the argument that they are about."""
    if not caller.may_write:
        raise AccessDenied(
            Message("This token only reads: its person can make one that proposes changes"), entity=entity
        )
    with site.reading(caller.principal) as reader:
        known_entity(reader, entity)
    reason = given.get("reason", "")
    try:
        if caller.writes_at_once:
            return _written(site, caller, entity, operations, reason, given.get("request"))
        made = site.proposals.propose(
            caller.principal, operations, reason=reason, author=caller.author, request=given.get("request")
        )
    except OperationsRefused as error:
        return _all_problems(error, caller, argument, inner)
    body = untrusted(changes=_fitting([_change(each) for each in made.parts]))
    warnings = _warnings(made.parts, caller.principal.language)
    if warnings:
        body["warnings"] = warnings
    body |= {
        "state": "proposed" if made.due else made.standing,
        "proposal": made.id,
        "review": _review(site, made),
        "expires_at": made.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    return Answer(body, entity=entity, number=len(operations), outcome="proposed", details={"proposal": made.id})


def _written(
    site: Site, caller: Caller, entity: str, operations: Sequence[Operation], reason: str, request: str | None
) -> Answer:
    done, change_set = site.proposals.write(caller.principal, operations, reason=reason, request=request)
    body = untrusted(changes=_fitting([_outcome(each) for each in done]))
    body |= {"state": "written", "change_set": change_set}
    return Answer(body, entity=entity, number=len(done), outcome="written", details={"change_set": change_set})


def _change(part: ProposalPart) -> dict[str, Any]:
    before, _ = shortened(part.before, _LONGEST)
    after, _ = shortened(part.after, _LONGEST)
    return {
        "does": part.operation.name or part.operation.kind,
        "id": part.operation.id,
        "version": part.operation.version,
        "title": part.title[:200],
        "before": before,
        "after": after,
    }


def _outcome(done: Preview) -> dict[str, Any]:
    before, _ = shortened(done.before, _LONGEST)
    after, _ = shortened(done.after, _LONGEST)
    return {
        "did": done.action,
        "id": done.id,
        "version": done.version,
        "title": done.title[:200],
        "before": before,
        "after": after,
    }


def _fitting(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return changes so that they fit: of those that do not, ids and titles alone."""
    room, shown = MOST_BYTES, []
    least = sum(size({key: value for key, value in each.items() if key not in _LARGE}) + 1 for each in changes)
    room -= least
    for each in changes:
        large = size({key: value for key, value in each.items() if key in _LARGE})
        keeps = large <= room
        room -= large if keeps else 0
        shown.append(each if keeps else {key: value for key, value in each.items() if key not in _LARGE})
    return shown


_LARGE = frozenset({"before", "after", "problems"})


def _warnings(parts: Sequence[ProposalPart], spoken: str) -> list[dict[str, Any]]:
    return [
        {"place": part.place, "path": each["path"], "code": each["code"], "message": each["message"].get(spoken, "")}
        for part in parts
        for each in part.warnings
    ]


def _all_problems(error: OperationsRefused, caller: Caller, argument: str, inner: str) -> Answer:
    """Return every problem of every operation, each at the argument that it is about."""
    spoken = caller.principal.language
    first = refused(error.refused[0].error, spoken)
    problems: list[dict[str, Any]] = []
    for each in error.refused:
        at = _placed(argument, each.place, inner)
        said = refused(each.error, spoken, at).body["error"]
        if isinstance(each.error, RecordInvalid) or said.get("problems"):
            problems += said["problems"]
        else:
            problems.append({"path": at(""), "code": said["code"], "message": said["message"]})
    body = {"code": first.body["error"]["code"], "message": _message(error), "problems": problems}
    return Answer({"error": body}, failed=True, outcome="refused", details=first.details)


def _message(error: GuanxiError) -> str:
    return f"Nothing was written or proposed: {error.in_('en')}"


def _placed(argument: str, place: int, inner: str) -> Callable[[str], str]:
    return lambda path: "/".join(filter(None, (argument, str(place), inner if path else "", path)))


def _review(site: Site, found: Proposal) -> str:
    return site.identity.address(f"/admin/proposals/{found.id}")
