"""How jobs stand in their rows: JSON, messages, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from engine.audit.statements import text_of, time_of
from engine.i18n import Message
from engine.jobs.job import Job, message_from_json, message_to_json

COLUMNS = (
    "id, task, title, state, wish, actor_id, entity, unique_key, payload, kept, done, total, note, result, error,"
    " attempts, failures, created_at, run_at, started_at, ended_at, queue, worker"
)
"""Columns of `job` in the order in which `job_of` takes them."""


def json_text(value: Any) -> str:
    """Return a value as JSON; what JSON does not know becomes text."""
    return orjson.dumps(value, default=lambda each: dict(each) if isinstance(each, Mapping) else str(each)).decode()


def words(message: Message | None) -> str | None:
    """Return a message as a row keeps it."""
    return None if message is None else json_text(message_to_json(message))


def _message(text: str | None) -> Message | None:
    return None if text is None else message_from_json(orjson.loads(text))


def _time(value: Any) -> datetime | None:
    return None if value is None else time_of(value)


def job_of(row: Sequence[Any]) -> Job:
    """Return a row of COLUMNS as a job."""
    return Job(
        id=str(row[0]), task=row[1], title=message_from_json(orjson.loads(row[2])), state=row[3], wish=row[4],
        actor=text_of(row[5]), entity=row[6], key=row[7], payload=orjson.loads(row[8]), kept=orjson.loads(row[9]),
        done=row[10], total=row[11], note=_message(row[12]),
        result=None if row[13] is None else orjson.loads(row[13]), error=_message(row[14]), attempts=row[15],
        failures=row[16], created_at=time_of(row[17]), run_at=time_of(row[18]), started_at=_time(row[19]),
        finished_at=_time(row[20]), queue=row[21], worker=text_of(row[22]),
    )  # fmt: skip
