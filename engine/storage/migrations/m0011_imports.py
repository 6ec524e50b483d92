"""Imports that people began, what was wrong with their rows, and mappings that were saved."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 11
NAME = "imports"

STATEMENTS = statements(
    (
        # `plan` is how the file is read, `done` how far it came and what came of it, both as JSON. `trial` is what
        # came of the last trial. `thrown_at`: since when the file is gone.
        """CREATE TABLE import_run (
            id {id} PRIMARY KEY, entity {text} NOT NULL, actor_id {id}, name TEXT NOT NULL, size {long} NOT NULL,
            state {text} NOT NULL, plan TEXT NOT NULL, done TEXT, trial TEXT, job_id {id}, change_set_id {id},
            made_at {moment} NOT NULL, changed_at {moment} NOT NULL, thrown_at {moment})""",
        "CREATE INDEX import_run_entity ON import_run (entity, id)",
        "CREATE INDEX import_run_actor ON import_run (actor_id, id)",
        # One problem of one cell; `kind` is the same for equal problems of one column.
        """CREATE TABLE import_problem (
            seq {key}, run_id {id} NOT NULL, trial {flag} NOT NULL, row_number {long} NOT NULL, field TEXT NOT NULL,
            column_name TEXT NOT NULL, value TEXT NOT NULL, message TEXT NOT NULL, kind {text} NOT NULL)""",
        "CREATE INDEX import_problem_run ON import_problem (run_id, trial, seq)",
        "CREATE INDEX import_problem_kind ON import_problem (run_id, trial, kind, seq)",
        # `body` is what a mapping file says; `headers` are those of the file that it was made for.
        """CREATE TABLE import_map (
            id {id} PRIMARY KEY, entity {text} NOT NULL, actor_id {id}, name TEXT NOT NULL, shared {flag} NOT NULL,
            body TEXT NOT NULL, headers TEXT NOT NULL, made_at {moment} NOT NULL, used_at {moment} NOT NULL)""",
        "CREATE UNIQUE INDEX import_map_name ON import_map (entity, actor_id, name)",
    )
)
