"""With whom people share the reports that they saved."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 22
NAME = "shared_reports"

STATEMENTS = statements(
    (
        # JSON as of saved views; "" = with nobody.
        "ALTER TABLE person_report ADD COLUMN audience TEXT NOT NULL DEFAULT ''",
    )
)
