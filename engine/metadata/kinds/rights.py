"""Schemas of `role`, `pack`, `translation` and `test`."""

from __future__ import annotations

from engine.metadata.kinds.parts import (
    Schema,
    document,
    dotted,
    expression,
    flag,
    key,
    label,
    mapping,
    names,
    one_or_more,
    shape,
    values,
    whole,
    words,
)

ACTIONS = ("read", "create", "update", "delete", "export", "transfer", "import")
NAMED_ROWS = ("all", "own", "subordinates", "team", "department", "shared")
RANGE = r"^(\*|(>=|<=|==|>|<)?[0-9]+(\.[0-9]+)*(, ?(>=|<=|==|>|<)[0-9]+(\.[0-9]+)*)*)$"
MASKS = ("hidden", "masked", "reveal", "read", "write")
_ENTITY_KEYS = {"pattern": r"^([a-z][a-z0-9_]*|\*)$", "maxLength": 48}


def role_schema() -> Schema:
    """Return the schema of `role`."""
    rows = f"Rows: one or several of {', '.join(NAMED_ROWS)}, or conditions; an empty list is nobody."
    grant = shape(
        "What its holders may do with records of one entity.",
        {
            **{each: one_or_more(rows, holds="rows") for each in ACTIONS},
            "fields": mapping(
                "Fields that are hidden, masked, masked until revealed, or only read; the others follow the rows.",
                {"enum": list(MASKS), "description": "What is seen of it.", "x-layer": "free"},
            ),
        },
    )
    restrict = mapping(
        "Conditions that every row must keep, whatever grants say.",
        expression("The condition."),
    )
    return document(
        "role",
        "What people who hold it may do.",
        {
            "role": key("Its key.", "locked"),
            "label": label("What it is called."),
            "help": label("A sentence that explains it."),
            "grants": mapping(
                "By entity; * is every entity without an entry of its own.", grant, propertyNames=_ENTITY_KEYS
            ),
            "restrict": mapping("By entity, by name.", restrict, propertyNames=_ENTITY_KEYS),
            "permissions": names("What is not about rows: admin, developer, those of plugins.", uniqueItems=True),
            "second_factor": flag("Its holders sign in with a second factor, and set one up before anything else."),
            "export_rows": whole(
                "How many records its holders may export at a time; the most generous of their roles counts.",
                0,
                100_000_000,
            ),
            "export_reason": flag("Its holders say why whenever they export something."),
        },
    )


def pack_schema() -> Schema:
    """Return the schema of `pack`."""
    return document(
        "pack",
        "A set of documents that is shipped together.",
        {
            "pack": key("Its key: the name of its folder.", "locked"),
            "label": label("What it is called."),
            "help": label("What it is for."),
            "version": words(
                "Its version, such as 1.4.0.", "locked", pattern=r"^[0-9]+(\.[0-9]+)*([-+.][0-9A-Za-z.-]+)?$"
            ),
            "requires": {
                "type": ["object", "array", "string"],
                "items": {"type": "string"},
                "additionalProperties": {"type": "string", "pattern": RANGE},
                "description": "Packs that it builds upon, with the versions that fit.",
                "x-layer": "locked",
                "x-holds": "pack",
            },
            "author": words("Who made it.", "locked"),
            "license": words("Its licence.", "locked"),
        },
        "version",
    )


def translation_schema() -> Schema:
    """Return the schema of `translation`."""
    return document(
        "translation",
        "Labels in one language, by the path of what they name.",
        {
            "translation": words("Its name: the language, or any key when `language` is given.", "locked", minLength=1),
            "language": words(
                "Language code, such as ja or pt_BR.", "locked", pattern="^[a-z]{2,3}([-_][A-Za-z0-9]+)*$"
            ),
            "labels": mapping(
                "Such as lead.fields.company.label, or view/lead.mine/title for another kind.",
                {"type": "string", "description": "The words.", "x-layer": "free"},
                propertyNames={"minLength": 1, "maxLength": 400},
            ),
        },
        "labels",
    )


def test_schema() -> Schema:
    """Return the schema of `test`."""
    action = "Name of the row, as `given` says."
    when = shape(
        "The one thing that happens.",
        {
            "create": key("Entity of which a record is made.", holds="entity"),
            "update": words(action),
            "delete": words(action),
            "restore": words(action),
            "read": words(action),
            "row": words("The row that a transition or a workflow is about."),
            "transition": key("A change of state."),
            "run": dotted("A workflow.", holds="workflow"),
            "set": values("Values by field."),
            "as": words("Who does it: a role, or a row of `user`."),
            "name": words("Name by which `then` knows the record that is made."),
        },
    )
    then = shape(
        "What must hold afterwards.",
        {
            "refused": {
                "type": ["object", "boolean"],
                "propertyNames": {"minLength": 1},
                "additionalProperties": {"type": ["string", "boolean"]},
                "description": "It is refused: by field, the key of the check or another code; true: for whatever.",
                "x-layer": "free",
            },
            "denied": flag("The person may not do it."),
            "done": flag("It goes through."),
            "values": values("Values of the record, by field."),
            "rows": mapping("Values of other rows, by name.", values("Values by field.")),
            "count": mapping(
                "How many records of an entity there are.", {"type": "integer", "minimum": 0, "x-layer": "free"}
            ),
            "holds": one_or_more("Conditions that are true for the record.", holds="expression"),
        },
    )
    return document(
        "test",
        "An example of what must happen, run by `guanxi test`.",
        {
            "test": dotted("Its name.", "locked"),
            "label": label("What it shows."),
            "now": words("The moment at which it happens, such as 2026-03-01T09:00."),
            "given": mapping(
                "Records that are there: by entity, by a name of your own, their values.",
                {
                    **mapping("Rows.", values("Values by field."), layer="free"),
                    "propertyNames": {"minLength": 1},
                },
                layer="free",
            ),
            "when": when,
            "then": then,
        },
        "when",
        "then",
    )
