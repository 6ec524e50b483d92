"""What rows keep of a job: sentences for readers of every language, and how far it is."""

from datetime import datetime
from zoneinfo import ZoneInfo

import orjson
import pytest

from engine.i18n import Message, Text
from engine.jobs.job import Job, message_from_json, message_to_json
from engine.jobs.run import pause_after

NOW = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))


def test_a_message_is_read_back_in_every_language() -> None:
    label = Text({"en": "Lead", "zh": "线索"})
    message = Message("{title}: {why}", title=label, why=Message("There is no job {id}", id=7))

    again = message_from_json(orjson.loads(orjson.dumps(message_to_json(message))))

    assert again.in_("en") == "Lead: There is no job 7"
    assert again.in_("zh") == message.in_("zh")
    assert again.in_("zh").endswith("没有任务 7")
    assert again.in_("zh").startswith("线索")


def test_what_json_does_not_know_becomes_text() -> None:
    again = message_from_json(
        orjson.loads(orjson.dumps(message_to_json(Message("at {at}", at=NOW, left=Text(None, "x")))))
    )

    assert again.in_("en") == f"at {NOW}"
    assert str(again.values["left"]) == "x"


@pytest.mark.parametrize(
    ("state", "done", "total", "percent"),
    [("running", 1, 3, 33), ("running", 5, 3, 100), ("running", 5, None, None), ("queued", 0, 0, None),
     ("done", 0, None, 100)],
)  # fmt: skip
def test_how_far_a_job_is(state: str, done: int, total: int | None, percent: int | None) -> None:
    job = Job(
        id="", task="", title=Message("x"), state=state, wish=None, actor=None, entity=None, key=None, payload={},  # type: ignore[arg-type]
        kept={}, done=done, total=total, note=None, result=None, error=None, attempts=0, failures=0, created_at=NOW,
        run_at=NOW, started_at=None, finished_at=None, queue="default", worker=None,
    )  # fmt: skip

    assert job.percent == percent


def test_pauses_grow_up_to_an_hour() -> None:
    assert [pause_after(failures) for failures in (1, 2, 3, 4, 5, 6, 50)] == [10, 40, 160, 640, 2_560, 3_600, 3_600]
