"""Relations: the other ends of links, by names that expressions and related lists use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from engine.i18n import LANGUAGES, Text, humanise
from engine.metadata.drafts import Drafts, EntityDraft
from engine.metadata.model import Relation
from engine.metadata.report import Report

Kind = Literal["children", "lookup", "lookups", "any"]
_KINDS: dict[str, Kind] = {"one": "lookup", "many": "lookups", "any": "any"}


def plural_key(key: str) -> str:
    """Return the key for many: contact -> contacts, activity -> activities, box -> boxes."""
    if re.search("[^aeiou]y$", key):
        return key[:-1] + "ies"
    return key + ("es" if re.search("(s|x|z|ch|sh)$", key) else "s")


def plural_text(report: Report, draft: EntityDraft) -> Text:
    """Return the label for many; made from the one for one when no document says it."""
    fallback = humanise(plural_key(draft.key))
    if "plural" in draft.body:
        return report.text(draft.id, ("plural",), draft.body["plural"], fallback)
    words: Any = draft.body.get("label")
    label = report.text(draft.id, ("label",), words, humanise(draft.key))
    if not label:
        return Text(None, fallback)
    return Text({language: _many(language, each) for language, each in label.items()}, fallback)


def _many(language: str, words: str) -> str:
    if not words.isascii() or (language and not language.startswith("en")) or not words[-1:].isalpha():
        return words
    return plural_key(words) if words[-1:].islower() else words + "s"


def relate(report: Report, drafts: Drafts) -> None:
    """Give every entity the relations that lead to it."""
    plurals = {key: plural_text(report, draft) for key, draft in drafts.entities.items()}
    for draft in drafts.entities.values():
        if draft.parent is not None:
            _children(drafts.entities[draft.parent], draft, plurals[draft.key])
    for draft in drafts.entities.values():
        for made in draft.fields.values():
            kind = _KINDS.get(made.type.links)
            if kind is None or made.implicit or made.type.computed:
                continue
            for target in made.targets:
                _add(drafts.entities[target], draft, made.key, kind, plurals[draft.key], made.label)
        user = drafts.entities.get("user")
        if user is not None and "owner" in draft.system:
            _add(user, draft, "owner", "lookup", plurals[draft.key], {"en": "Owner", "zh": "负责人"})


def relation_named(draft: EntityDraft, name: str) -> Relation | None:
    """Return the relation that a rollup means by a name.

    A rollup is often called what it counts: `cars: {type: rollup, of: cars, count: true}`. The field has the name then,
    and the relation, which goes by a longer one, still answers to it here.
    """
    known = draft.relations.get(name)
    if known is not None:
        return known
    return next((each for each in draft.relations.values() if plural_key(each.entity) == name), None)


def _children(parent: EntityDraft, child: EntityDraft, plural: Text) -> None:
    tables = [each for each in parent.fields.values() if each.type.links == "children" and each.target == child.key]
    for table in tables:
        parent.relations[table.key] = Relation(table.key, child.key, parent.key, "children", table.label)
    if not tables:
        key = plural_key(child.key)
        if key in parent.fields or key in parent.system:
            key = f"{child.key}_by_{parent.key}"
        parent.relations[key] = Relation(key, child.key, parent.key, "children", plural)


def _add(
    target: EntityDraft,
    draft: EntityDraft,
    field: str,
    kind: Kind,
    plural: Text,
    label: Mapping[str, str],
) -> None:
    key = plural_key(draft.key)
    if key in target.fields or key in target.system or key in target.relations:
        key = f"{draft.key}_by_{field}"
        words = label if isinstance(label, Text) else Text(label)
        languages = {*LANGUAGES, *plural, *words} - {""}
        plural = Text({each: f"{plural.in_(each)} ({words.in_(each)})" for each in sorted(languages)})
        if key in target.fields or key in target.relations:
            return
    target.relations[key] = Relation(key, draft.key, field, kind, plural)
