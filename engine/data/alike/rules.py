"""What duplicate documents say, made ready once per Model: which fields of which entities are compared, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from engine.data.alike.methods import METHODS, Method
from engine.expression import Expr, parse
from engine.i18n import Text
from engine.metadata.model import Entity, Model

VERSION = "1"
"""Of how keys are made: another one lets all of them be made anew."""
_FULL = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is compared.

    `fields` are those of each entity that takes part, the blind index in the place of a secret.
    """

    key: str
    method: Method
    fields: Mapping[str, tuple[str, ...]]
    """By entity."""
    score: int
    least: float
    differs: int
    when: Expr | None
    label: Text | None
    sign: str
    """What keys of equal meaning begin with, the same in all documents."""


@dataclass(frozen=True, slots=True, eq=False)
class Duplicates:
    """One duplicate document."""

    name: str
    entity: str
    others: tuple[str, ...]
    where: Expr | None
    rules: tuple[Rule, ...]
    threshold: int
    actions: Mapping[str, str]
    """Surface -> what happens there; "" is for all that have none of their own."""
    override: frozenset[str]
    tell_owner: bool
    message: Text | None
    sets: Mapping[str, tuple[tuple[Rule, ...], ...]]
    """By entity that is compared with: the smallest sets of rules that reach the threshold together."""

    @property
    def entities(self) -> tuple[str, ...]:
        """Return all entities among which it looks, its own first."""
        return (self.entity, *self.others)

    def action(self, surface: str) -> str:
        """Return what happens on a surface: allow, review, warn or block."""
        return self.actions.get(surface) or self.actions[""]

    def read(self, entity: str) -> frozenset[str]:
        """Return the fields of an entity that it compares."""
        return frozenset(each for rule in self.rules for each in rule.fields.get(entity, ()))


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What one entity has to do with duplicates: the documents that look for it, and the sets that it has keys for."""

    entity: str
    own: tuple[Duplicates, ...]
    """Documents that say when one of these looks like another record."""
    sets: tuple[tuple[Rule, ...], ...]
    """Sets of rules that make keys of its records."""
    fields: frozenset[str]
    """Fields whose change changes the keys."""
    mark: str
    """Tells whether keys were made by other rules than these."""


def compared(model: Model) -> Mapping[str, Compared]:
    """Return by entity what is compared; entities without any are not in it."""
    return model.derive("duplicates", lambda: _compared(model))


def documents(model: Model) -> tuple[Duplicates, ...]:
    """Return the active duplicate documents by name."""
    return model.derive("duplicate documents", lambda: tuple(_documents(model)))


def _compared(model: Model) -> Mapping[str, Compared]:
    known = documents(model)
    found = {}
    for entity in dict.fromkeys(each for document in known for each in document.entities):
        sets: dict[tuple[str, ...], tuple[Rule, ...]] = {}
        fields: set[str] = set()
        for document in known:
            if entity in document.entities:
                for rules in _sets_of(document, entity):
                    # Rules of several documents that mean the same share their keys.
                    name = tuple(f"{rule.sign}({','.join(rule.fields[entity])})" for rule in rules)
                    sets.setdefault(name, rules)
                fields |= document.read(entity)
        mark = ";".join((VERSION, *sorted("&".join(name) for name in sets)))
        own = tuple(document for document in known if document.entity == entity)
        found[entity] = Compared(entity, own, tuple(sets.values()), frozenset(fields), mark)
    return found


def _sets_of(document: Duplicates, entity: str) -> Iterator[tuple[Rule, ...]]:
    """Yield the sets that an entity has keys for: those towards itself, and towards each other one."""
    if entity == document.entity:
        for sets in document.sets.values():
            yield from sets
    else:
        yield from document.sets.get(entity, ())


def _documents(model: Model) -> Iterator[Duplicates]:
    for key in sorted(model.documents):
        if not key.startswith("duplicate/"):
            continue
        body = model.documents[key]
        entity = model.entities.get(body["entity"])
        if entity is not None and body.get("active", True):
            made = _document(model, key.partition("/")[2], entity, body)
            if made.sets:
                yield made


def _document(model: Model, name: str, entity: Entity, body: Mapping[str, Any]) -> Duplicates:
    against = body.get("against") or ()
    others = tuple(
        key
        for key in ([against] if isinstance(against, str) else against)
        if key in model.entities and key != entity.key
    )
    names: Mapping[str, Mapping[str, str]] = body.get("fields") or {}
    rules = tuple(
        _rule(model, entity, key, rule, {other: names.get(other, {}) for other in others})
        for key, rule in (body.get("rules") or {}).items()
    )
    override = body.get("override") or ()
    threshold = body.get("threshold", 80)
    return Duplicates(
        name=name,
        entity=entity.key,
        others=others,
        where=parse(body["where"]) if "where" in body else None,
        rules=rules,
        threshold=threshold,
        actions={
            "": body.get("action", "warn"),
            **{surface: body[surface] for surface in ("screen", "api", "import") if surface in body},
        },
        override=frozenset([override] if isinstance(override, str) else override),
        tell_owner=body.get("tell_owner", True),
        message=_text(body.get("message")),
        sets={each: sets for each in (entity.key, *others) if (sets := tuple(_smallest(rules, threshold, each)))},
    )


def _rule(
    model: Model, entity: Entity, key: str, body: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]
) -> Rule:
    method = METHODS[body.get("method", "exact")]
    fields = {entity.key: tuple(_stored(entity, each) for each in body["fields"])}
    for other, called in names.items():
        there = model.entities[other]
        known = tuple(
            _stored(there, name) for each in body["fields"] if (name := called.get(each, each)) in there.fields
        )
        if known:
            fields[other] = known
    least = body["alike"] / _FULL if "alike" in body and not method.exact else method.least
    return Rule(
        key=key,
        method=method,
        fields=fields,
        score=body.get("score", _FULL),
        least=least,
        differs=body.get("differs", 0),
        when=parse(body["when"]) if "when" in body else None,
        label=_text(body.get("label")),
        sign=_sign(entity, method, body["fields"]),
    )


def _sign(entity: Entity, method: Method, fields: Sequence[str]) -> str:
    if method.name != "exact":
        return method.name
    # Equal texts of one kind are equal whatever their fields are called; links are to the same kind of record.
    return "exact:" + ",".join(sorted({entity.fields[each].target or entity.fields[each].type.name for each in fields}))


def _stored(entity: Entity, key: str) -> str:
    """Return the field whose stored values are compared: of a secret its blind index."""
    for each in entity.fields.values():
        if each.blind_of == key:
            return each.key
    return key


def _smallest(rules: Sequence[Rule], threshold: int, other: str) -> Iterator[tuple[Rule, ...]]:
    """Yield the sets of rules that reach the threshold when all of them match, and of which none can be left out."""
    usable = [rule for rule in rules if other in rule.fields]
    found: list[frozenset[str]] = []
    for size in range(1, len(usable) + 1):
        for chosen in combinations(usable, size):
            names = frozenset(rule.key for rule in chosen)
            if sum(rule.score for rule in chosen) >= threshold and not any(each <= names for each in found):
                found.append(names)
                yield chosen


def _text(raw: Any) -> Text | None:
    if raw is None:
        return None
    return Text(raw)


def rule_text(model: Model, document: Duplicates, rule: Rule) -> Text | str:
    """Return what a rule compares, in words: its label, else those of its fields."""
    if rule.label is not None:
        return rule.label
    entity = model.entity(document.entity)
    field_ = entity.fields[rule.fields[entity.key][0]]
    return entity.fields[field_.blind_of].label if field_.blind_of else field_.label
