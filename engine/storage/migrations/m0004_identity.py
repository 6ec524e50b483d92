"""What signing in needs besides passwords: mail, steps that are half done, rate limits, more about each sign-in."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 4
NAME = "identity"

STATEMENTS = statements(
    (
        # A mail is due at `next_at`; whoever sends it puts that off first, so no two send it. NULL = done with.
        """CREATE TABLE mail_message (
            id {id} PRIMARY KEY, user_id {id}, recipient TEXT NOT NULL, language TEXT NOT NULL, purpose {text} NOT NULL,
            subject TEXT NOT NULL, body TEXT NOT NULL, html TEXT NOT NULL, secret {flag} NOT NULL,
            state {text} NOT NULL, attempts INTEGER NOT NULL, created_at {moment} NOT NULL, next_at {moment},
            good_until {moment}, sent_at {moment}, error TEXT)""",
        "CREATE INDEX mail_message_due ON mail_message (next_at) WHERE next_at IS NOT NULL",
        "CREATE INDEX mail_message_created ON mail_message (created_at)",
        # Somebody who has shown one factor but not yet the second, and challenges that passkeys sign.
        """CREATE TABLE auth_step (
            hash {text} PRIMARY KEY, user_id {id}, purpose {text} NOT NULL, details TEXT NOT NULL,
            failures INTEGER NOT NULL, created_at {moment} NOT NULL, expires_at {moment} NOT NULL)""",
        "CREATE INDEX auth_step_expires ON auth_step (expires_at)",
        # The second, since 1970, at which the bucket of a key is full again.
        "CREATE TABLE rate_bucket (key {text} PRIMARY KEY, full_at DOUBLE PRECISION NOT NULL)",
        "ALTER TABLE auth_session ADD COLUMN method TEXT",
        "ALTER TABLE auth_session ADD COLUMN proven_at {moment}",
        "ALTER TABLE auth_session ADD COLUMN ends_at {moment}",
        "ALTER TABLE auth_token ADD COLUMN addresses TEXT",
        "ALTER TABLE auth_token ADD COLUMN used_from TEXT",
        "ALTER TABLE auth_link ADD COLUMN details TEXT",
        # The time step of the last one-time code, the sign count of a passkey: neither may come again.
        "ALTER TABLE auth_credential ADD COLUMN counter {long}",
        "ALTER TABLE auth_credential ADD COLUMN name TEXT",
        "CREATE UNIQUE INDEX auth_credential_passkey ON auth_credential (key) WHERE kind = 'passkey'",
    )
)
