"""Schemas of what happens by itself: `workflow` with its triggers and steps, `assignment`, `pool`, `alert`."""

from __future__ import annotations

from engine.metadata.kinds.parts import (
    CLOCK,
    DURATION,
    DURATION_WORDS,
    OFFSET,
    Layer,
    Schema,
    choice,
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
    told_apart,
    values,
    whole,
    words,
)

EVENTS = ("created", "updated", "deleted", "restored", "transition")
TRIGGERS = ("record", "schedule", "date", "inactivity", "webhook", "button", "mail", "run")
CRON = r"^\S+ \S+ \S+ \S+ \S+$"


def entity_of(description: str = "Entity that it is about.", layer: Layer = "locked") -> Schema:
    """The entity that a document is about."""
    return key(description, layer, holds="entity")


def duration(description: str) -> Schema:
    """A length of time."""
    return words(description + DURATION_WORDS, pattern=DURATION)


def _inputs() -> Schema:
    # The form that a button opens has fields of the same types as an entity.
    question = shape(
        "One question.",
        {
            "type": words("Its field type.", holds="field type"),
            "label": label("What the person is asked."),
            "help": label("A sentence that explains it."),
            "required": flag("It must be answered."),
            "default": {"description": "The answer that stands there.", "x-layer": "free"},
            "to": key("Entity of a lookup.", holds="entity"),
            "options": mapping(
                "Options of a select.",
                shape("One option.", {"label": label("What it is called.")}),
                propertyNames={"minLength": 1},
            ),
            "decimals": whole("Decimals of a number.", 0, 10),
            "max_length": whole("Most characters of a text.", 1, 100_000),
        },
        "type",
    )
    return mapping("What the person is asked; expressions know the answers as input.<name>.", question)


def _clocks(about: Schema) -> dict[str, Schema]:
    """The triggers that the time sets off."""
    return {
        "schedule": shape(
            "The clock.",
            {
                "cron": words("Minute, hour, day, month, weekday, as in cron.", pattern=CRON),
                "timezone": words("Time zone, if not the site's."),
                "entity": about,
                "where": expression("It runs for each record for which this is true."),
            },
            "cron",
        ),
        "date": shape(
            "A date of a record comes.",
            {
                "entity": about,
                "field": words("The date.", holds="field"),
                "offset": words("So long before or after, such as -3d.", pattern=OFFSET),
                "at": words("At this time of the day, such as 09:00.", pattern=CLOCK),
                "calendar": words("Counted in its working time.", holds="calendar"),
            },
            "entity",
            "field",
        ),
        "inactivity": shape(
            "Nothing has happened for a while.",
            {
                "entity": about,
                "for": duration("For how long."),
                "field": words("The date that counts; the last change when not given.", holds="field"),
                "at": words("At this time of the day.", pattern=CLOCK),
                "calendar": words("Counted in its working time.", holds="calendar"),
            },
            "entity",
            "for",
        ),
    }


def _triggers() -> Schema:
    about = entity_of("Entity whose records it is about.", "free")
    record = {
        "entity": about,
        "events": one_or_more(f"What happens: {', '.join(EVENTS)}; created and updated when not given.")
        | {"items": {"enum": list(EVENTS)}},
        "transition": one_or_more("Only these changes of state.", holds="transition"),
        "fields": one_or_more("Only updates that change one of these.", holds="field"),
    }
    return shape(
        "What starts it: one trigger, and a condition.",
        {
            "record": shape("A record is stored.", record, "entity"),
            **_clocks(about),
            "webhook": shape(
                "Another system calls.",
                {
                    "entity": about,
                    "match": words("Field by which the record is found.", holds="field"),
                    "input": _inputs(),
                },
            ),
            "button": shape(
                "Somebody presses a button on a record.",
                {
                    "entity": about,
                    "label": label("What it says."),
                    "icon": words("Name of its icon."),
                    "roles": one_or_more("Roles that see it.", holds="role"),
                    "confirm": label("What the person is asked before."),
                    "input": _inputs(),
                },
                "entity",
            ),
            "mail": shape("A mail arrives.", {"entity": about, "address": words("Address that it is sent to.")}),
            "run": shape("Another workflow calls it.", {"entity": about, "input": _inputs()}),
            "when": expression("Only while this is true."),
        },
    )


_COMMON: dict[str, Schema] = {
    "label": label("What it is called."),
    "when": expression("Left out unless this is true."),
    "on_error": choice("What an error does.", ["fail", "continue"], default="fail"),
    "after": words("It stands behind this step."),
}
_RECORD = words(
    "The record: record when not given, or a path such as record.account, or the name of a step that made one."
)
_SET = values("Values by field, written out.")
_SET_EXPR = mapping("Values by field, as expressions.", expression("The value."))
_TO = one_or_more("Who gets it: paths such as record.owner, role:manager, team:..., addresses.")
TEMPLATE = label("What it says, with {{ record.field }} in it; or the name of a template.")


