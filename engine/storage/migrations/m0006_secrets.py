"""The data keys that secret values are sealed with, each wrapped by the key-encryption key."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 6
NAME = "secrets"

STATEMENTS = statements(
    (
        """CREATE TABLE secret_key (
            id {text} PRIMARY KEY, purpose {text} NOT NULL, state {text} NOT NULL, wrapped TEXT NOT NULL,
            wrapped_by {text} NOT NULL, created_at {moment} NOT NULL)""",
        "CREATE UNIQUE INDEX secret_key_active ON secret_key (purpose) WHERE state = 'active'",
    )
)
