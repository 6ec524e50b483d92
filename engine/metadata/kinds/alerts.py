"""Schema of `alert`: what is watched (records, the audit log, how much people read), and who is told."""

from __future__ import annotations

from engine.metadata.kinds.automation import CRON, TEMPLATE, duration, entity_of
from engine.metadata.kinds.parts import (
    CLOCK,
    Schema,
    choice,
    document,
    dotted,
    expression,
    flag,
    label,
    names,
    one_or_more,
    shape,
    whole,
    words,
)
from engine.metadata.kinds.service import DAYS

EVENT_KINDS = (
    "sign_in", "sign_in_failed", "sign_out", "locked_out", "password_changed", "password_reset", "email_changed",
    "invited", "second_factor_added", "second_factor_removed", "recovery_code_used", "session_ended", "token_made",
    "token_revoked", "sso_linked", "export", "import", "reveal", "share", "unshare", "bulk", "merge", "purge",
    "undo", "view_as", "rights_changed", "user_disabled", "user_enabled", "metadata_published", "rolled_back",
    "key_rotated", "backup", "restore", "handover", "job", "agent", "proposal", "webhook_changed", "hook_changed",
    "alert", "log_trimmed", "log_broken",
)  # fmt: skip
"""Kinds of events of the audit log."""
READING_KINDS = ("list", "open", "search", "export")
"""What is metered: rows of lists, records that were opened, hits of searches, rows of exports."""


ACTS = ("create", "update", "upsert", "delete", "restore", "transition", "bulk")
"""What a bulk act does to records."""


def alert_schema() -> Schema:
    """Return the schema of `alert`."""
    return document(
        "alert",
        "Somebody is told when a number is not as it should be, or when something happens that should not.",
        {
            "alert": dotted("Its name.", "locked"),
            "label": label("What it is called."),
            "help": label("What it means, and what to do then."),
            "severity": choice("How bad it is.", ["low", "medium", "high"], default="medium"),
            "on": shape(
                "What it watches instead of records: one of these.", {"audit": _audit(), "reading": _reading()}
            ),
            "entity": entity_of("Entity whose records it watches."),
            "where": expression("Only records for which this is true."),
            "measure": shape(
                "The number: one of these.",
                {
                    each: {
                        "type": ["string", "boolean"],
                        "x-layer": "free",
                        "x-holds": "path",
                        "description": "Of this field.",
                    }
                    for each in ("count", "sum", "avg", "min", "max")
                },
            ),
            "above": {"type": "number", "description": "Told when it is more.", "x-layer": "free"},
            "below": {"type": "number", "description": "Told when it is less.", "x-layer": "free"},
            "within": duration("Only records changed in this time."),
            "schedule": words("When it looks, as in cron.", pattern=CRON),
            "quiet": duration("How long it is silent after."),
            "to": one_or_more(
                "Who gets a mail: role:admin, permission:audit, team:..., addresses; person for whom it is about."
            ),
            "template": TEMPLATE,
            "active": flag("Whether it looks.", default=True),
        },
        "to",
    )


def _audit() -> Schema:
    outside = shape(
        "Only outside of these hours.",
        {
            "from": words("They begin.", pattern=CLOCK),
            "to": words("They end.", pattern=CLOCK),
            "weekdays": names("Days that have them; all of the week when left out.", enum_items=list(DAYS)),
            "timezone": words("Time zone, if not the site's."),
            "calendar": words("Working time of this calendar instead.", holds="calendar"),
        },
    )
    count = shape(
        "Only when there are many of them.",
        {
            "above": whole("When there are more than so many.", 1, 1_000_000),
            "within": duration("In this time."),
            "by": choice("Counted for each of these.", ["person", "address"], default="person"),
            "different": choice("Count how many of these there are, not how many events.", ["person", "address"]),
        },
        "above",
        "within",
    )
    unseen = shape(
        "Only when the person never came from there before.",
        {
            "of": names(
                "What is compared: the network of the address, the kind of browser; both when left out.",
                enum_items=["address", "agent"],
            ),
            "within": duration("So far back it looks; 90d when left out."),
        },
    )
    return shape(
        "Events of the audit log; every condition that is given has to hold.",
        {
            "kinds": names("Kinds of events.", minItems=1),
            "entities": names("Only events about records of these.", holds="entity"),
            "acts": names("Of bulk: only what does this.", enum_items=list(ACTS)),
            "outside": outside,
            "more_than": whole("Only events about more than so many records.", 0, 1_000_000_000),
            "count": count,
            "unseen": unseen,
            "gained": names("Only when somebody, or a role, gets one of these permissions."),
            "system": flag("Also what the product does by itself."),
        },
        "kinds",
    )


def _reading() -> Schema:
    return shape(
        "How much somebody reads, compared with what is usual.",
        {
            "kinds": names("What is counted.", enum_items=list(READING_KINDS)),
            "entity": words("Only records of this entity.", holds="entity"),
            "within": words("In this time: hours, such as 1h, or days, such as 1d.", pattern="^[1-9][0-9]*(h|d)$"),
            "above_usual": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "More than so many times the usual.",
                "x-layer": "free",
            },
            "floor": whole("Never for less than this.", 0, 1_000_000_000),
        },
        "above_usual",
        "floor",
    )
