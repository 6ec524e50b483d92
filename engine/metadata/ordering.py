"""Order of keys: as written, except for what says `after:`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def ordered(entries: Mapping[str, Any], missing: Callable[[str, str], None] | None = None) -> list[str]:
    """Return the keys of a map in order: each behind the one that its `after` names.

    What names an anchor that is not there, or itself in a circle, stands at the end; `missing(key, anchor)` is told.
    """
    anchors = {
        key: entry["after"]
        for key, entry in entries.items()
        if isinstance(entry, dict) and isinstance(entry.get("after"), str)
    }
    if not anchors:
        return list(entries)
    behind: dict[str, list[str]] = {}
    for key, anchor in anchors.items():
        behind.setdefault(anchor, []).append(key)
    made: list[str] = []
    for key in entries:
        if key not in anchors:
            _append(made, key, behind)
    placed = set(made)
    for key, anchor in anchors.items():
        if key not in placed:
            if missing is not None and (anchor not in entries or anchor not in placed):
                missing(key, anchor)
            _append(made, key, behind, placed)
            placed.update(made)
    return made


def _append(made: list[str], key: str, behind: Mapping[str, list[str]], placed: set[str] | None = None) -> None:
    stack = [key]
    seen = placed if placed is not None else set()
    seen.add(key)
    while stack:
        now = stack.pop()
        made.append(now)
        stack += [each for each in reversed(behind.get(now, ())) if each not in seen]
        seen.update(behind.get(now, ()))
