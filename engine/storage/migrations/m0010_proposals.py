"""What agents propose, and what people made of it."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 10
NAME = "proposals"

STATEMENTS = statements(
    (
        # `client` is the program that asked, as it names itself; `request` makes a call safe to repeat.
        """CREATE TABLE proposal (
            id {id} PRIMARY KEY, user_id {id} NOT NULL, token_id {id}, token_name TEXT NOT NULL, client TEXT NOT NULL,
            reason TEXT NOT NULL, request {text}, state {text} NOT NULL, created_at {moment} NOT NULL,
            expires_at {moment} NOT NULL, decided_at {moment}, decided_by {id}, note TEXT NOT NULL, change_set {id})""",
        "CREATE INDEX proposal_inbox ON proposal (state, user_id, created_at, id)",
        "CREATE INDEX proposal_age ON proposal (created_at)",
        "CREATE UNIQUE INDEX proposal_request ON proposal (user_id, request) WHERE request IS NOT NULL",
        # The record is a column of its own: what is deleted for good takes along what was proposed about it.
        """CREATE TABLE proposal_part (
            proposal_id {id} NOT NULL REFERENCES proposal (id) ON DELETE CASCADE, place INTEGER NOT NULL,
            kind {text} NOT NULL, entity {text} NOT NULL, record_id {id}, version INTEGER, state {text} NOT NULL,
            body TEXT NOT NULL, PRIMARY KEY (proposal_id, place))""",
        "CREATE INDEX proposal_part_record ON proposal_part (record_id) WHERE record_id IS NOT NULL",
    )
)
