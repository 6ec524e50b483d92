"""What happened that somebody may have to answer for: sign-ins, exports, looks at secrets, changes of rights."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 2
NAME = "audit"

STATEMENTS = statements(
    (
        """CREATE TABLE audit_event (
            seq {key}, kind {text} NOT NULL, at {moment} NOT NULL, actor_id {id}, entity {text}, record_id {id},
            number {long} NOT NULL, details {json} NOT NULL, via TEXT NOT NULL, address TEXT,
            agent TEXT{transaction})""",
        "CREATE INDEX audit_event_at ON audit_event (at)",
        "CREATE INDEX audit_event_actor ON audit_event (actor_id, at)",
        "CREATE INDEX audit_event_record ON audit_event (record_id, seq) WHERE record_id IS NOT NULL",
    )
)
