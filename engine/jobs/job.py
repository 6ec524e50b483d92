"""What jobs are: tasks as they are registered, jobs as they are shown, and the ways in which a run ends early."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from engine.i18n import Message, Text

if TYPE_CHECKING:
    from engine.jobs.run import Run

JobState = Literal["queued", "running", "paused", "done", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
JOB_STATE_LABELS = {
    "queued": Message("Waiting"),
    "running": Message("Running"),
    "paused": Message("Paused"),
    "done": Message("Done"),
    "failed": Message("Failed"),
    "cancelled": Message("Cancelled"),
}
ENDED = frozenset({"done", "failed", "cancelled"})
DEFAULT_QUEUE = "default"
KEPT = timedelta(days=14)
"""For so long one can look at a job that was done or cancelled."""
FAILED_KEPT = timedelta(days=90)


class JobStopped(BaseException):
    """A run is to end where it is. No `Exception`, so that a task which collects mistakes does not collect this one."""


class JobCancelled(JobStopped):
    """Somebody cancelled the job."""


class JobPaused(JobStopped):
    """Somebody paused the job; it goes on later from what was kept."""


class JobGivenBack(JobStopped):
    """The worker is about to stop: the job goes on elsewhere, from what was kept."""


class JobLost(JobStopped):
    """Somebody else runs this job by now, so this run may write nothing more."""


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of work, as whoever can do it registers it.

    Attributes:
        name: how it is called in rows and commands, such as `import`; a plugin puts its own name in front.
        work: does it. It may be called again after a kill, and must then go on from `Run.state` or do no harm.
        label: what people read.
        queue: jobs of one queue wait for each other only as far as workers are busy.
        attempts: how often a job is tried that fails; growing pauses lie between.
        concurrency: how many jobs of this task run at once, over all workers; None = as many as there are threads.
        address: the page that shows what came of a job, with "{id}" for its id; "" when the page of the job does.
    """

    name: str
    work: Callable[[Run], None]
    label: Message
    queue: str = DEFAULT_QUEUE
    attempts: int = 3
    concurrency: int | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its row has it; times are aware UTC."""

    id: str
    task: str
    title: Message
    state: JobState
    wish: str | None
    """cancel or pause, asked of a job that is running and has not come to it yet."""
    actor: str | None
    """Id of the `user` record in whose name it runs; None for the system."""
    entity: str | None
    key: str | None
    payload: Mapping[str, Any]
    kept: Mapping[str, Any]
    """How far it came: what the task kept last."""
    done: int
    total: int | None
    note: Message | None
    result: Mapping[str, Any] | None
    error: Message | None
    """Why it failed, or failed the last time."""
    attempts: int
    """How often it was begun."""
    failures: int
    """How often it failed since it last came further."""
    created_at: datetime
    run_at: datetime
    """Not before."""
    started_at: datetime | None
    finished_at: datetime | None
    queue: str
    worker: str | None

    @property
    def ended(self) -> bool:
        """Say whether nothing more happens to it by itself."""
        return self.state in ENDED

    @property
    def percent(self) -> int | None:
        """Return how far it is, from 0 to 100; None when nobody knows how much there is."""
        if self.state == "done":
            return 100
        return None if not self.total else max(0, min(100, self.done * 100 // self.total))


def message_to_json(message: Message) -> dict[str, Any]:
    """Return a message as a row keeps it, so that every reader has it in their language."""
    values: dict[str, Any] = {}
    for key, value in message.values.items():
        if isinstance(value, Message):
            values[key] = {"message": message_to_json(value)}
        elif isinstance(value, Text):
            values[key] = {"text": dict(value), "shown": str(value)}
        else:
            values[key] = value if isinstance(value, str | int | float | bool) or value is None else str(value)
    return {"template": message.template, "values": values}


def message_from_json(said: Mapping[str, Any]) -> Message:
    """Return a message that `message_to_json` wrote."""
    values: dict[str, Any] = {}
    for key, value in said["values"].items():
        if isinstance(value, dict) and "message" in value:
            values[key] = message_from_json(value["message"])
        elif isinstance(value, dict):
            values[key] = Text(value["text"], value["shown"] if not value["text"] else "")
        else:
            values[key] = value
    return Message(said["template"], **values)
