"""Schema of `entity`: its fields are generated from the field types that are known when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.fields import FieldType, field_types
from engine.metadata.kinds.parts import (
    DAY,
    Schema,
    choice,
    document,
    expression,
    flag,
    key,
    label,
    mapping,
    names,
    one_or_more,
    shape,
    told_apart,
    words,
)

FEATURES = ("owned", "history", "search", "comments", "attachments", "activities")


def common_properties() -> dict[str, Schema]:
    """Return the properties that every field may have, whatever its type."""
    return {
        "label": label("What people read for it; without one its key in words."),
        "help": label("A sentence that explains it on the form."),
        "required": flag("A record cannot be stored without it.", "tighten"),
        "default": {"description": "Value of a new record, written out.", "x-layer": "free"},
        "default_expr": expression("Value of a new record, as an expression; worked out when it is created."),
        "unique": flag("No two records have the same value; those in the recycle bin do not count.", "tighten"),
        "index": choice(
            "true: conditions and sorting on it are fast; contains: so is finding a part of a text.",
            [True, False, "contains"],
        ),
        "search": choice("Its words are found by the search box, with this weight.", ["high", "normal", "low"]),
        "hidden": flag("No screen shows it."),
        "read_only": flag("People cannot change it; workflows and the engine can.", "tighten"),
        "secret": flag("Shown to those only whom a role allows it by name.", "tighten"),
        "audit": flag("Its changes stand in the history with their values.", default=True),
        "pii": flag("It tells something personal about someone.", "tighten"),
        "copy": flag("A copy of the record takes it over.", default=True),
        "required_when": expression("Required whenever this is true."),
        "visible_when": expression("Shown on forms only while this is true."),
        "read_only_when": expression("Cannot be changed while this is true."),
        "options_when": mapping(
            "Option by option: it may be chosen only while this is true.",
            expression("The condition."),
            propertyNames={"minLength": 1},
        ),
        "after": words("It stands behind this field.", holds="field"),
        "renamed_from": key("Key that it had before; its values are kept.", "locked"),
        "deprecated": _deprecated("field"),
    }


def _deprecated(holds: str) -> Schema:
    """Return what is said of what programs shall stop using."""
    return shape(
        "It is going away: programs that name it are told so, and what to use instead.",
        {
            "since": words("The day since which nobody shall begin to use it.", pattern=DAY),
            "until": words("The day from which it may be gone.", pattern=DAY),
            "use": key("What to use instead: another object, or another field of the same one.", holds=holds),
        },
        "since",
    )


def _field_shape(field_type: FieldType) -> Schema:
    own = {name: {"x-layer": "free", **each} for name, each in field_type.properties.items()}
    properties: dict[str, Schema] = {
        "type": {"const": field_type.name, "description": "Its field type.", "x-layer": "locked"},
        **{name: {"$ref": f"#/$defs/{name}"} for name in common_properties() if name not in own},
        **own,
    }
    return shape(f"A field of type {field_type.name}.", properties, "type", *field_type.required_properties)


def entity_schema(types: Mapping[str, FieldType] | None = None) -> Schema:
    """Return the schema of `entity` for these field types; all that are known when not given."""
    types = dict(sorted((types if types is not None else field_types()).items()))
    field = told_apart("A field.", "type", {name: {"$ref": f"#/$defs/field.{name}"} for name in types})
    return document(
        "entity",
        "A kind of record: it gets a table, screens, an API, history and rights.",
        {
            "entity": key("Its key.", "locked"),
            "label": label("What people read for one of them."),
            "plural": label("What people read for many of them."),
            "help": label("A sentence that explains it."),
            "icon": words("Name of its icon."),
            "title": words("Field whose value names a record.", holds="field"),
            "parent": key("Entity whose child rows these are.", "locked", holds="entity"),
            "features": names("What it can do.", "widen", uniqueItems=True) | {"items": {"enum": list(FEATURES)}},
            "renamed_from": key("Key that it had before; its records are kept.", "locked"),
            "deprecated": _deprecated("entity"),
            "fields": mapping("Its fields.", field, removable=False, prefix=True),
            "states": _states(),
            "checks": mapping("Rules that every record keeps.", _check(), prefix=True),
            "unique": mapping("Fields whose values together stand once.", _unique(), prefix=True),
            "indexes": mapping(
                "Fields that are looked up or sorted by together.",
                names("The fields.", holds="field", minItems=1),
                prefix=True,
            ),
            "order": names("How lists are sorted; -field turns it round.", holds="order"),
        },
        **{"$defs": {**common_properties(), **{f"field.{each.name}": _field_shape(each) for each in types.values()}}},
    )


def _states() -> Schema:
    transition: dict[str, Any] = {
        "label": label("What its button says."),
        "from": one_or_more("States that it may start from; without it, any.", holds="state"),
        "to": words("State that it leads to.", "locked", holds="state"),
        "roles": one_or_more("Roles that may make it; without it, whoever may change the record.", holds="role"),
        "requires": one_or_more("Fields that must be filled in.", holds="field"),
        "when": expression("It is possible only while this is true."),
        "after": words("It stands behind this one."),
    }
    return shape(
        "The states that a record goes through.",
        {
            "field": key("Select field that holds the state.", "locked", holds="field"),
            "transitions": mapping(
                "The changes of state that are possible; there are no others.",
                shape("One change of state.", transition, "to"),
                prefix=True,
            ),
        },
        "field",
    )


def _check() -> Schema:
    return shape(
        "One rule.",
        {
            "fail_when": expression("A record for which this is true is refused."),
            "message": label("What the person is told."),
            "at": words("Field beside which the message stands.", holds="field"),
            "severity": choice("warning: it is said, and stored all the same.", ["error", "warning"], default="error"),
            "active": flag("Whether it holds.", default=True),
        },
        "fail_when",
    )


def _unique() -> Schema:
    fields = names("The fields.", "locked", holds="field", minItems=1, uniqueItems=True)
    return shape("One rule.", {"fields": fields}, "fields")
