"""A condition that allows some values, as one condition for each of them.

An index of (stage, date) gives the records of one stage by their date, but not those of four. Walking all records by
date instead passes over whatever was closed long ago before it comes to the first one that is open. So the first
records of each stage are read by themselves, and the page is made of these: a page costs as many records as there are
values, however many records there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.data.place import Place
from engine.data.strategy import list_indexes
from engine.expression import Call, Expr, Literal, Path, conjunction
from engine.storage.indexes import among, equalities


def spread(
    place: Place, sort: Sequence[str], condition: Expr | None, *, compared: Collection[str] = ()
) -> tuple[Expr, ...]:
    """Return conditions that together are the given one, each of which has an index in the order of the list.

    Nothing where there is none. `compared` names what is compared with one value besides.
    """
    fixed = {path[0] for path in equalities(condition) if len(path) == 1} | {*compared}
    for call, key, values in among(condition):
        if key not in fixed and _in_order(place, sort, fixed | {key}, key):
            return tuple(_with(condition, call, Call("==", (Path((key,)), Literal(each)))) for each in values)
    return ()


def _in_order(place: Place, sort: Sequence[str], compared: Collection[str], key: str) -> bool:
    """Say whether an index begins with some of what is compared, `key` among it, and goes on in the order of a list."""
    order = tuple(each for each in sort if each != "id")
    for fields in list_indexes(place):
        begin = next((number for number, each in enumerate(fields) if each not in compared), len(fields))
        if key in fields[:begin] and fields[begin : begin + len(order)] == order:
            return True
    return False


def _with(condition: Expr | None, old: Expr, new: Expr) -> Expr:
    """Return a condition with another part in place of one that must hold."""
    if condition is old or condition is None:
        return new
    if isinstance(condition, Call) and condition.name == "and":
        return conjunction(*(_with(each, old, new) if _holds(each, old) else each for each in condition.args))
    return condition


def _holds(condition: Expr, part: Expr) -> bool:
    return condition is part or (
        isinstance(condition, Call) and condition.name == "and" and any(_holds(each, part) for each in condition.args)
    )
