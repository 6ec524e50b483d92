"""Schemas of `sla`, `calendar`, `duplicate`, `conversion` and `template`."""

from __future__ import annotations

from engine.metadata.kinds.automation import duration, entity_of
from engine.metadata.kinds.parts import (
    Schema,
    choice,
    document,
    dotted,
    expression,
    flag,
    label,
    mapping,
    names,
    one_or_more,
    shape,
    whole,
    words,
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = "^([01][0-9]|2[0-4]):[0-5][0-9]-([01][0-9]|2[0-4]):[0-5][0-9]$"
DATE = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


def sla_schema() -> Schema:
    """Return the schema of `sla`."""
    target = shape(
        "One promise; the first whose condition is true counts.",
        {
            "when": expression("Its condition."),
            "response": duration("Time to the first answer."),
            "resolution": duration("Time to the end."),
            "after": words("It stands behind this one."),
        },
    )
    escalation = shape(
        "What happens when time runs out.",
        {
            "at": words("Share of the time, such as 80%.", pattern=r"^[0-9]{1,3}%$"),
            "of": choice("Of which time.", ["response", "resolution"], default="resolution"),
            "to": one_or_more("Who is told."),
            "template": label("What is said."),
            "workflow": dotted("A workflow that is run.", holds="workflow"),
            "after": words("It stands behind this one."),
        },
        "at",
    )
    return document(
        "sla",
        "How fast something is promised to be done.",
        {
            "sla": dotted("Its name.", "locked"),
            "label": label("What it is called."),
            "entity": entity_of(),
            "when": expression("Only records for which this is true."),
            "calendar": words("Working time that counts.", holds="calendar"),
            "start": expression("The clock starts when this becomes true; at once when not given."),
            "responded": expression("The first answer is given when this is true."),
            "resolved": expression("It is done when this is true."),
            "pause": expression("The clock stands still while this is true."),
            "targets": mapping("What is promised.", target),
            "escalations": mapping("What happens before and after the time is over.", escalation),
            "active": flag("Whether it holds.", default=True),
        },
        "entity",
        "targets",
    )


def calendar_schema() -> Schema:
    """Return the schema of `calendar`."""
    hours = names("Hours such as 09:00-12:00; an empty list is a free day.", pattern=HOURS)
    week = shape("Working hours by day of the week; a day that is not named is free.", dict.fromkeys(DAYS, hours))
    return document(
        "calendar",
        "Working time.",
        {
            "calendar": dotted("Its name.", "locked"),
            "label": label("What it is called."),
            "timezone": words("Time zone, if not the site's."),
            "week": week,
            "holidays": mapping(
                "Free days, by date, with their names.",
                label("Its name."),
                propertyNames={"pattern": DATE},
            ),
            "workdays": mapping(
                "Days that are worked though they would be free, by date.",
                hours,
                propertyNames={"pattern": DATE},
            ),
        },
        "week",
    )


DUPLICATE_METHODS = ("exact", "phone", "phone_end", "email", "domain", "name", "company", "fuzzy")
"""How values of two records are compared: equal ones, and texts that are alike."""
ALIKE_METHODS = ("name", "company", "fuzzy")
DUPLICATE_ACTIONS = ("allow", "review", "warn", "block")
"""What happens to a record that looks like another one, the mildest first."""


def duplicate_schema() -> Schema:
    """Return the schema of `duplicate`."""
    rule = shape(
        "What makes two records look alike.",
        {
            "label": label("What it is called, where its fields do not say enough."),
            "fields": names(
                "Fields, any of which is compared with any of the other record.", holds="field", minItems=1
            ),
            "method": choice("How.", list(DUPLICATE_METHODS), default="exact"),
            "score": whole("How much it counts, of 100.", 1, 100, default=100),
            "alike": whole("For names and texts: from how much of 100 on they are alike.", 50, 100),
            "differs": whole("How much is taken off when both have values and they differ.", 0, 100, default=0),
            "when": expression("Only for records for which this is true."),
        },
        "fields",
    )
    action = "What a {} does; what `action` says when not given."
    return document(
        "duplicate",
        "How records that stand for the same thing are found.",
        {
            "duplicate": dotted("Its name.", "locked"),
            "label": label("What it is called."),
            "entity": entity_of(),
            "against": one_or_more("Other entities that are searched too.", holds="entity"),
            "fields": mapping(
                "By other entity: how fields of this one are called there; others have the same name.",
                mapping("Field here: field there.", words("Field there."), layer="free"),
            ),
            "where": expression("Only records for which this is true."),
            "rules": mapping("What is compared.", rule),
            "threshold": whole("From this score on they count as the same.", 1, 100, default=80),
            "action": choice(
                "Warn and let people decide, block, keep for review, or do nothing.",
                list(DUPLICATE_ACTIONS),
                default="warn",
            ),
            "screen": choice(action.format("form"), list(DUPLICATE_ACTIONS)),
            "api": choice(action.format("program"), list(DUPLICATE_ACTIONS)),
            "import": choice(action.format("file that is imported"), list(DUPLICATE_ACTIONS)),
            "override": one_or_more("Roles that may save what is blocked, besides administrators.", holds="role"),
            "tell_owner": flag("Whether who may not see a record is told whose it is.", default=True),
            "message": label("What the person is told."),
            "active": flag("Whether it looks.", default=True),
        },
        "entity",
        "rules",
    )


def conversion_schema() -> Schema:
    """Return the schema of `conversion`."""
    target = shape(
        "One record that is made.",
        {
            "entity": entity_of("Its entity."),
            "mode": choice("How.", ["create", "link_or_create", "create_each", "optional"], default="create"),
            "of": words("Of create_each: the related records, one for each.", holds="relation"),
            "match": names("Fields by which an existing one is found.", holds="target field"),
            "map": mapping(
                "By field of the new record: the value, as an expression about the old one.", expression("The value.")
            ),
            "fill": choice("What happens to an existing one.", ["empty_only", "all", "none"], default="empty_only"),
            "when": expression("Only while this is true."),
            "after": words("It stands behind this one."),
        },
        "entity",
    )
    return document(
        "conversion",
        "How a record becomes others.",
        {
            "conversion": dotted("Its name.", "locked"),
            "label": label("What its button says."),
            "from": entity_of("Entity of the record."),
            "when": expression("Possible only while this is true."),
            "roles": one_or_more("Roles that may do it.", holds="role"),
            "targets": mapping("What is made.", target),
            "move": names("Related records that go along.", holds="relation"),
            "set": mapping("Values of the old record afterwards, written out.", {"x-layer": "free", "x-null": True}),
            "set_expr": mapping("Values of the old record afterwards, as expressions.", expression("The value.")),
            "undo_days": whole("How long it can be taken back.", 0, 365),
        },
        "from",
        "targets",
    )


def template_schema() -> Schema:
    """Return the schema of `template`."""
    return document(
        "template",
        "Words with gaps: a print, a mail, a message.",
        {
            "template": dotted("Its name.", "locked"),
            "label": label("What it is called."),
            "entity": entity_of("Entity whose records fill the gaps."),
            "format": choice("What comes out.", ["text", "html", "pdf", "docx", "email", "sms"], default="pdf"),
            "subject": label("Subject of a mail."),
            "body": label("The words, with {{ record.field }} in them."),
            "file": words("File of the pack with the words, instead."),
            "paper": choice("Paper.", ["A4", "A5", "letter"], default="A4"),
            "landscape": flag("Across."),
            "file_name": words("Name of the file that is made, with {{ record.field }} in it."),
            "roles": one_or_more("Roles that may use it.", holds="role"),
        },
        "entity",
    )
