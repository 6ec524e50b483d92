"""What becomes of jobs in a restored site: none of them runs unasked, for much of it was done since, elsewhere."""

from __future__ import annotations

from engine.i18n import Message
from engine.jobs.rows import words

WHY = Message("The site was restored from a backup; let the job go on if it is still wanted")
_WHY = (words(WHY) or "").replace("'", "''")

HOLD = (
    "UPDATE job SET state = 'paused', wish = NULL, worker = NULL, sent_at = NULL, run = run + 1,"  # noqa: S608 - a constant
    f" error = '{_WHY}' WHERE state IN ('queued', 'running')"
)
"""The statement that pauses every job that has not ended."""
FORGET = (
    "DELETE FROM worker_heartbeat",
    # What fell due in the meantime is not made up for.
    "UPDATE job_schedule SET rule = '', next_at = NULL",
)
"""Statements that forget who ran jobs, and when schedules were due next."""