def _calls() -> dict[str, dict[str, Schema]]:
    """The steps that speak to people and to other systems."""
    return {
        "notify": {"to": _TO, "template": TEMPLATE, "channels": names("Ways, if not the person's own.")},
        "email": {
            "to": _TO,
            "cc": _TO,
            "bcc": _TO,
            "subject": label("Its subject."),
            "template": TEMPLATE,
            "attach": names("Fields with files, or print templates."),
            "from": words("Sender, if not the site's."),
        },
        "sms": {"to": _TO, "template": TEMPLATE},
        "webhook": {
            "url": words("Address that is called.", pattern="^https?://"),
            "connection": words("A connection of the site, instead of an address."),
            "event": words("Name of what happened."),
            "fields": names("Fields that are sent; all when not given.", holds="field"),
        },
        "http": {
            "connection": words("A connection of the site."),
            "url": words("Address, or what follows that of the connection."),
            "method": choice("How.", ["GET", "POST", "PUT", "PATCH", "DELETE"], default="GET"),
            "headers": mapping("Headers.", {"type": "string", "x-layer": "free"}, propertyNames={"minLength": 1}),
            "query": mapping(
                "Query parameters.", {"type": "string", "x-layer": "free"}, propertyNames={"minLength": 1}
            ),
            "body": {"description": "What is sent.", "x-layer": "free", "x-null": True},
            "save": mapping("Values of the answer by name, for later steps.", words("Where it stands in the answer.")),
            "timeout": duration("How long to wait."),
        },
    }


def _step_shapes() -> dict[str, dict[str, Schema]]:
    steps: Schema = {"$ref": "#/$defs/steps"}
    return {
        "update": {"record": _RECORD, "set": _SET, "set_expr": _SET_EXPR},
        "create": {"entity": entity_of("Entity of the new record.", "free"), "set": _SET, "set_expr": _SET_EXPR},
        "delete": {"record": _RECORD},
        "transition": {
            "record": _RECORD,
            "transition": key("The change of state.", holds="transition"),
            "set": _SET,
            "set_expr": _SET_EXPR,
        },
        "assign": {
            "record": _RECORD,
            "rule": words("An assignment document.", holds="assignment"),
            "pool": words("A pool that it goes back to.", holds="pool"),
            "to": words("Somebody: a path such as record.account.owner."),
        },
        "convert": {"record": _RECORD, "conversion": words("A conversion document.", holds="conversion")},
        **_calls(),
        "approve": _approval(steps),
        "wait": {
            "for": duration("How long."),
            "until": expression("Until this moment."),
            "unless": expression("Not if this is true meanwhile."),
            "calendar": words("Counted in its working time.", holds="calendar"),
        },
        "if": {"then": steps, "else": steps},
        "each": {
            "of": words("Related records, such as record.items.", holds="relation"),
            "entity": entity_of("Or all records of this entity.", "free"),
            "where": expression("Only those for which this is true."),
            "limit": whole("At most so many.", 1, 100_000),
            "steps": steps,
        },
        "parallel": {
            "branches": mapping("What happens at the same time.", shape("One branch.", {"steps": steps}, "steps")),
            "join": choice("It goes on when all, or any, are done.", ["all", "any"], default="all"),
        },
        "script": {"code": words("Restricted Python.", minLength=1), "timeout": duration("How long it may take.")},
        "run": {
            "workflow": dotted("The workflow.", holds="workflow"),
            "record": _RECORD,
            "input": _SET,
            "wait": flag("Whether to wait until it is done.", default=True),
        },
        "end": {
            "status": choice("How it ends.", ["done", "failed"], default="done"),
            "message": label("What is noted."),
        },
    }


def _approval(steps: Schema) -> dict[str, Schema]:
    level: dict[str, Schema] = {
        "approvers": one_or_more(
            "Who: users, role:..., record.owner, manager_of(record.owner), chain(...), submitter_choice."
        ),
        "mode": choice("Who of them decides.", ["all", "any", "sequence", "quorum"], default="any"),
        "quorum": whole("How many must agree.", 1, 100),
        "when": expression("This level is asked only while this is true."),
        "empty": choice("When nobody is found.", ["approve", "admin", "fail"], default="admin"),
        "self": choice("When the submitter is the approver.", ["approve", "skip", "manager"], default="manager"),
        "due": duration("How long they have."),
        "remind": duration("When they are reminded."),
        "escalate": words("Who is asked after that."),
        "label": label("What it is called."),
        "after": words("It stands behind this level."),
    }
    give_back = {
        "to": choice("To whom it goes back.", ["submitter", "previous", "level"], default="submitter"),
        "restart": choice("Where it begins again.", ["first", "same"], default="first"),
    }
    return {
        **{name: each for name, each in level.items() if name not in {"when", "after", "label"}},
        "levels": mapping("One after the other.", shape("One level.", level, "approvers")),
        "return": shape("What giving back does.", give_back),
        "lock": one_or_more("Fields that cannot be changed meanwhile.", holds="field"),
        "approved": steps,
        "rejected": steps,
    }


