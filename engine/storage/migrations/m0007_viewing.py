"""Who looks at the site as somebody else, since when and until when."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 7
NAME = "viewing"

STATEMENTS = statements(
    (
        # Known by the hash of a secret that only the cookie of one browser holds, and good for one sign-in alone.
        """CREATE TABLE viewing (
            hash {text} PRIMARY KEY, session {text} NOT NULL, actor_id {id} NOT NULL, user_id {id} NOT NULL,
            begun_at {moment} NOT NULL, ends_at {moment} NOT NULL, ended_at {moment})""",
        "CREATE INDEX viewing_ends ON viewing (ends_at)",
    )
)
