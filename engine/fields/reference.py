"""`type: reference`: a field of a linked record, shown along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.fields.base import register
from engine.fields.formula import Computed

_PATH: Mapping[str, Any] = {"type": "string", "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", "x-layer": "locked"}


@register
class Reference(Computed):
    """What `field` says of the record to which the link `of` leads; read along with each read, never stored."""

    name = "reference"
    properties = {
        "of": dict(_PATH, description="A lookup of this entity, or a path of lookups."),
        "field": dict(_PATH, description="Field of the record to which it leads."),
    }
    required_properties = ("of", "field")
