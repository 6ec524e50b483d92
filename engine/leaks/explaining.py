"""Channels that answer questions about rights: why somebody may not, and who can see a record."""

from __future__ import annotations

from collections.abc import Iterator

from engine.data.explain import Explanation, explain
from engine.data.seeing import who_can_see
from engine.errors import AccessDenied, GuanxiError, NotFound
from engine.i18n import Message
from engine.ids import new_id
from engine.leaks.channels import Asking, channel
from engine.leaks.oracle import Oracle
from engine.leaks.told import Accepted, Number, Row, Told, Words

_SOME = 3
_ACTIONS = ("read", "update", "delete")
_SAME = Message("a record that they may not know of answers as one that does not exist")


@channel("why", Message("explanations"))
def explanations(asking: Asking) -> Iterator[Told]:
    """Ask why about records in reach and not: of those out of reach nothing is told, not even that they are there."""
    entity, oracle = asking.entity.key, asking.oracle
    everything = oracle.holds_permission("audit")
    for row in asking.some(_SOME):
        for action in _ACTIONS:
            said = _said(asking, action, row["id"])
            yield Words(said.encode(), action, entity, frozenset([row["id"]]))
            if everything or oracle.may(entity, row, "read"):
                continue
            nowhere = new_id()
            never = _said(asking, action, nowhere).replace(nowhere, row["id"])
            if said != never:
                yield Accepted(entity, None, None, f"why {action}: {said} | {never}", _SAME)


def _said(asking: Asking, action: str, id_: str) -> str:
    try:
        found: Explanation = explain(asking.reader, action, asking.entity.key, id_)
    except GuanxiError as error:
        return str(error)
    parts = [found.granted, *found.lines, found.answer, *found.whom_to_ask, *found.who_could_grant]
    return " ".join(map(str, [*parts, *(helper.name for helper in found.helpers)]))


@channel("who", Message("who can see a record"))
def seers(asking: Asking) -> Iterator[Told]:
    """Ask who can see records: refused where the record is out of reach, and right where it is not."""
    entity, oracle = asking.entity.key, asking.oracle
    people = [each for each in asking.notes.get("people", ()) if each.scopes is None]
    if not people:
        return
    for row in asking.some(_SOME):
        try:
            sight = who_can_see(asking.reader, entity, row["id"], people)
        except (NotFound, AccessDenied):
            continue
        if not oracle.holds_permission("audit"):
            yield Row(entity, row["id"], {}, part="who")
        others = [Oracle(asking.plain, each, oracle.now) for each in people]
        readers = sum(each.may(entity, row, "read") for each in others)
        editors = sum(each.may(entity, row, "read") and each.may(entity, row, "update") for each in others)
        yield Number(entity, None, "readers", sight.readers, readers)
        yield Number(entity, None, "editors", sight.editors, editors)
