"""How far the change feed reaches back, who is told of changes, and who may tell the site of something."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 9
NAME = "webhooks"

STATEMENTS = statements(
    (
        # Changes up to `floor` are no longer all kept.
        "CREATE TABLE change_feed (id INTEGER PRIMARY KEY CHECK (id = 1), floor {long} NOT NULL)",
        "INSERT INTO change_feed VALUES (1, 0)",
        # `place`: the changes up to it were looked at. `hold_until`: nothing is sent before, for it failed just now.
        """CREATE TABLE webhook_endpoint (
            id {id} PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, entity {text} NOT NULL, events TEXT NOT NULL,
            fields TEXT NOT NULL, condition TEXT, owner_id {id} NOT NULL, skip_own {flag} NOT NULL,
            secret TEXT NOT NULL, old_secret TEXT, old_until {moment}, state {text} NOT NULL, reason TEXT,
            place {long} NOT NULL, failures INTEGER NOT NULL, hold_until {moment}, created_at {moment} NOT NULL,
            created_by {id}, changed_at {moment} NOT NULL)""",
        # `seq` is that of the change, NULL for a trial. While `next_at` is ahead, nobody else sends it.
        """CREATE TABLE webhook_delivery (
            id {id} PRIMARY KEY, endpoint_id {id} NOT NULL, seq {long}, entity {text} NOT NULL, record_id {id} NOT NULL,
            version INTEGER NOT NULL, event {text} NOT NULL, changed TEXT NOT NULL, actor_id {id},
            at {moment} NOT NULL, state {text} NOT NULL, attempts INTEGER NOT NULL, next_at {moment},
            done_at {moment}, status INTEGER, note TEXT)""",
        "CREATE UNIQUE INDEX webhook_delivery_change ON webhook_delivery (endpoint_id, seq)",
        "CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at) WHERE state = 'waiting'",
        "CREATE INDEX webhook_delivery_order ON webhook_delivery (endpoint_id, record_id, seq) WHERE state = 'waiting'",
        "CREATE INDEX webhook_delivery_listed ON webhook_delivery (endpoint_id, id)",
        "CREATE INDEX webhook_delivery_record ON webhook_delivery (record_id)",
        "CREATE INDEX webhook_delivery_done ON webhook_delivery (done_at) WHERE done_at IS NOT NULL",
        """CREATE TABLE webhook_attempt (
            id {id} PRIMARY KEY, delivery_id {id} NOT NULL, at {moment} NOT NULL, milliseconds INTEGER NOT NULL,
            status INTEGER, note TEXT, answer TEXT)""",
        "CREATE INDEX webhook_attempt_delivery ON webhook_attempt (delivery_id, id)",
        """CREATE TABLE inbound_hook (
            id {id} PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, entity {text} NOT NULL,
            mode {text} NOT NULL, match_by {text}, mapping TEXT NOT NULL, actor_id {id} NOT NULL,
            scheme {text} NOT NULL, header {text}, id_header {text}, secret TEXT, most_bytes INTEGER NOT NULL,
            state {text} NOT NULL, created_at {moment} NOT NULL, created_by {id}, changed_at {moment} NOT NULL)""",
        # `message_id` of what was carried out: it is carried out no second time.
        """CREATE TABLE inbound_call (
            id {id} PRIMARY KEY, hook_id {id} NOT NULL, at {moment} NOT NULL, address {text}, message_id {text},
            outcome {text} NOT NULL, status INTEGER NOT NULL, note TEXT, entity {text} NOT NULL, records TEXT NOT NULL,
            body TEXT)""",
        "CREATE UNIQUE INDEX inbound_call_message ON inbound_call (hook_id, message_id) WHERE message_id IS NOT NULL",
        "CREATE INDEX inbound_call_listed ON inbound_call (hook_id, id)",
        "CREATE INDEX inbound_call_at ON inbound_call (at)",
    )
)
