"""Files of records that people export: who made which, until when it is kept, and what it was made of."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 12
NAME = "exports"

STATEMENTS = statements(
    (
        # `options` says what is wanted, as JSON; `paths` what was read of each record, once it is `ready_at`.
        """CREATE TABLE export_file (
            id {id} PRIMARY KEY, job_id {id}, entity {text} NOT NULL, actor_id {id} NOT NULL, scopes TEXT,
            options TEXT NOT NULL, name TEXT NOT NULL, mails {flag} NOT NULL, paths TEXT, number {long} NOT NULL,
            size {long} NOT NULL, cut {long} NOT NULL, made_at {moment} NOT NULL, ready_at {moment},
            ends_at {moment} NOT NULL, fetched {long} NOT NULL, fetched_at {moment})""",
        "CREATE INDEX export_file_actor ON export_file (actor_id, id)",
        "CREATE INDEX export_file_ends ON export_file (ends_at)",
    )
)
