"""Numbers for people: `INV-{yyyy}-{seq:5}`, counted per field and per period.

Ordinary numbers may have gaps: a process reserves a block and hands it out from memory. Numbers that say `gapless` are
counted in the transaction itself, one writer waiting for the other. A block is reserved in the transaction that needs
it, so nothing of it is used elsewhere before that commits, and all of it is forgotten when it does not.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from engine.data.principal import zone
from engine.fields.autonumber import Autonumber
from engine.metadata.model import Field

if TYPE_CHECKING:
    from engine.data.unit import Unit

BLOCK = 20
"""Numbers that a process reserves at once."""


class Numbers:
    """The blocks that this process holds. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: dict[str, list[int]] = {}
        """Sequence -> [next number, first number that is not ours]."""

    def take(self, unit: Unit, field: Field, count: int) -> list[str]:
        """Return the next numbers of a field as texts, in order."""
        counted = field.type
        assert isinstance(counted, Autonumber)  # noqa: S101 - the shape of the entity names no others
        # The period turns at midnight of the site, not of whoever writes.
        day = unit.now.astimezone(zone(unit.published.model.timezone)).date()
        period = counted.period(field.options, day)
        name = f"{field.entity}.{field.key}" + (f"@{period}" if period else "")
        if field.options.get("gapless"):
            first = reserve(unit, name, count)
            numbers = list(range(first, first + count))
        else:
            numbers = self._from_blocks(unit, name, count)
        return [counted.render(field.options, day, number) for number in numbers]

    def _from_blocks(self, unit: Unit, name: str, count: int) -> list[int]:
        with self._lock:
            numbers = self._draw(self._blocks, name, count)
        # What this very transaction reserved before belongs to it alone until it commits.
        numbers += self._draw(unit.tail.blocks, name, count - len(numbers))
        missing = count - len(numbers)
        if missing:
            size = max(BLOCK, missing)
            first = reserve(unit, name, size)
            numbers += range(first, first + missing)
            unit.tail.blocks[name] = [first + missing, first + size]
        return numbers

    @staticmethod
    def _draw(blocks: dict[str, list[int]], name: str, count: int) -> list[int]:
        block = blocks.get(name)
        if block is None or count <= 0:
            return []
        first, end = block
        taken = list(range(first, min(first + count, end)))
        block[0] += len(taken)
        if block[0] >= end:
            del blocks[name]
        return taken

    def keep(self, blocks: dict[str, list[int]]) -> None:
        """Take over what is left of blocks whose transaction has committed."""
        with self._lock:
            for name, block in blocks.items():
                self._blocks.setdefault(name, block)


def reserve(unit: Unit, name: str, count: int) -> int:
    """Reserve numbers of a sequence and return the first; others wait until this transaction ends."""
    mark = unit.phrases.mark
    row = unit.run(
        f"INSERT INTO sequence_block (name, next_value) VALUES ({mark}, {mark}) "  # noqa: S608 - constants
        f"ON CONFLICT (name) DO UPDATE SET next_value = sequence_block.next_value + {mark} RETURNING next_value",
        (name, count + 1, count),
    ).fetchone()
    following: int = row[0]
    return following - count
