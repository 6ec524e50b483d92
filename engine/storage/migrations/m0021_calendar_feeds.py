"""Addresses by which calendars of other programs read what somebody has on which day."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 21
NAME = "calendar_feeds"

STATEMENTS = statements(
    (
        # `secret` is the hash of what stands in the address; `query` what the list says that is read, as its address.
        """CREATE TABLE calendar_feed (
            id {id} PRIMARY KEY, user_id {id} NOT NULL, secret {text} NOT NULL, entity {text} NOT NULL,
            query TEXT NOT NULL, name TEXT NOT NULL, made_at {moment} NOT NULL, read_at {moment})""",
        "CREATE UNIQUE INDEX calendar_feed_secret ON calendar_feed (secret)",
        "CREATE INDEX calendar_feed_user ON calendar_feed (user_id)",
    )
)
