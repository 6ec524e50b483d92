"""`type: user`: a link to a person who signs in."""

from __future__ import annotations

from engine.fields.base import Options, register
from engine.fields.lookup import ON_DELETE_SCHEMA, SHARE_SCHEMA, WHERE_SCHEMA, Lookup


@register
class User(Lookup):
    """The id of a user."""

    name = "user"
    properties = {"where": WHERE_SCHEMA, "on_delete": ON_DELETE_SCHEMA, "share": SHARE_SCHEMA}
    required_properties = ()

    def targets(self, options: Options) -> tuple[str, ...]:
        return ("user",)
