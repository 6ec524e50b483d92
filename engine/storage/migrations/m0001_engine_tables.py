"""The first tables of the engine. Frozen: what changes later is a new migration."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 1
NAME = "engine tables"

_COMMON = (
    # Documents, packs, storage and plan are JSON kept as text: they are read whole and never searched.
    """CREATE TABLE meta_revision (
        number INTEGER PRIMARY KEY, documents TEXT NOT NULL, packs TEXT NOT NULL, storage TEXT NOT NULL,
        plan TEXT NOT NULL, checksum TEXT NOT NULL, comment TEXT, author_id {id}, published_at {moment} NOT NULL)""",
    """CREATE TABLE meta_state (
        id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, access_epoch INTEGER NOT NULL)""",
    "INSERT INTO meta_state (id, revision, access_epoch) VALUES (1, 0, 0)",
    """CREATE TABLE meta_draft (
        kind {text} NOT NULL, name {text} NOT NULL, body TEXT NOT NULL, base_revision INTEGER NOT NULL,
        author_id {id}, updated_at {moment} NOT NULL, PRIMARY KEY (kind, name))""",
    # What a publication has begun beside the running revision, so that a later one can clean up after a crash.
    """CREATE TABLE meta_work (
        id {id} PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, started_at {moment} NOT NULL)""",
    # Records written while their column is copied; triggers fill it, the switch empties it.
    """CREATE TABLE meta_touch (
        table_name {text} NOT NULL, record_id {id} NOT NULL, PRIMARY KEY (table_name, record_id))""",
    """CREATE TABLE record_change (
        seq {key}, entity {text} NOT NULL, record_id {id} NOT NULL, version INTEGER NOT NULL, action TEXT NOT NULL,
        changes {json} NOT NULL, actor_id {id}, via TEXT NOT NULL, at {moment} NOT NULL,
        change_set_id {id}{transaction})""",
    "CREATE UNIQUE INDEX record_change_version ON record_change (record_id, entity, version)",
    "CREATE INDEX record_change_set ON record_change (change_set_id, seq) WHERE change_set_id IS NOT NULL",
    """CREATE TABLE change_set (
        id {id} PRIMARY KEY, kind TEXT NOT NULL, entity TEXT, title TEXT, actor_id {id}, via TEXT NOT NULL,
        at {moment} NOT NULL, counts {json} NOT NULL, undoes {id}, undone_by {id})""",
    "CREATE INDEX change_set_at ON change_set (at)",
    """CREATE TABLE idempotency_key (
        actor_id {text} NOT NULL, key {text} NOT NULL, request_hash TEXT NOT NULL, status INTEGER, response TEXT,
        created_at {moment} NOT NULL, PRIMARY KEY (actor_id, key))""",
    "CREATE INDEX idempotency_key_created ON idempotency_key (created_at)",
    "CREATE TABLE search_row (id {key}, entity {text} NOT NULL, record_id {id} NOT NULL{words})",
    "CREATE UNIQUE INDEX search_row_record ON search_row (record_id, entity)",
    """CREATE TABLE user_closure (
        manager_id {id} NOT NULL, user_id {id} NOT NULL, depth INTEGER NOT NULL, PRIMARY KEY (manager_id, user_id))""",
    "CREATE INDEX user_closure_user ON user_closure (user_id)",
    """CREATE TABLE share (
        entity {text} NOT NULL, record_id {id} NOT NULL, principal_id {id} NOT NULL, level TEXT NOT NULL,
        cause {text} NOT NULL, PRIMARY KEY (entity, record_id, principal_id, cause))""",
    "CREATE INDEX share_principal ON share (principal_id, entity, record_id)",
    "CREATE TABLE sequence_block (name {text} PRIMARY KEY, next_value {long} NOT NULL)",
    """CREATE TABLE user_view (
        id {id} PRIMARY KEY, user_id {id} NOT NULL, entity TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
        updated_at {moment} NOT NULL)""",
    "CREATE UNIQUE INDEX user_view_name ON user_view (user_id, entity, name)",
    """CREATE TABLE user_draft (
        user_id {id} NOT NULL, entity {text} NOT NULL, record_key {text} NOT NULL, body TEXT NOT NULL,
        version INTEGER, updated_at {moment} NOT NULL, PRIMARY KEY (user_id, entity, record_key))""",
    """CREATE TABLE auth_credential (
        user_id {id} NOT NULL, kind {text} NOT NULL, key {text} NOT NULL, secret TEXT NOT NULL, details TEXT,
        created_at {moment} NOT NULL, used_at {moment}, PRIMARY KEY (user_id, kind, key))""",
    """CREATE TABLE auth_token (
        id {id} PRIMARY KEY, user_id {id} NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL,
        created_at {moment} NOT NULL, expires_at {moment}, used_at {moment}, revoked_at {moment})""",
    "CREATE INDEX auth_token_user ON auth_token (user_id)",
    """CREATE TABLE auth_session (
        hash {text} PRIMARY KEY, user_id {id} NOT NULL, created_at {moment} NOT NULL, seen_at {moment} NOT NULL,
        expires_at {moment} NOT NULL, address TEXT, agent TEXT)""",
    "CREATE INDEX auth_session_user ON auth_session (user_id)",
    """CREATE TABLE auth_link (
        hash {text} PRIMARY KEY, user_id {id} NOT NULL, purpose TEXT NOT NULL, created_at {moment} NOT NULL,
        expires_at {moment} NOT NULL, used_at {moment})""",
    """CREATE TABLE auth_attempt (
        key {text} PRIMARY KEY, failures INTEGER NOT NULL, last_at {moment} NOT NULL, blocked_until {moment})""",
    """CREATE TABLE plugin_migration (
        plugin {text} NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL,
        applied_at {moment} NOT NULL, PRIMARY KEY (plugin, number))""",
)

_OWN = {
    "sqlite": (
        # The engine cuts text into lower-case words itself; `ascii` takes every other character as part of a word.
        "CREATE VIRTUAL TABLE search_index USING fts5(high, normal, low, tokenize = 'ascii', columnsize = 0)",
    ),
    "postgresql": (
        # A short pending list: searches read it from end to end.
        "CREATE INDEX search_row_words ON search_row USING gin (words) WITH (gin_pending_list_limit = 64)",
        """CREATE FUNCTION meta_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO meta_touch VALUES (TG_TABLE_NAME, NEW.id) ON CONFLICT DO NOTHING; RETURN NULL; END $$""",
    ),
}

STATEMENTS = statements(_COMMON, _OWN)
