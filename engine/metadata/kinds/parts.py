"""What the schemas of documents are made of: JSON Schema (2020-12) with a few annotations of ours.

`x-layer`      how a higher layer may change it: free, tighten (false to true), widen (only grow), merge, locked
`x-removable`  in a map that merges: a null in a patch takes the entry away
`x-prefix`     in a map that merges: a key that a layer adds to a foreign document begins with the layer's prefix
`x-text`       a label: text, or a map of languages, which a patch changes language by language
`x-null`       a null is a value and not the absence of one
`x-holds`      what a text means: "expression" (a condition or a value), "entity", "field", "path", "role" ...
"""

from __future__ import annotations

from typing import Any, Literal

Schema = dict[str, Any]
Layer = Literal["free", "tighten", "widen", "merge", "locked"]

KEY = "^[a-z][a-z0-9_]*$"
DOTTED = "^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$"
LONGEST_KEY = 48
DURATION = r"^[0-9]+(\.[0-9]+)?(s|m|h|d|w)$"
OFFSET = r"^-?[0-9]+(\.[0-9]+)?(s|m|h|d|w)$"
DURATION_WORDS = " Such as 30m, 2h, 3d, 1w."
"""End of the description of every length of time."""
DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


def words(description: str, layer: Layer = "free", *, holds: str = "", **more: Any) -> Schema:
    """A text."""
    made: Schema = {"type": "string", "description": description, "x-layer": layer, **more}
    if holds:
        made["x-holds"] = holds
    return made


def key(description: str, layer: Layer = "free", **more: Any) -> Schema:
    """The key of something."""
    return words(description, layer, pattern=KEY, maxLength=LONGEST_KEY, **more)


def dotted(description: str, layer: Layer = "free", **more: Any) -> Schema:
    """A key with dots in it: the name of a view, a path along links."""
    return words(description, layer, pattern=DOTTED, maxLength=4 * LONGEST_KEY, **more)


def label(description: str, layer: Layer = "free") -> Schema:
    """Words for people, in one language or several."""
    return {
        "type": ["string", "object"],
        "minProperties": 1,
        "propertyNames": {"pattern": "^[a-z]{2,3}([-_][A-Za-z0-9]+)*$"},
        "additionalProperties": {"type": "string"},
        "description": description,
        "x-layer": layer,
        "x-text": True,
    }


def expression(description: str, layer: Layer = "free") -> Schema:
    """An expression as text."""
    return words(description, layer, minLength=1, holds="expression")


def flag(description: str, layer: Layer = "free", *, default: bool = False) -> Schema:
    """True or false."""
    return {"type": "boolean", "default": default, "description": description, "x-layer": layer}


def choice(description: str, values: list[Any], layer: Layer = "free", **more: Any) -> Schema:
    """One of a few words."""
    return {"enum": values, "description": description, "x-layer": layer, **more}


def whole(description: str, least: int, most: int, layer: Layer = "free", **more: Any) -> Schema:
    """A whole number between two."""
    return {
        "type": "integer",
        "minimum": least,
        "maximum": most,
        "description": description,
        "x-layer": layer,
        **more,
    }


def names(
    description: str,
    layer: Layer = "free",
    *,
    holds: str = "",
    pattern: str = "",
    enum_items: list[str] | None = None,
    **more: Any,
) -> Schema:
    """A list of texts, or of a few words."""
    item: Schema = {"enum": enum_items} if enum_items else {"type": "string", "minLength": 1}
    if pattern:
        item["pattern"] = pattern
    made: Schema = {"type": "array", "items": item, "description": description, "x-layer": layer, **more}
    if holds:
        made["x-holds"] = holds
    return made


def one_or_more(description: str, layer: Layer = "free", *, holds: str = "") -> Schema:
    """A text, or a list of texts."""
    made = names(description, layer, holds=holds)
    made["type"] = ["string", "array"]
    return made


def mapping(
    description: str,
    entry: Schema,
    *,
    layer: Layer = "merge",
    removable: bool = True,
    prefix: bool = False,
    **more: Any,
) -> Schema:
    """A map of keys, each with what `entry` says."""
    made: Schema = {
        "type": "object",
        "propertyNames": {"pattern": KEY, "maxLength": LONGEST_KEY},
        "additionalProperties": entry,
        "description": description,
        "x-layer": layer,
        **more,
    }
    if removable and layer == "merge":
        made["x-removable"] = True
    if prefix:
        made["x-prefix"] = True
    return made


def shape(description: str, properties: dict[str, Schema], *required: str, layer: Layer = "merge") -> Schema:
    """A map with known keys."""
    made: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "description": description,
        "x-layer": layer,
    }
    if required:
        made["required"] = list(required)
    return made


def values(description: str, layer: Layer = "free") -> Schema:
    """A map of fields with a value each; null is a value."""
    made = mapping(description, {"x-layer": "free", "x-null": True}, layer=layer)
    made["propertyNames"] = {"pattern": DOTTED}
    return made


def told_apart(description: str, by: str, shapes: dict[str, Schema], layer: Layer = "merge") -> Schema:
    """A map whose keys depend on the word that one of them holds. `shapes`: word -> reference or schema."""
    return {
        "type": "object",
        "required": [by],
        "properties": {by: {"enum": list(shapes), "x-layer": "locked"}},
        "allOf": [
            {"if": {"properties": {by: {"const": word}}, "required": [by]}, "then": each}
            for word, each in shapes.items()
        ],
        "description": description,
        "x-layer": layer,
    }


def document(kind: str, description: str, properties: dict[str, Schema], *required: str, **more: Any) -> Schema:
    """The schema of a whole document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind,
        **shape(description, properties, kind, *required),
        **more,
    }
