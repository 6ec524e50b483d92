"""Shares say whom they are with, until when, who gave them, and whether what hangs on the record goes along."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 3
NAME = "sharing"

STATEMENTS = statements(
    (
        "ALTER TABLE share ADD COLUMN kind {text} NOT NULL DEFAULT 'user'",
        "ALTER TABLE share ADD COLUMN until {moment}",
        "ALTER TABLE share ADD COLUMN cascades INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE share ADD COLUMN made_by {id}",
        "ALTER TABLE share ADD COLUMN made_at {moment}",
        # All that a row rule asks of a share stands in the index: no list reads the table.
        "DROP INDEX share_principal",
        "CREATE INDEX share_principal ON share (principal_id, entity, record_id, level, cascades, until)",
        "CREATE INDEX share_until ON share (until) WHERE until IS NOT NULL",
    )
)
