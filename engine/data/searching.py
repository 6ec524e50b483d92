"""Step 11, search: the words of a record, written with it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.batch import Draft
from engine.data.shape import Shape
from engine.data.unit import Unit


def index(unit: Unit, shape: Shape, drafts: Sequence[Draft], *, whole: bool = False) -> None:
    """Write the search rows of records whose words changed; `whole` = of all of them."""


def unindex(unit: Unit, shape: Shape, ids: Sequence[str]) -> None:
    """Take records out of the search."""
