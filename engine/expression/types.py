"""Types of the expression language, and what a scope tells about the names that an expression uses.

A scope is asked, never told: `check`, the Python back end and the browser form need `Scope`, the SQL
back end needs `SqlScope` (in `sql/compiler.py`), which adds columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from engine.i18n import Message

MAX_STORED = 10**18 - 1
"""Largest stored number, in units of its last decimal: 18 digits in all, so it fits 64 bits with room to add."""

UNKNOWN_SCALE = 10
"""Decimals that a number may have when its scope does not say: as many as a field may have."""


class Type(StrEnum):
    """What kind of value an expression gives."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    LINK = "link"
    """An id; comparable with a text and with another link."""
    LIST = "list"
    """Several texts or ids: a multiselect, tags, roles."""
    MANY = "many"
    """Related rows; only as the first argument of any, all, count and sum_of."""
    JSON = "json"
    """Anything; it can only be asked whether it is there."""
    NULL = "null"
    """The literal None."""


TYPE_NAMES: dict[Type, Message] = {
    Type.BOOLEAN: Message("true or false"),
    Type.NUMBER: Message("a number"),
    Type.TEXT: Message("a text"),
    Type.DATE: Message("a date"),
    Type.DATETIME: Message("a date with time"),
    Type.TIME: Message("a time of day"),
    Type.LINK: Message("a link to a record"),
    Type.LIST: Message("a list"),
    Type.MANY: Message("related records"),
    Type.JSON: Message("free-form data"),
    Type.NULL: Message("nothing"),
}
"""How a type is called in a sentence."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What an expression must know of a field or a variable."""

    type: Type
    scale: int | None = None
    """Decimals of a number; 0 for a whole one."""
    target: str | None = None
    """Entity key of a link or of related rows."""
    options: frozenset[str] | None = None
    """Keys of a select or multiselect: other texts are refused in comparisons with it."""
    nullable: bool = True
    """Whether the value can be missing. Say False only where nothing can make it so (`user.id`, `today`)."""
    tree: str | None = None
    """Of a link to an entity whose records form a tree: the key of that entity's link to itself."""


class Scope(Protocol):
    """The names that an expression may use: one entity's fields, its relations and the variables around it."""

    def field(self, key: str) -> FieldInfo | None:
        """Return what is known of a field or relation of this entity; None when there is none."""

    def target(self, entity: str) -> Scope:
        """Return the scope of the entity that a link or relation leads to."""

    def variable(self, name: str) -> FieldInfo | None:
        """Return what is known of a variable, by its dotted name ("user.id", "today", "old.stage")."""

    def names(self) -> Iterable[str]:
        """Yield the fields and variables that `field` and `variable` know, for suggestions."""
