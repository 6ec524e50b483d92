"""Views of lists that people saved, with whom they share them, and which view somebody of a role sees first."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 17
NAME = "saved views"

STATEMENTS = statements(
    (
        # `audience` says with whom it is shared, `body` what it shows, both as JSON; `shared`: with anybody at all.
        """CREATE TABLE saved_view (
            id {id} PRIMARY KEY, entity {text} NOT NULL, owner_id {id}, name TEXT NOT NULL, shared {flag} NOT NULL,
            audience TEXT NOT NULL, body TEXT NOT NULL, made_at {moment} NOT NULL, changed_at {moment} NOT NULL)""",
        "CREATE INDEX saved_view_shared ON saved_view (entity, shared)",
        "CREATE INDEX saved_view_owner ON saved_view (owner_id, entity)",
        # `role` is "" for everybody; `view` the name of a view document or the id of a saved view.
        """CREATE TABLE view_default (
            entity {text} NOT NULL, role {text} NOT NULL, view {text} NOT NULL, PRIMARY KEY (entity, role))""",
    )
)
