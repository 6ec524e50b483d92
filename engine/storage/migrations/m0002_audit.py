"""What happened that somebody may have to answer for, its seals, how much people read, and the alarms that rang."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 2
NAME = "audit"

STATEMENTS = statements(
    (
        # Details are text: what is sealed are these very bytes, which JSONB would rewrite.
        """CREATE TABLE audit_event (
            seq {key}, kind {text} NOT NULL, at {moment} NOT NULL, actor_id {id}, entity {text}, record_id {id},
            number {long} NOT NULL, details TEXT NOT NULL, via TEXT NOT NULL, address {text}, agent TEXT,
            token TEXT{transaction})""",
        "CREATE INDEX audit_event_at ON audit_event (at, seq)",
        "CREATE INDEX audit_event_kind ON audit_event (kind, at, seq)",
        "CREATE INDEX audit_event_actor ON audit_event (actor_id, at, seq)",
        "CREATE INDEX audit_event_record ON audit_event (record_id, at, seq) WHERE record_id IS NOT NULL",
        "CREATE INDEX audit_event_address ON audit_event (address, at, seq) WHERE address IS NOT NULL",
        # The chain: place 1, 2, 3 ... of each event, the hash of what it says and of the hash before, and its HMAC.
        """CREATE TABLE audit_seal (
            place {long} PRIMARY KEY, seq {long} NOT NULL UNIQUE, hash TEXT NOT NULL, mac TEXT NOT NULL)""",
        # Where the chain ends and begins; `low`: no event at or below it is still to be sealed. `mark_*` are for it.
        """CREATE TABLE audit_chain (
            id INTEGER PRIMARY KEY CHECK (id = 1), place {long} NOT NULL, hash TEXT NOT NULL,
            start_place {long} NOT NULL, start_hash TEXT NOT NULL, start_mac TEXT NOT NULL, low {long} NOT NULL,
            mark_seq {long} NOT NULL, mark_transaction {long} NOT NULL)""",
        "INSERT INTO audit_chain VALUES (1, 0, '', 0, '', '', 0, 0, 0)",
        """CREATE TABLE reading_meter (
            actor_id {id} NOT NULL, hour {moment} NOT NULL, kind {text} NOT NULL, entity {text} NOT NULL,
            number {long} NOT NULL, PRIMARY KEY (actor_id, hour, kind, entity))""",
        "CREATE INDEX reading_meter_hour ON reading_meter (hour)",
        """CREATE TABLE alert_raised (
            id {id} PRIMARY KEY, alert {text} NOT NULL, subject {text} NOT NULL, state {text} NOT NULL,
            severity {text} NOT NULL, raised_at {moment} NOT NULL, last_at {moment} NOT NULL, times {long} NOT NULL,
            person_id {id}, address {text}, entity {text}, details TEXT NOT NULL, note TEXT, handled_by {id},
            handled_at {moment})""",
        "CREATE INDEX alert_raised_at ON alert_raised (raised_at, id)",
        "CREATE INDEX alert_raised_subject ON alert_raised (alert, subject, last_at)",
        "CREATE INDEX alert_raised_new ON alert_raised (state, raised_at, id)",
        # How far each watch has looked: a place of the chain, or a moment. One process at a time moves it on.
        """CREATE TABLE alert_watch (
            name {text} PRIMARY KEY, place {long} NOT NULL, checked_at {moment} NOT NULL)""",
    )
)
