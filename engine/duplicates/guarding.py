"""Stands in the write path: a record that looks like others is asked about, refused, or kept for review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.data.alike import Duplicates
from engine.data.batch import Batch, Draft
from engine.data.minding import Minding, minding
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.duplicates import pairs
from engine.duplicates.finding import Finder, Match
from engine.duplicates.telling import DuplicatesFound, Twin, tell
from engine.i18n import Message

_UNASKED = frozenset({"import", "agent"})
"""Surfaces on which nobody is there to decide; what is asked elsewhere is a warning."""
_NAMED = 3


class Guard:
    """Looks at records before they are written. Safe to share between threads."""

    def __call__(self, unit: Unit, shape: Shape, batch: Batch) -> None:
        """Mark the drafts of a batch that look like records that are there.

        What is written without a face, by an automation or a hook, is not asked about: there is nobody to answer. It
        is held up by what blocks, as everything is.
        """
        if shape.compared is None:
            return
        minded = minding() if unit.depth == 0 else None
        due = [document for document in shape.compared.own if self._effect(unit, document, minded) != "allow"]
        drafts = [draft for draft in batch.drafts if not draft.failed]
        if not due or not drafts:
            return
        looked = [
            draft
            for draft in drafts
            if draft.old is None
            or any(not document.read(shape.entity.key).isdisjoint(draft.changed) for document in due)
        ]
        if not looked:
            return
        known = pairs.ignored(unit.connection, [draft.id for draft in looked]) if batch.action != "create" else set()
        together = batch.action == "create" and len(looked) > 1
        found_for = Finder(unit).find(shape.entity.key, looked, due, together=together)
        for draft, matches in zip(looked, found_for, strict=True):
            found = [match for match in matches if frozenset((draft.id, match.id)) not in known]
            if draft.old is not None:
                found = [each for each in found if not each.document.read(shape.entity.key).isdisjoint(draft.changed)]
            if found:
                self._mark(unit, batch, draft, found, minded)

    def _effect(self, unit: Unit, document: Duplicates, minded: Minding | None) -> str:
        if minded is None:
            # Nobody is there whom one could ask.
            return "block" if document.action("") == "block" else "allow"
        effect = document.action(minded.surface)
        if minded.force and effect in {"warn", "block"} and (effect == "warn" or may_override(unit, document)):
            return "review" if minded.surface in _UNASKED else "allow"
        return effect

    def _mark(self, unit: Unit, batch: Batch, draft: Draft, found: Sequence[Match], minded: Minding | None) -> None:
        blocking = [match for match in found if self._effect(unit, match.document, minded) == "block"]
        asking = [match for match in found if self._effect(unit, match.document, minded) == "warn"]
        quiet = [match for match in found if self._effect(unit, match.document, minded) == "review"]
        on_import = minded is not None and minded.surface in _UNASKED
        if blocking:
            batch.fail(draft, refusal(unit, blocking, blocked=True))
            return
        if asking and not on_import:
            batch.fail(draft, refusal(unit, asking, blocked=False))
            return
        if on_import:
            # Nobody is there to decide now: what is asked elsewhere is kept for review.
            quiet = [*asking, *quiet]
            batch.warn(draft, "", in_words(tell(unit, quiet)), "duplicate")
        for document in dict.fromkeys(match.document for match in quiet):
            mine = (batch.entity, draft.id)
            pairs.keep(
                unit.connection,
                batch.entity,
                [
                    (document.name, mine, (match.entity, match.id), match.score)
                    for match in quiet
                    if match.document is document
                ],
            )


def may_override(unit: Unit, document: Duplicates) -> bool:
    """Say whether the principal may save what a document blocks."""
    principal = unit.principal
    return unit.access.has("admin") or not document.override.isdisjoint(principal.roles)


def refusal(unit: Unit, found: Sequence[Match], *, blocked: bool) -> DuplicatesFound:
    """Return the error for a record that looks like others."""
    told = next((match.document.message for match in found if match.document.message is not None), None)
    twins = tell(unit, found)
    message: Any = Message("{text}", text=told) if told is not None else in_words(twins)
    allowed = not blocked or all(may_override(unit, match.document) for match in found)
    return DuplicatesFound(twins, message, blocked=blocked, may_override=allowed, told=told is not None)


def in_words(twins: Sequence[Twin]) -> Message:
    """Return a sentence that names the records that are there already."""
    titles = [twin.title for twin in twins if twin.readable and twin.title]
    if titles:
        return Message("This looks like {titles}", titles=", ".join(f"“{title}”" for title in titles[:_NAMED]))
    owner = next((twin.owner for twin in twins if twin.owner), "")
    if owner:
        return Message("There is such a record already; ask {owner}", owner=owner)
    return Message("There is such a record already")
