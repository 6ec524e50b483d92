"""How much two records look alike: the sum of what their rules count, after Fellegi and Sunter.

I. P. Fellegi and A. B. Sunter, A Theory for Record Linkage (1969): each comparison adds or takes off a weight, and
from a threshold on a pair counts as a match. The weights here are those that documents say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.data.alike.rules import Duplicates, Rule

_FULL = 100


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that two records have in common: how alike they are in it, of 100."""

    rule: str
    percent: int


@dataclass(frozen=True, slots=True)
class Score:
    """How much two records look alike, of 100, and why."""

    total: int
    reasons: tuple[Reason, ...]


Values = Mapping[str, tuple[Any, ...]]
"""Rule -> what its method has read of a record."""


def read(
    document: Duplicates,
    entity: str,
    values: Mapping[str, Any],
    holds: Callable[[Rule], bool] | None = None,
) -> Values:
    """Return what the rules of a document compare of a record; rules for which `holds` is false compare nothing."""
    found = {}
    for rule in document.rules:
        fields = rule.fields.get(entity, ())
        if rule.when is not None and holds is not None and not holds(rule):
            continue
        known = [rule.method.read(value) for key in fields if (value := values.get(key)) is not None]
        found[rule.key] = tuple(dict.fromkeys(each for each in known if each is not None))
    return found


def score(document: Duplicates, one: Values, other: Values) -> Score:
    """Return how much two records look alike; the same whichever is named first."""
    total = 0.0
    reasons = []
    for rule in document.rules:
        mine, theirs = one.get(rule.key, ()), other.get(rule.key, ())
        if not mine or not theirs:
            continue
        alike = max(rule.method.alike(each, twin) for each in mine for twin in theirs)
        if alike >= rule.least:
            total += rule.score * alike
            reasons.append(Reason(rule.key, round(alike * _FULL)))
        else:
            total -= rule.differs
    return Score(max(0, min(_FULL, round(total))), tuple(reasons))
