"""`type: rollup`: a number that a record keeps about its related rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.fields.base import Options, StorageType, register
from engine.fields.formula import Computed
from engine.i18n import Message

_FIELD: Mapping[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "x-layer": "locked"}
_MEANINGS = {
    "sum": "Add up this field of the rows.",
    "min": "The least value of this field.",
    "max": "The greatest value of this field.",
    "avg": "The mean of this field.",
    "first": "This field of the row that was made first.",
    "last": "This field of the row that was made last.",
}
FUNCTIONS = ("count", *_MEANINGS)


@register
class Rollup(Computed):
    """One function over the rows of a child table or of a reverse link: `{of: items, sum: amount}`; always stored."""

    name = "rollup"
    properties = {
        "of": dict(_FIELD, description="A table field of this entity, or the key of its related records."),
        "count": {
            "description": "true: how many rows there are; a field: how many have a value in it.",
            "type": ["boolean", "string"],
            "x-layer": "locked",
        },
        **{name: dict(_FIELD, description=meaning) for name, meaning in _MEANINGS.items()},
        "where": {
            "description": "Only rows for which this is true.",
            "type": "string",
            "minLength": 1,
            "x-holds": "expression",
            "x-layer": "locked",
        },
    }
    required_properties = ("of",)

    def function(self, options: Options) -> str:
        """Return the name of the function that is given."""
        return next(name for name in FUNCTIONS if options.get(name) not in {None, False})

    def storage(self, options: Options) -> StorageType | None:
        return self.result(options).storage(self.shown(options))

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        if sum(options.get(name) not in {None, False} for name in FUNCTIONS) != 1:
            yield "of", Message("a rollup has one of: {functions}", functions=", ".join(FUNCTIONS))
