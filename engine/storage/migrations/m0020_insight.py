"""What people have of their own beside dashboards and reports of documents: how cards stand, and reports they saved."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 20
NAME = "insight"

STATEMENTS = statements(
    (
        # `layout` says as JSON in which order the cards stand, how large, which are hidden, and which were added.
        """CREATE TABLE person_dashboard (
            user_id {id} NOT NULL, dashboard {text} NOT NULL, layout TEXT NOT NULL, changed_at {moment} NOT NULL,
            PRIMARY KEY (user_id, dashboard))""",
        # `body` is what a report document would hold, as JSON.
        """CREATE TABLE person_report (
            id {id} PRIMARY KEY, user_id {id} NOT NULL, entity {text} NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
            changed_at {moment} NOT NULL)""",
        "CREATE INDEX person_report_user ON person_report (user_id, id)",
    )
)
