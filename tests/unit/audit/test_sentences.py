"""Every kind of event has a name and a sentence, in both languages."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.audit import LogEntry
from engine.audit.sentences import EVENT_LABELS, EventNames, event_sentence
from engine.metadata.kinds.alerts import EVENT_KINDS

ENGINE = Path(__file__).parents[3] / "engine"
_NOTED = re.compile(r'(?:\bEvent\(|\bunit\.note\(|\b_note\(\s*connection,)\s*"([a-z_]+)"')
BEN, ANN, DEAL = "ben-id", "ann-id", "deal-id"
NAMES = EventNames({BEN: "Ben", ANN: "Ann"}, lambda key: (key, f"{key}s"), {("deal", DEAL): "Big"})


def event(
    kind: str, entity: str | None = None, record: str | None = None, number: int = 1, **details: object
) -> LogEntry:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return LogEntry(7, kind, at, BEN, entity, record, number, details, "web", None, None, None)


def test_alerts_may_name_the_kinds_that_are_noted_and_no_others() -> None:
    noted = {kind for path in ENGINE.rglob("*.py") for kind in _NOTED.findall(path.read_text(encoding="utf-8"))}

    assert set(EVENT_LABELS) == set(EVENT_KINDS)
    assert noted - set(EVENT_KINDS) == set()


@pytest.mark.parametrize("kind", EVENT_KINDS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_has_a_sentence_without_gaps(kind: str, language: str) -> None:
    for each in (event(kind), event(kind, "user", ANN), event(kind, "deal", DEAL, 3)):
        said = event_sentence(each, NAMES).in_(language)
        assert said
        assert "{" not in said
        assert language == "en" or re.search("[\u4e00-\u9fff]", said)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (event("export", "deal", number=1204, format="csv"), "Ben exported 1,204 deals as CSV"),
        (event("export", "deal", number=1, format="xlsx"), "Ben exported 1 deal as XLSX"),
        (event("bulk", "deal", number=12, what="delete"), "Ben moved 12 deals to the recycle bin at once"),
        (event("rights_changed", "user", ANN), "Ben changed the rights of user “Ann”"),
        (event("rights_changed", "team", "gone", name="North"), "Ben changed the rights of team “North”"),
        (event("session_ended", "user", BEN, 2), "Ben ended 2 of their sign-ins"),
        (event("session_ended", "user", ANN, 2), "Ben signed Ann out"),
        (event("password_reset", "user", ANN), "Ben reset the password of Ann"),
        (event("reveal", "deal", DEAL, field="pin"), "Ben looked at pin of deal “Big”"),
        (event("sign_in_failed"), "Somebody failed to sign in with an unknown name"),
        (event("sign_in_failed", "user", ANN), "Somebody failed to sign in as Ann"),
        (event("rolled_back", revision=4, back_to=2), "Ben went back to revision 2, as revision 4"),
        (event("purge", number=9, why="history_days"), "Old history was removed: 9"),
        (event("from_a_plugin"), "Ben: from_a_plugin"),
    ],
)
def test_what_happened_is_said_plainly(told: LogEntry, said: str) -> None:
    names = EventNames({**NAMES.people}, NAMES.entities, {**NAMES.titles, ("user", ANN): "Ann"})

    assert str(event_sentence(told, names)) == said
