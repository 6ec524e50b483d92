"""What agents propose: an inbox, and a page for each proposal where a person approves it, in parts or whole, or not.

Every value is shown as it would be written, beside the one that stands there now. What somebody has changed since is
marked, and is not ticked by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from engine import Decision, GuanxiError, Message, NotFound, Proposal, Reader
from ui.asking import language, reading, site
from ui.frame import notice, page, words
from ui.pages.account import moments, own
from ui.widgets.proposed import Shown, shown_parts

routes = Blueprint("proposals", __name__, url_prefix="/admin/proposals")

STATES = {
    "open": Message("Waiting"),
    "done": Message("Decided"),
    "rejected": Message("Turned down"),
    "expired": Message("Expired"),
}
_CONFLICT, _WRONG = 409, 422


@routes.get("")
def inbox() -> str:
    """List what waits for whoever reads, and what was decided lately."""
    who = own()
    waiting, decided = site().proposals.waiting(who), site().proposals.decided(who)
    names = _names([*waiting, *decided])
    with reading() as reader:
        return page(
            "proposals.html",
            reader,
            waiting=[(each, _about(reader, each)) for each in waiting],
            decided=[(each, _about(reader, each)) for each in decided],
            states={key: each.in_(language()) for key, each in STATES.items()},
            names=names,
            when=moments(reader),
        )


@routes.get("/<uuid:proposal>")
def one(proposal: Any) -> str:
    """Show a proposal, and ask what is to become of it."""
    return _shown(site().proposals.get(own(), str(proposal)))


def _shown(found: Proposal, refusal: str = "") -> str:
    names = _names([found])
    with reading() as reader:
        parts = shown_parts(reader, found)
        return page(
            "proposal.html",
            reader,
            proposal=found,
            about=_about(reader, found),
            parts=parts,
            due=found.due and any(each.due for each in parts),
            state=STATES[found.standing].in_(language()),
            names=names,
            refusal=refusal,
            undo=_undo_of(found),
            when=moments(reader),
        )


def _undo_of(found: Proposal) -> str:
    """Return the address that takes back what was written; "" where nothing was."""
    if found.change_set is None or not found.parts:
        return ""
    return f"/{found.parts[0].operation.entity}/undo/{found.change_set}"


@routes.post("/<uuid:proposal>")
def approve(proposal: Any) -> AnyResponse:
    """Write what was ticked, as whoever ticked it."""
    who, id_ = own(), str(proposal)
    chosen = {place: request.form.get(f"version-{place}", type=int) for place in request.form.getlist("part", type=int)}
    if not chosen:
        found = site().proposals.get(who, id_)
        return make_response(_shown(found, words("Tick what is to be written")), _WRONG)
    try:
        decision = site().proposals.approve(who, id_, chosen)
    except NotFound:
        raise
    except GuanxiError as error:
        return make_response(_shown(site().proposals.get(who, id_), error.in_(language())), _CONFLICT)
    _tell(decision)
    if decision.failed:
        conflict = any(each["code"] == "conflict" for part in decision.failed for each in part.problems)
        refusal = words("{count} of them could not be written; they wait on", count=len(decision.failed))
        return make_response(_shown(decision.proposal, refusal), _CONFLICT if conflict else _WRONG)
    more = decision.proposal.due
    return redirect(f"/admin/proposals/{id_}" if more else "/admin/proposals", 303)


def _tell(decision: Decision) -> None:
    if not decision.written:
        return
    notice(Message("{count} changes were written", count=len(decision.written)), undo=_undo_of(decision.proposal))
    for each in decision.written:
        for warning in each.warnings:
            notice(Message("{title}: {why}", title=each.title or "—", why=warning.message), "warning")


@routes.post("/<uuid:proposal>/reject")
def reject(proposal: Any) -> AnyResponse:
    """Turn down what still waits, and say why."""
    who, id_ = own(), str(proposal)
    try:
        site().proposals.reject(who, id_, request.form.get("note", ""))
    except NotFound:
        raise
    except GuanxiError as error:
        return make_response(_shown(site().proposals.get(who, id_), error.in_(language())), _CONFLICT)
    notice(Message("The proposal was turned down"), "info")
    return redirect("/admin/proposals", 303)


def _about(reader: Reader, found: Proposal) -> str:
    """Return what a proposal is about: how many records of what."""
    kinds: dict[str, int] = {}
    for part in found.parts:
        entity = reader.model.entities.get(part.operation.entity)
        if entity is not None:
            label = entity.plural.in_(language())
            kinds[label] = kinds.get(label, 0) + 1
    return " · ".join(f"{label} ({count})" for label, count in kinds.items()) or words("Nothing that there still is")


def _names(proposals: list[Proposal]) -> Mapping[str, str]:
    """Return the names of the people of proposals, by id."""
    found: dict[str, str] = {}
    for id_ in dict.fromkeys(id_ for each in proposals for id_ in (each.user_id, each.decided_by) if id_):
        try:
            found[id_] = site().identity.find(id_).name
        except NotFound:
            found[id_] = "—"
    return found


__all__ = ["Shown", "routes"]
