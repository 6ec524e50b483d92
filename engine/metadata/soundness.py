"""Taking faulty parts out of documents, so that the rest can still be checked for meaning.

Whoever fixes documents wants all mistakes at once, but none that only follow from another one: names that were
taken out are remembered, and nothing is said about their absence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.metadata.shape import Fault, Shape

_ROUNDS = 6
_Path = tuple[str | int, ...]


def without_faults(shape: Shape, body: Mapping[str, Any], faults: Iterable[Fault]) -> tuple[Any, set[str]]:
    """Return what is left of a body, None when that is nothing, and the names that are gone."""
    gone: set[str] = set()
    rest: Any = body
    for _ in range(_ROUNDS):
        for path in sorted({_removed(fault) for fault in faults}, key=len):
            if not path:
                return None, gone | set(_names(body))
            rest = _without(rest, path, gone)
        faults = shape.check(rest) or ()
        if not faults:
            return rest, gone
    return None, gone | set(_names(body))


def _removed(fault: Fault) -> _Path:
    path = tuple(reversed(fault.path))
    # A list is one value: an entry that is wrong makes all of it wrong.
    for place, part in enumerate(path):
        if isinstance(part, int):
            return path[:place]
    return path


def _without(value: Any, path: _Path, gone: set[str]) -> Any:
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    key, rest = path[0], path[1:]
    made = dict(value)
    if rest:
        made[str(key)] = _without(value[key], rest, gone)
    else:
        gone.update({str(key), *_names(made.pop(str(key)), 1)})
    return made


def _names(value: Any, levels: int = 3) -> Iterator[str]:
    if isinstance(value, Mapping) and levels:
        for key, each in value.items():
            yield str(key)
            yield from _names(each, levels - 1)
    elif isinstance(value, str) and levels == 2:  # noqa: PLR2004 - the name beside the kind, at the top
        yield value
