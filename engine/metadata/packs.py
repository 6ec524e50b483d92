"""Checks of `pack` documents: that what a pack builds upon is there, in a version that fits."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.errors import Problem
from engine.i18n import Message
from engine.metadata.layers import Composed
from engine.metadata.shape import suggest

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt, "": operator.ge,
}  # fmt: skip


def check_packs(composed: Composed, layers: Iterable[str]) -> None:
    """Note packs that are missing or too old."""
    packs = {doc.partition("/")[2]: body for doc, body in composed.documents.items() if doc.startswith("pack/")}
    there = {*packs, *layers}
    for name, body in packs.items():
        needed = body.get("requires")
        ranges: Mapping[str, str] = needed if isinstance(needed, Mapping) else dict.fromkeys(_listed(needed), "*")
        for other, versions in ranges.items():
            path = ("requires", other) if isinstance(needed, Mapping) else ("requires",)
            place = composed.place(f"pack/{name}", path)
            if other not in there:
                message = Message("pack {name} is not there", name=repr(other))
                known = sorted(there - {name, "site"})
                problem = Problem(message, place, "requires", "no_pack", suggest(other, known))
                composed.problems.append(problem)
            elif other in packs and not fits(str(packs[other].get("version", "0")), versions):
                message = Message(
                    "pack {name} {versions} is needed, and {version} is there",
                    name=other,
                    versions=versions,
                    version=packs[other].get("version"),
                )
                composed.problems.append(Problem(message, place, "requires", "pack_version"))


def fits(version: str, versions: str) -> bool:
    """Whether a version lies in a range such as ">=1.2, <2"; a bare number is the least that will do."""
    if versions == "*":
        return True
    own = _numbers(version)
    for part in versions.split(","):
        found = re.fullmatch(r"(>=|<=|==|>|<)?([0-9.]+)", part.strip())
        if found is None or not _COMPARED[found[1] or ""](own, _numbers(found[2])):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = [int(each) for each in re.split(r"[-+]", version)[0].split(".") if each.isdigit()]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
