"""Channels: every way in which the product tells somebody something, each under a name.

A channel is a function that plays one person who asks about one entity, and says what it was told. It does not judge:
`judge` compares what was told with what the plain rows and the roles say. A new way to read records registers itself
here, and is then tried by every test of leaks and on every live site.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.i18n import Message
from engine.leaks.marks import Marks
from engine.leaks.oracle import Oracle
from engine.leaks.plain import Plain, Record
from engine.leaks.told import Told

if TYPE_CHECKING:
    from engine.data.principal import Principal
    from engine.data.reader import Reader
    from engine.metadata.model import Entity
    from engine.site.site import Site


@dataclass(slots=True)
class Asking:
    """One person asks about one entity."""

    site: Site
    reader: Reader
    """Reads as the person."""
    oracle: Oracle
    plain: Plain
    entity: Entity
    rows: list[Record]
    """Records to ask about, those in reach and those that are not."""
    whole: bool
    """Whether `rows` are all records there are, so that what is missing can be told."""
    marks: Marks
    dice: random.Random
    writable: bool = False
    """Whether the site was made for this and anything may be written."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What a channel keeps between calls, such as an application or a token of each person."""

    @property
    def person(self) -> Principal:
        """Return who asks."""
        return self.reader.principal

    def some(self, count: int) -> list[Record]:
        """Return some of the records, the same ones for the same seed."""
        return self.rows if len(self.rows) <= count else self.dice.sample(self.rows, count)


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to be told something."""

    name: str
    """Such as `list`, `rest.history`."""
    label: Message
    ask: Callable[[Asking], Iterable[Told]]
    writes: bool = False
    """Whether it tries to change something, so that it never runs on a live site."""
    once: bool = False
    """Whether it is asked once for each person and not for each entity."""
    slow: bool = False
    """Whether it is asked last, when everybody has asked what is quick."""


_channels: dict[str, Channel] = {}


def register_channel(channel: Channel) -> Channel:
    """Add a channel to those that are tried; one of the same name is replaced."""
    _channels[channel.name] = channel
    return channel


def forget_channel(name: str) -> None:
    """Take a channel out; nothing happens when it is not there."""
    _channels.pop(name, None)


def channels(*, writes: bool | None = None) -> tuple[Channel, ...]:
    """Return every channel, or those alone that try to change something, or those that never do."""
    return tuple(each for each in _channels.values() if writes is None or each.writes == writes)


def channel(
    name: str, label: Message, *, writes: bool = False, once: bool = False
) -> Callable[[Callable[[Asking], Iterator[Told]]], Callable[[Asking], Iterator[Told]]]:
    """Register a function as a channel."""

    def take(ask: Callable[[Asking], Iterator[Told]]) -> Callable[[Asking], Iterator[Told]]:
        register_channel(Channel(name, label, ask, writes, once))
        return ask

    return take
