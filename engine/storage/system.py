"""The engine's own tables by name; `migrations` makes them. None of them begins with an entity's prefix.

| table | holds |
|---|---|
| meta_revision, meta_state, meta_draft | what is published, which revision runs, what is being edited |
| match_key, match_state | keys by which records that look alike find each other |
| duplicate_pair, merged_record | records that look alike, and what was merged into what |
| meta_work, meta_touch | what a publication has begun or left to do; records written while their column is copied |
| record_change, change_set | history, change feed and undo: each version of each record, and calls that changed many |
| idempotency_key | answers to calls that may be repeated |
| search_row (and search_index on SQLite) | full-text search |
| user_closure, share | who is above whom, which records are shared with whom |
| sequence_block | the next numbers of autonumber fields |
| user_view, user_draft | how people arranged their lists, forms that they have not sent |
| saved_view, view_default | views of lists that people saved, which of them a list opens with |
| auth_credential, auth_token, auth_session, auth_step, auth_link, auth_attempt, rate_bucket | signing in |
| mail_message | mail that is to be sent, or was |
| sso_identity, sso_request, sso_assertion | signing in elsewhere |
| handover | people who leave, and what of theirs was given to whom |
| person_dashboard, person_report | how people arranged dashboards, reports that they saved |
| calendar_feed | addresses by which calendars of other programs read a list |
| person_setting, person_star, person_visit | how the site looks to people, what they starred, what they opened last |
| proposal, proposal_part | what agents propose, and what people made of it |
| secret_key | the data keys of secret values, wrapped |
| audit_event, audit_seal, audit_chain | who did what that somebody may have to answer for, and the chain over it |
| import_run, import_problem, import_map | files that people import, what is wrong in them, mappings that they saved |
| export_file | files that people exported or are about to |
| viewing | who looks at the site as somebody else, and until when |
| reading_meter | how much each person reads, by hour |
| alert_raised, alert_watch | alarms that rang, and how far each has looked |
| notice, notice_setting, record_follow | what people are told of, how, and what they follow |
| comment_reaction, record_pin | signs beside comments, comments that stay on top of a record |
| record_presence | who has a record open just now |
| job, job_schedule, worker_heartbeat | work that is done later, what is done again and again, who does it |
| change_feed | since when changes are all kept |
| webhook_endpoint, webhook_delivery, webhook_attempt | who is told of changes, of which, and how that went |
| inbound_hook, inbound_call | what others may send in, and what they sent |
| engine_migration, plugin_migration | which migrations ran |
"""

from __future__ import annotations

from typing import Final

SYSTEM_TABLES: Final = (
    "alert_raised",
    "alert_watch",
    "audit_chain",
    "audit_event",
    "audit_seal",
    "auth_attempt",
    "auth_credential",
    "auth_link",
    "auth_session",
    "auth_step",
    "auth_token",
    "calendar_feed",
    "change_feed",
    "change_set",
    "comment_reaction",
    "duplicate_pair",
    "engine_migration",
    "export_file",
    "handover",
    "idempotency_key",
    "import_map",
    "import_problem",
    "import_run",
    "inbound_call",
    "inbound_hook",
    "job",
    "job_schedule",
    "mail_message",
    "match_key",
    "match_state",
    "merged_record",
    "meta_draft",
    "meta_revision",
    "meta_state",
    "meta_touch",
    "meta_work",
    "notice",
    "notice_setting",
    "person_dashboard",
    "person_report",
    "person_setting",
    "person_star",
    "person_visit",
    "plugin_migration",
    "proposal",
    "proposal_part",
    "rate_bucket",
    "reading_meter",
    "record_change",
    "record_follow",
    "record_pin",
    "record_presence",
    "saved_view",
    "search_row",
    "secret_key",
    "sequence_block",
    "share",
    "sso_assertion",
    "sso_identity",
    "sso_request",
    "user_closure",
    "user_draft",
    "user_view",
    "view_default",
    "viewing",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_endpoint",
    "worker_heartbeat",
)
