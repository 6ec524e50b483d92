"""Who signs in elsewhere, what they have begun there and not finished yet, and hand-overs of people who leave."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 5
NAME = "single sign-on and hand-over"

STATEMENTS = statements(
    (
        """CREATE TABLE sso_identity (
            provider {text} NOT NULL, subject {text} NOT NULL, user_id {id} NOT NULL, name TEXT,
            created_at {moment} NOT NULL, used_at {moment} NOT NULL, PRIMARY KEY (provider, subject))""",
        "CREATE INDEX sso_identity_user ON sso_identity (user_id)",
        # A sign-in on its way: `hash` is what the provider sends back, `browser` what only one cookie knows.
        """CREATE TABLE sso_request (
            hash {text} PRIMARY KEY, provider {text} NOT NULL, browser {text} NOT NULL, body TEXT NOT NULL,
            expires_at {moment} NOT NULL)""",
        "CREATE INDEX sso_request_expires ON sso_request (expires_at)",
        # Statements of providers that were taken once, for as long as they would be believed.
        """CREATE TABLE sso_assertion (
            provider {text} NOT NULL, id {text} NOT NULL, expires_at {moment} NOT NULL, PRIMARY KEY (provider, id))""",
        "CREATE INDEX sso_assertion_expires ON sso_assertion (expires_at)",
        # `id` is that of its change set.
        """CREATE TABLE handover (
            id {id} PRIMARY KEY, user_id {id} NOT NULL, actor_id {id}, state {text} NOT NULL, body TEXT NOT NULL,
            started_at {moment} NOT NULL, changed_at {moment} NOT NULL)""",
        "CREATE INDEX handover_user ON handover (user_id, started_at)",
        "CREATE UNIQUE INDEX handover_running ON handover (user_id) WHERE state = 'running'",
    )
)
