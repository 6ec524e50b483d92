"""Duplicates as a channel: whoever types what another record holds learns that it is there and whose, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from engine.data.alike import compared
from engine.i18n import Message
from engine.leaks.channels import Asking, Channel, register_channel
from engine.leaks.told import Told, Words

_FEW = 4


def _ask(asking: Asking) -> Iterator[Told]:
    known = compared(asking.reader.model).get(asking.entity.key)
    for document in known.own if known is not None else ():
        for row in asking.some(_FEW):
            for rule in document.rules:
                values = {
                    key: row[key] for key in rule.fields[asking.entity.key] if key in row and row[key] is not None
                }
                if not values:
                    continue
                found = asking.site.duplicates.check(asking.reader, asking.entity.key, values)
                # Whose a record is they may know, and what they typed they know.
                said = {str(value) for value in values.values()} | {twin.owner for twin in found.twins}
                told = orjson.dumps([twin.json() for twin in found.twins])
                yield Words(told, rule.key, asking.entity.key, frozenset(said))


register_channel(Channel("duplicates", Message("duplicates that a form names"), _ask))
