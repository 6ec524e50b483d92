"""The audit log by object: without its own index a rare object is looked for through the whole log."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 14
NAME = "audit objects"

STATEMENTS = statements(("CREATE INDEX audit_event_entity ON audit_event (entity, at, seq) WHERE entity IS NOT NULL",))
