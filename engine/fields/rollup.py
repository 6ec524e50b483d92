"""`type: rollup`: a number that a record keeps about its related rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.fields.base import Options, StorageType, register
from engine.fields.formula import Computed
from engine.i18n import Message

FUNCTIONS = ("sum", "count", "min", "max", "avg", "first", "last")
_FIELD: Mapping[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "x-layer": "locked"}


@register
class Rollup(Computed):
    """One function over the rows of a child table or of a reverse link: `{of: items, sum: amount}`; always stored."""

    name = "rollup"
    properties = {
        "of": _FIELD,
        **dict.fromkeys(FUNCTIONS, _FIELD),
        "count": {"type": ["boolean", "string"], "x-layer": "locked"},
        "where": {"type": "string", "minLength": 1, "x-layer": "locked"},
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