_NEEDED: dict[str, tuple[str, ...]] = {
    "create": ("entity",), "transition": ("transition",), "convert": ("conversion",), "notify": ("to", "template"),
    "email": ("to", "template"), "sms": ("to", "template"), "if": ("when", "then"), "each": ("steps",),
    "parallel": ("branches",), "script": ("code",), "run": ("workflow",),
}  # fmt: skip


def workflow_schema() -> Schema:
    """Return the schema of `workflow`."""
    shapes = _step_shapes()
    definitions = {
        f"step.{name}": shape(
            f"A step that does {name}.",
            {"do": {"const": name, "description": "What it does.", "x-layer": "locked"}, **_COMMON, **own},
            "do",
            *_NEEDED.get(name, ()),
        )
        for name, own in shapes.items()
    }
    step = told_apart("One step.", "do", {name: {"$ref": f"#/$defs/step.{name}"} for name in shapes})
    steps = mapping("What happens, one after the other.", step, prefix=True)
    return document(
        "workflow",
        "What happens by itself.",
        {
            "workflow": dotted("Its name.", "locked"),
            "label": label("What it is called."),
            "help": label("A sentence that explains it."),
            "on": _triggers(),
            "active": flag("Whether it listens.", default=True),
            "run_as": choice("Whose rights it has.", ["actor", "author", "system"], default="actor"),
            "reenter": flag("It may start again for a record within what it caused itself."),
            "steps": {"$ref": "#/$defs/steps"},
        },
        "on",
        "steps",
        **{"$defs": {"steps": steps, **definitions}},
    )


def assignment_schema() -> Schema:
    """Return the schema of `assignment`."""
    rule = shape(
        "One rule; the first whose condition is true counts.",
        {
            "when": expression("Its condition."),
            "method": choice(
                "How one is chosen.", ["fixed", "round_robin", "least_open", "weighted", "same_as", "script"]
            ),
            "members": one_or_more("Who: users, role:..., team:..."),
            "weights": mapping("Weight by member.", whole("The weight.", 0, 1_000), propertyNames={"minLength": 1}),
            "field": words("Of same_as: the path to the person.", holds="path"),
            "capacity": whole("Most open records of one person.", 1, 100_000),
            "working_time": flag("Only who works at the moment."),
            "calendar": words("Working time.", holds="calendar"),
            "code": words("Of script: restricted Python."),
            "after": words("It stands behind this rule."),
        },
        "method",
    )
    return document(
        "assignment",
        "Who gets a new record.",
        {
            "assignment": dotted("Its name.", "locked"),
            "label": label("What it is called."),
            "entity": entity_of(),
            "rules": mapping("The rules, in their order.", rule),
            "fallback": words("Who gets it when no rule finds anybody: a pool, or a user."),
            "active": flag("Whether it is used.", default=True),
        },
        "entity",
        "rules",
    )


def pool_schema() -> Schema:
    """Return the schema of `pool`."""
    clocks = ["latest", "received", "created", "last_activity", "field"]
    rule = shape(
        "When a record goes back.",
        {
            "where": expression("Only records for which this is true."),
            "clock": choice("What the days are counted from.", clocks, default="latest"),
            "field": words("Of clock field: the date.", holds="field"),
            "days": whole("After so many days.", 1, 10_000),
            "by": words("Field that decides how many days.", holds="field"),
            "days_by": mapping(
                "Days by the value of that field.", whole("Days.", 1, 10_000), propertyNames={"minLength": 1}
            ),
            "calendar": words("Counted in its working days.", holds="calendar"),
            "active": flag("Whether it holds.", default=True),
            "after": words("It stands behind this rule."),
        },
    )
    claim = {
        "per_day": whole("Most records that one person may take in a day.", 1, 100_000),
        "interval": duration("Time between two."),
        "capacity": whole("Most records that one person may hold.", 1, 1_000_000),
        "ban_previous_owner": duration("How long the last owner may not take it again."),
    }
    return document(
        "pool",
        "Records that belong to nobody, from which people take them.",
        {
            "pool": dotted("Its name.", "locked"),
            "label": label("What it is called."),
            "entity": entity_of(),
            "where": expression("Only records for which this is true."),
            "members": one_or_more("Who may take: role:..., team:..., users."),
            "admins": one_or_more("Who may hand out."),
            "masked": one_or_more("Fields that are masked in it.", holds="field"),
            "claim": shape("Limits of taking.", claim),
            "rules": mapping("When records go back into it.", rule),
            "exempt": mapping("Records that never go back, by name of the reason.", expression("The condition.")),
            "remind_before": duration("How long before its owner is told."),
            "run_at": words("Time of the day at which it runs.", pattern=CLOCK),
            "preview": duration("How long it only says what it would do."),
            "active": flag("Whether it runs.", default=True),
        },
        "entity",
    )
