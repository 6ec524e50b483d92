"""What of writing records goes into the audit log: calls about many records, and what is gone for good.

A call about one record is told by its history alone; nothing is written, or looked up, for it here.
"""

from __future__ import annotations

from engine.data.unit import Unit

MANY = 2
"""Records from which on a call is a bulk act."""
_OWN = ("import:", "handover")
"""Ways in whose acts note themselves, as a whole."""


def note_call(unit: Unit, entity: str, verb: str, number: int) -> None:
    """Note a call that changed so many records; one that a hook made belongs to what set it off."""
    if verb == "purge" and number:
        unit.note("purge", entity=entity, number=number, details={"change_set": unit.change_set.id})
    elif number >= MANY and unit.depth == 0 and not unit.via.startswith(_OWN):
        unit.note("bulk", entity=entity, number=number, details={"what": verb, "change_set": unit.change_set.id})
