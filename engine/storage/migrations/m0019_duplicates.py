"""Duplicates: keys of records that look alike, pairs that were found, and what was merged into what."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 19
NAME = "duplicates"

_KEYS = """CREATE TABLE match_key (
    entity {text} NOT NULL, hash {long} NOT NULL, record_id {id} NOT NULL, PRIMARY KEY (entity, hash, record_id))"""

STATEMENTS = statements(
    (
        # `mark` says by which rules the keys of an entity were made; while `after` is not empty, some are missing.
        "CREATE TABLE match_state (entity {text} PRIMARY KEY, mark {text} NOT NULL, after {text} NOT NULL)",
        # A pair stands once, the lesser (entity, id) first; `state` is open, different or merged.
        """CREATE TABLE duplicate_pair (
            id {id} PRIMARY KEY, document {text} NOT NULL, entity {text} NOT NULL,
            a_entity {text} NOT NULL, a_id {id} NOT NULL, b_entity {text} NOT NULL, b_id {id} NOT NULL,
            score {long} NOT NULL, reasons {json} NOT NULL, state {text} NOT NULL, found_at {moment} NOT NULL,
            scan {text} NOT NULL, settled_by {id}, settled_at {moment})""",
        "CREATE UNIQUE INDEX duplicate_pair_once ON duplicate_pair (document, a_id, b_id)",
        "CREATE INDEX duplicate_pair_open ON duplicate_pair (entity, state, score, id)",
        "CREATE INDEX duplicate_pair_a ON duplicate_pair (a_id)",
        "CREATE INDEX duplicate_pair_b ON duplicate_pair (b_id)",
        # Where a record has gone; it holds unless the change set was taken back.
        """CREATE TABLE merged_record (
            change_set_id {id} NOT NULL, entity {text} NOT NULL, record_id {id} NOT NULL, survivor_id {id} NOT NULL,
            added {json} NOT NULL, at {moment} NOT NULL, PRIMARY KEY (change_set_id, record_id))""",
        "CREATE INDEX merged_record_gone ON merged_record (record_id)",
        "CREATE INDEX merged_record_survivor ON merged_record (survivor_id)",
    ),
    {
        "sqlite": (_KEYS.format(text="TEXT", long="INTEGER", id="TEXT") + " WITHOUT ROWID",),
        "postgresql": (_KEYS.format(text='TEXT COLLATE "C"', long="BIGINT", id="UUID"),),
    },
)
