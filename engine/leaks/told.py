"""What a channel told somebody, in a few plain shapes that can be judged without knowing the channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.i18n import Message


@dataclass(frozen=True, slots=True)
class Row:
    """A record was told of, with some of its values by field key: whoever got it may read it."""

    entity: str
    id: str
    values: Mapping[str, Any]
    action: str = "read"
    """What must reach the record: `export` for a file that leaves the house."""
    part: str = ""
    """Which part of the channel said it."""
    reach: bool = True
    """Whether being told at all takes the right to the record; False where the person named it by themselves."""


@dataclass(frozen=True, slots=True)
class Ids:
    """All records of an entity that the channel would tell of; with `whole`, there are no others."""

    entity: str
    ids: frozenset[str]
    expected: frozenset[str] | None = None
    """What the plain rows say it should be; None = whatever the person may read."""
    whole: bool = True
    action: str = "read"
    part: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """A record was not told of, though it was asked for by its id."""

    entity: str
    id: str


@dataclass(frozen=True, slots=True)
class Title:
    """The title of a record was told, because a record that leads to it was."""

    entity: str
    id: str
    title: Any
    holder: str
    """Entity of the record that leads there."""
    holder_id: str
    link: str


@dataclass(frozen=True, slots=True)
class Along:
    """A value of another record was told through a link."""

    entity: str
    id: str
    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class Words:
    """Bytes that somebody was sent; no planted value that they may not know stands in them."""

    data: bytes
    part: str = ""
    entity: str | None = None
    said: frozenset[str] = frozenset()
    """Ids and words that the person had said, which an answer may repeat."""
    error: str = ""
    """What broke down while the bytes were made; they are looked through all the same."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number over many records: it counts those alone that the person may read."""

    entity: str
    field: str | None
    what: str
    value: Any
    expected: Any


@dataclass(frozen=True, slots=True)
class Accepted:
    """A question or a change that had to be refused was carried out."""

    entity: str
    id: str | None
    field: str | None
    what: str
    rule: Message


@dataclass(frozen=True, slots=True)
class Failed:
    """The channel broke down; that is no leak, but nothing was proved either."""

    entity: str | None
    error: str
    part: str = ""


Told = Row | Ids | Absent | Title | Along | Words | Number | Accepted | Failed
