"""What one person has of their own: how the site looks to them, records that they starred, records that they opened."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 15
NAME = "personal"

STATEMENTS = statements(
    (
        "CREATE TABLE person_setting (user_id {id} PRIMARY KEY, body TEXT NOT NULL, changed_at {moment} NOT NULL)",
        """CREATE TABLE person_star (
            user_id {id} NOT NULL, entity {text} NOT NULL, record_id {id} NOT NULL, at {moment} NOT NULL,
            PRIMARY KEY (user_id, entity, record_id))""",
        "CREATE INDEX person_star_record ON person_star (record_id)",
        """CREATE TABLE person_visit (
            user_id {id} NOT NULL, entity {text} NOT NULL, record_id {id} NOT NULL, at {moment} NOT NULL,
            PRIMARY KEY (user_id, entity, record_id))""",
        "CREATE INDEX person_visit_record ON person_visit (record_id)",
        "CREATE INDEX person_visit_at ON person_visit (user_id, at)",
    )
)
