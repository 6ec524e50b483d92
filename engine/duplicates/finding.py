"""Finds the records that look like some others: by their keys, then by the score of what was found there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.alike import Duplicates, Rule, Score, compared, keys_of, read, score, twins
from engine.data.batch import Draft
from engine.data.drafts import new_batch, stored_draft
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.load import Stored, load
from engine.data.unit import Unit

MOST_SCORED = 200
"""Records that are scored for one: those that share most keys with it."""
MOST_FOUND = 20
"""Records that are named for one and a document, the most alike first."""


@dataclass(frozen=True, slots=True)
class Match:
    """A record that looks like another one.

    Attributes:
        document: what says so.
        entity: its own.
        stored: its values, and whether the principal may read it.
        score: how much, and why; of rules that the principal may know of.
    """

    document: Duplicates
    entity: str
    stored: Stored
    score: Score

    @property
    def id(self) -> str:
        """Return the id of the record."""
        return str(self.stored.values["id"])


class Finder:
    """Finds records that look alike, for the principal of a unit: fields that are hidden from them say nothing."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._model = unit.published.model
        self._usable: dict[tuple[str, str], frozenset[str]] = {}

    def find(
        self,
        entity: str,
        drafts: Sequence[Draft],
        documents: Sequence[Duplicates],
        *,
        most: int = MOST_FOUND,
        together: bool = False,
    ) -> list[list[Match]]:
        """Return for each draft of an entity the records that look like it, the most alike first.

        Drafts need not be stored; one that is does not look like itself. `together`: they are all new, and each is
        compared with those before it as well.
        """
        known = compared(self._model)[entity]
        keys = [keys_of(known, draft) for draft in drafts]
        among = list(dict.fromkeys(each for document in documents for each in document.entities))
        wanted = {(other, key) for mine in keys for key in mine for other in among}
        sharing = twins(self._unit.connection, wanted) if wanted else {}
        chosen = [self._chosen(draft, mine, among, sharing) for draft, mine in zip(drafts, keys, strict=True)]
        stored = self._load(chosen)
        if together:
            _among_themselves(entity, drafts, keys, chosen, stored)
        found: list[list[Match]] = [[] for _ in drafts]
        for document in documents:
            self._score(document, entity, drafts, chosen, stored, found)
        return [sorted(each, key=lambda match: (-match.score.total, match.id))[:most] for each in found]

    def compare(self, document: Duplicates, one: tuple[str, Stored], other: tuple[str, Stored]) -> Score:
        """Return how much two stored records look alike."""
        sides = [self._read(document, entity, [stored_draft(stored)])[0] or {} for entity, stored in (one, other)]
        usable = self._rules(document, one[0]) & self._rules(document, other[0])
        return _scored(document, usable, sides[0], sides[1])

    def _chosen(
        self, draft: Draft, keys: Iterable[int], among: Sequence[str], sharing: Mapping[tuple[str, int], list[str]]
    ) -> list[tuple[str, str]]:
        """Return the (entity, id) that share most keys with a draft."""
        counted: Counter[tuple[str, str]] = Counter()
        for key in keys:
            for other in among:
                found = sharing.get((other, key))
                if found is not None:
                    counted.update((other, id_) for id_ in found if id_ != draft.id)
        return [place for place, _ in sorted(counted.items(), key=lambda each: (-each[1], each[0]))[:MOST_SCORED]]

    def _load(self, chosen: Iterable[Iterable[tuple[str, str]]]) -> dict[tuple[str, str], Stored]:
        by_entity: dict[str, set[str]] = {}
        for places in chosen:
            for entity, id_ in places:
                by_entity.setdefault(entity, set()).add(id_)
        found = {}
        for entity, ids in by_entity.items():
            shape = self._unit.shape(entity)
            for id_, stored in load(self._unit, shape, ids, action="read", lock="none").items():
                found[entity, id_] = stored
        return found

    def _score(
        self,
        document: Duplicates,
        entity: str,
        drafts: Sequence[Draft],
        chosen: Sequence[Sequence[tuple[str, str]]],
        stored: Mapping[tuple[str, str], Stored],
        found: list[list[Match]],
    ) -> None:
        theirs: dict[tuple[str, str], Mapping[str, tuple[Any, ...]]] = {}
        for other in document.entities:
            places = [place for place in stored if place[0] == other]
            sides = self._read(document, other, [stored_draft(stored[place]) for place in places])
            theirs.update((place, side) for place, side in zip(places, sides, strict=True) if side is not None)
        due = [place for place, twins_there in enumerate(chosen) if twins_there]
        mine = self._read(document, entity, [drafts[place] for place in due])
        for place, side in zip(due, mine, strict=True):
            for twin in chosen[place] if side is not None else ():
                if twin not in theirs:
                    continue
                usable = self._rules(document, entity) & self._rules(document, twin[0])
                scored = _scored(document, usable, side or {}, theirs[twin])
                if scored.total >= document.threshold:
                    found[place].append(Match(document, twin[0], stored[twin], scored))

    def _read(
        self, document: Duplicates, entity: str, drafts: Sequence[Draft]
    ) -> list[Mapping[str, tuple[Any, ...]] | None]:
        """Return what is compared of each draft; None for one that the document is not about."""
        if not drafts or entity != document.entity:
            return [read(document, entity, draft.new) for draft in drafts]
        unit = self._unit
        shape = unit.shape(entity)
        evaluation = Evaluation(unit, shape, new_batch(unit, shape, "update", list(drafts)))
        about = {id(draft) for draft in drafts}
        if document.where is not None:
            about = {id(draft) for draft in evaluation.true(shape.condition(document.where), drafts)}
        holding = {
            rule.key: {id(draft) for draft in evaluation.true(shape.condition(rule.when), drafts)}
            for rule in document.rules
            if rule.when is not None
        }

        def side(draft: Draft) -> Mapping[str, tuple[Any, ...]] | None:
            if id(draft) not in about:
                return None
            return read(document, entity, draft.new, lambda rule: id(draft) in holding[rule.key])

        return [side(draft) for draft in drafts]

    def _rules(self, document: Duplicates, entity: str) -> frozenset[str]:
        """Return the rules whose fields the principal may know of."""
        place = (document.name, entity)
        if place not in self._usable:
            mask = self._unit.access.mask(entity)
            self._usable[place] = frozenset(
                rule.key for rule in document.rules if rule.fields.get(entity) and self._seen(rule, entity, mask)
            )
        return self._usable[place]

    def _seen(self, rule: Rule, entity: str, mask: Mapping[str, Any]) -> bool:
        fields = self._model.entity(entity).fields
        return all(mask.get(fields[key].blind_of or key, "hidden") != "hidden" for key in rule.fields[entity])


def _among_themselves(
    entity: str,
    drafts: Sequence[Draft],
    keys: Sequence[Iterable[int]],
    chosen: Sequence[list[tuple[str, str]]],
    stored: dict[tuple[str, str], Stored],
) -> None:
    """Let each draft be compared with those before it that share a key with it."""
    before: dict[int, list[Draft]] = {}
    for draft, mine, places in zip(drafts, keys, chosen, strict=True):
        twins_here = {id(twin): twin for key in mine for twin in before.get(key, ())}
        for twin in list(twins_here.values())[:MOST_FOUND]:
            stored[entity, twin.id] = Stored(dict(twin.new))
            places.append((entity, twin.id))
        for key in mine:
            sharing = before.setdefault(key, [])
            # Of more than these, none would be taken.
            if len(sharing) < MOST_FOUND:
                sharing.append(draft)


def _scored(
    document: Duplicates,
    usable: frozenset[str],
    one: Mapping[str, tuple[Any, ...]],
    other: Mapping[str, tuple[Any, ...]],
) -> Score:
    return score(document, {key: one[key] for key in one if key in usable}, other)
