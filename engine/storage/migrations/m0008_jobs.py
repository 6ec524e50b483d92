"""Work that is done later, who does it, and what is done again and again."""

from __future__ import annotations

from engine.storage.migrations.kinds import statements

NUMBER = 8
NAME = "jobs"

STATEMENTS = statements(
    (
        # `run` is the number of the run that may write: who runs the job with another number has lost it.
        # `sent_at`: when this run was given to the queue. `wish`: what was asked of a job that is running.
        """CREATE TABLE job (
            id {id} PRIMARY KEY, task {text} NOT NULL, queue {text} NOT NULL, state {text} NOT NULL, wish {text},
            title TEXT NOT NULL, actor_id {id}, entity {text}, unique_key {text}, payload TEXT NOT NULL,
            kept TEXT NOT NULL, done {long} NOT NULL, total {long}, note TEXT, result TEXT, error TEXT,
            run {long} NOT NULL, attempts {long} NOT NULL, failures {long} NOT NULL, created_at {moment} NOT NULL,
            run_at {moment} NOT NULL, sent_at {moment}, started_at {moment}, ended_at {moment}, worker {id})""",
        "CREATE INDEX job_due ON job (run_at, id) WHERE state = 'queued'",
        "CREATE INDEX job_running ON job (worker) WHERE state = 'running'",
        "CREATE INDEX job_listed ON job (state, id)",
        "CREATE INDEX job_task ON job (task, id)",
        "CREATE INDEX job_actor ON job (actor_id, id)",
        "CREATE INDEX job_ended ON job (ended_at) WHERE ended_at IS NOT NULL",
        "CREATE UNIQUE INDEX job_unique_key ON job (unique_key) WHERE unique_key IS NOT NULL AND ended_at IS NULL",
        # Who runs jobs. `place` and `born` tell, on the same machine, whether the process is still there.
        """CREATE TABLE worker_heartbeat (
            id {id} PRIMARY KEY, host TEXT NOT NULL, place TEXT NOT NULL, pid {long} NOT NULL, born TEXT NOT NULL,
            kind {text} NOT NULL, threads {long} NOT NULL, started_at {moment} NOT NULL, seen_at {moment} NOT NULL)""",
        # `cron` and `enabled` are the site's own; `rule` is what `next_at` was worked out from.
        """CREATE TABLE job_schedule (
            name {text} PRIMARY KEY, cron TEXT, enabled {flag} NOT NULL, rule TEXT NOT NULL, next_at {moment},
            last_at {moment}, last_job {id})""",
    )
)
