"""What people are told and how, whom records keep posted, and what they do with what is said about them."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 16
NAME = "notices"

STATEMENTS = statements(
    (
        # Owners and makers follow without a row; `follows` false says that somebody wants to hear no more.
        """CREATE TABLE record_follow (
            entity {text} NOT NULL, record_id {id} NOT NULL, user_id {id} NOT NULL, follows {flag} NOT NULL,
            made_at {moment} NOT NULL, PRIMARY KEY (entity, record_id, user_id))""",
        "CREATE INDEX record_follow_user ON record_follow (user_id)",
        # `number` counts records when one notice stands for many; `mail` is now, daily or nothing.
        """CREATE TABLE notice (
            id {id} PRIMARY KEY, user_id {id} NOT NULL, kind {text} NOT NULL, entity {text}, record_id {id},
            actor_id {id}, number {long} NOT NULL, details TEXT NOT NULL, change_set_id {id}, at {moment} NOT NULL,
            shown {flag} NOT NULL, read_at {moment}, mail {text}, mailed_at {moment})""",
        "CREATE INDEX notice_user ON notice (user_id, at, id)",
        "CREATE INDEX notice_unread ON notice (user_id) WHERE read_at IS NULL",
        "CREATE INDEX notice_mail ON notice (mail, user_id) WHERE mail IS NOT NULL",
        "CREATE INDEX notice_record ON notice (record_id) WHERE record_id IS NOT NULL",
        "CREATE INDEX notice_at ON notice (at)",
        "CREATE TABLE notice_setting (user_id {id} PRIMARY KEY, body TEXT NOT NULL, updated_at {moment} NOT NULL)",
        """CREATE TABLE comment_reaction (
            comment_id {id} NOT NULL, user_id {id} NOT NULL, sign {text} NOT NULL, made_at {moment} NOT NULL,
            PRIMARY KEY (comment_id, user_id, sign))""",
        """CREATE TABLE record_pin (
            entity {text} NOT NULL, record_id {id} NOT NULL, comment_id {id} NOT NULL, made_by {id},
            made_at {moment} NOT NULL, PRIMARY KEY (entity, record_id, comment_id))""",
        "CREATE INDEX record_pin_comment ON record_pin (comment_id)",
        # Who has a record open just now; a row that was not renewed for a while counts for nothing.
        """CREATE TABLE record_presence (
            entity {text} NOT NULL, record_id {id} NOT NULL, user_id {id} NOT NULL, seen_at {moment} NOT NULL,
            PRIMARY KEY (entity, record_id, user_id))""",
        "CREATE INDEX record_presence_seen ON record_presence (seen_at)",
    )
)
