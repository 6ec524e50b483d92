"""Forms that were not sent: those that nobody has come back to for long are found by their time."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 18
NAME = "drafts"

STATEMENTS = statements(("CREATE INDEX user_draft_updated ON user_draft (updated_at)",))
