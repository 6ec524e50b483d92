"""Channels that ask what may not be asked: filters, orders, groups and numbers over hidden and masked fields.

A value that is never shown can still be found out by asking whether it is more or less than something. Whatever names
a field that the person may not read is refused, of a hidden one in the words for a field that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from engine.data.query import Aggregate, Bucket, Query, orders
from engine.errors import AccessDenied, ExpressionInvalid, GuanxiError, NotFound, QueryInvalid
from engine.expression import parse
from engine.i18n import Message
from engine.leaks.channels import Asking, channel
from engine.leaks.told import Accepted, Failed, Told
from engine.metadata.model import Entity

_NEVER = "no_such_field_at_all"
_SAME_WORDS = Message("a hidden field answers as one that does not exist")
_REFUSED = Message("a field that they may not read can be neither filtered, sorted nor grouped by")
_SHOWN = Message("a hidden field does not exist for them")


def _ways(entity: str, path: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    def where(text: str) -> Callable[[Any], Any]:
        return lambda reader: reader.query(Query(entity, ("id",), parse(text)))

    yield "where", where(f"{path} is not None")
    yield "where", where(f"{path} == {path}")
    yield "order", lambda reader: reader.query(Query(entity, ("id",), order_by=orders([path])))
    yield "order", lambda reader: reader.query(Query(entity, ("id",), order_by=orders([f"-{path}"])))
    yield (
        "group",
        lambda reader: reader.aggregate(Query(entity, group_by=(Bucket(path),), aggregates=(Aggregate("count"),))),
    )
    for function in ("min", "max", "sum", "avg", "count_distinct", "count"):
        yield function, _aggregate(Query(entity, aggregates=(Aggregate(function, path),)))
    yield "count where", lambda reader: reader.count(Query(entity, where=parse(f"{path} is None")))


def _aggregate(query: Query) -> Callable[[Any], Any]:
    return lambda reader: reader.aggregate(query)


@channel("probe", Message("filters, orders and groups"))
def probes(asking: Asking) -> Iterator[Told]:
    """Ask about every field that the person may not read, of the entity and one link away."""
    entity, oracle = asking.entity, asking.oracle
    if not oracle.somewhere(entity.key, "read"):
        return
    for path, key, there in _closed(asking):
        mask = oracle.mask(there.key, key)
        for name, ask in _ways(entity.key, path):
            yield from _one(asking, path, name, ask, hidden=mask == "hidden")
        if mask == "hidden":
            yield from _selected(asking, path)


def _closed(asking: Asking) -> Iterator[tuple[str, str, Entity]]:
    """Yield (path, field, its entity) of what the person may not read, of the entity itself and one link away."""
    entity, oracle, model = asking.entity, asking.oracle, asking.reader.model
    for key, field in entity.fields.items():
        if field.type.links in {"children", "many", "any"} or field.value_type.name == "JSON":
            continue
        if oracle.mask(entity.key, key) != "read":
            yield key, key, entity
        elif field.type.links == "one" and field.target is not None and field.expr is None:
            target = model.entity(field.target)
            for other, far in target.fields.items():
                plain = far.type.links in {"", "one"} and far.value_type.name != "JSON"
                if plain and oracle.mask(target.key, other) != "read":
                    yield f"{key}.{other}", other, target


def _one(asking: Asking, path: str, name: str, ask: Callable[[Any], Any], *, hidden: bool) -> Iterator[Told]:
    entity = asking.entity.key
    try:
        ask(asking.reader)
    except (QueryInvalid, ExpressionInvalid) as error:
        if hidden and (told := str(error)) != (expected := _unknown(asking, path, name, ask)):
            yield Accepted(entity, None, path, f"{name}: {told} | {expected}",
                           _SAME_WORDS)  # fmt: skip
    except (AccessDenied, NotFound):
        return
    except GuanxiError as error:
        yield Failed(entity, str(error), name)
    else:
        yield Accepted(entity, None, path, name, _REFUSED)


def _unknown(asking: Asking, path: str, name: str, _ask: Callable[[Any], Any]) -> str:
    """Return what the same question about a field that does not exist is answered, with the name put back."""
    head, dot, last = path.rpartition(".")
    never = f"{head}{dot}{_NEVER}"
    ways = [ask for known, ask in _ways(asking.entity.key, never) if known == name]
    for ask in ways:
        try:
            ask(asking.reader)
        except GuanxiError as error:
            return str(error).replace(_NEVER, last)
    return ""


def _selected(asking: Asking, path: str) -> Iterator[Told]:
    try:
        asking.reader.query(Query(asking.entity.key, (path,)))
    except (QueryInvalid, AccessDenied):
        return
    yield Accepted(asking.entity.key, None, path, "select", _SHOWN)
