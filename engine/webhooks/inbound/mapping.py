"""From a body to the values of records: reading it, finding what stands at paths, keeping no secrets of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson

from engine.data.marks import MARK
from engine.errors import BadValue, FieldProblem, GuanxiError
from engine.i18n import Message
from engine.webhooks.inbound.hook import BodyMapping, Incoming
from engine.webhooks.inbound.transforms import transformed

MOST_ITEMS = 500
"""Records that one call may write."""
_HEADER = "header:"
_DEEPEST = 64
_KEPT = 64 * 1024
_SHOWN = 3
_HIDDEN = ("password", "passwd", "secret", "token", "authorization", "api_key", "apikey", "credential", "signature")
"""Parts of names whose values are kept nowhere."""
_FORM = "application/x-www-form-urlencoded"


class BodyUnreadable(GuanxiError):
    """What was sent is neither JSON nor a form, or holds too much."""


class BodyInvalid(GuanxiError):
    """Values at paths cannot be read as they should; `.problems` has each."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(Message("{count} values cannot be read", count=len(problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Read:
    """A body that was read."""

    value: Any
    headers: Mapping[str, str]


def read_body(incoming: Incoming) -> Read:
    """Read a body as JSON, or as a form.

    Raises:
        BodyUnreadable: it is neither.
    """
    try:
        if incoming.mimetype == _FORM:
            words = parse_qs(
                incoming.body.decode(), keep_blank_values=True, max_num_fields=1_000, strict_parsing=bool(incoming.body)
            )
            return Read({key: each[0] if len(each) == 1 else each for key, each in words.items()}, incoming.headers)
        value = orjson.loads(incoming.body)
    except (ValueError, UnicodeDecodeError):
        raise BodyUnreadable(Message("The body is neither JSON nor a form")) from None
    if _depth(value) > _DEEPEST:
        raise BodyUnreadable(Message("The body has more than {most} levels within each other", most=_DEEPEST))
    return Read(value, incoming.headers)


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        depth += 1
    return depth


def at_path(read: Read, item: Any, path: str) -> Any:
    """Return what stands at a path of an item; None when there is nothing.

    A path beginning with `$.` counts from the whole body, one beginning with `header:` names a header of the request.
    """
    if path.startswith(_HEADER):
        return read.headers.get(path.removeprefix(_HEADER).strip().lower())
    if path == "$":
        return item
    value = read.value if path.startswith("$.") else item
    for part in path.removeprefix("$.").split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isascii() and part.isdecimal() and int(part[:9]) < len(value):
            value = value[int(part[:9])]
        else:
            return None
    return value


def counts(read: Read, mapping: BodyMapping) -> bool:
    """Say whether what was sent is to be carried out at all."""
    return all(_as_text(at_path(read, read.value, path)) in values for path, values in mapping.when)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def rows_of(read: Read, mapping: BodyMapping) -> list[dict[str, Any]]:
    """Return the values of each record, by field.

    Raises:
        BodyInvalid: values cannot be read as they should.
        BodyUnreadable: there is no list where one should be, or it is too long.
    """
    items = at_path(read, read.value, mapping.items) if mapping.items else [read.value]
    if not isinstance(items, list):
        raise BodyUnreadable(Message("There is no list at {path}", path=mapping.items))
    if len(items) > MOST_ITEMS:
        raise BodyUnreadable(Message("One call may write at most {most} records", most=MOST_ITEMS))
    rows, problems = [], list[FieldProblem]()
    for number, item in enumerate(items):
        row = {}
        for each in mapping.fields:
            value = at_path(read, item, each.path) if each.path else None
            if value is None:
                if each.value:
                    row[each.field] = each.value
                continue
            try:
                row[each.field] = transformed(value, each.transforms)
            except BadValue as error:
                problems.append(FieldProblem(each.field, error.message, "invalid", number))
        rows.append(row)
    if problems:
        raise BodyInvalid(problems)
    return rows


def kept_body(incoming: Incoming, mapping: BodyMapping, sealed: frozenset[str]) -> str | None:
    """Return what is kept of a body: its beginning, without what looks like a secret or goes into a secret field."""
    try:
        read = read_body(incoming)
    except BodyUnreadable:
        # What cannot be read cannot be searched for secrets either.
        return None if sealed else incoming.body[:_KEPT].decode("utf-8", "replace").replace("\0", "")
    paths = {each.path for each in mapping.fields if each.field in sealed and each.path}
    if "$" in paths:
        return None
    tails = {tuple(path.removeprefix("$.").split(".")) for path in paths}
    shown = _without(read.value, (), tails)
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()[:_KEPT].replace("\\u0000", "")


def _without(value: Any, place: tuple[str, ...], hidden: set[tuple[str, ...]]) -> Any:
    # A path of an item ends the same wherever in the body the item stands.
    if any(place[len(place) - len(each) :] == each for each in hidden if len(each) <= len(place)):
        return MARK
    if isinstance(value, dict):
        return {
            key: MARK if any(word in key.lower() for word in _HIDDEN) else _without(each, (*place, key), hidden)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_without(each, (*place, str(number)), hidden) for number, each in enumerate(value)]
    return value


def paths_in(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, beginning of the value) of what stands in a body, as a help to whoever maps it."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from paths_in(each, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value:
        for number, each in enumerate(value[:_SHOWN]):
            yield from paths_in(each, f"{place}.{number}" if place else str(number))
    elif place:
        yield place, _as_text(value)[:80]
