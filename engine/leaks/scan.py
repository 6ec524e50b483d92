"""The scan: every channel, played by many people over every entity, and judged."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.data.principal import Principal
from engine.errors import GuanxiError
from engine.leaks import exchanging, explaining, probing, reading, twins, webhooks, writing  # noqa: F401 - they register channels
from engine.leaks.channels import Asking, Channel, channels
from engine.leaks.finding import Leak
from engine.leaks.judge import Judge
from engine.leaks.marks import Marks
from engine.leaks.oracle import Oracle
from engine.leaks.plain import Plain
from engine.leaks.told import Failed, Told
from engine.metadata.model import Entity
from engine.site.site import Site

Progress = Callable[[int, int], None]
"""Is told how many questions were asked of how many."""
_MOST_FINDINGS = 200
LIMIT_MS = 3_600_000
"""One snapshot lasts as long as a person asks."""
SAMPLE = 10
"""Records of each entity that are looked at on a site that is not read whole."""


@dataclass(slots=True)
class LeakReport:
    """What a scan came to."""

    leaks: list[Leak] = field(default_factory=list)
    questions: int = 0
    """Channels asked about one entity by one person."""
    told: int = 0
    """Things that were told and judged."""
    people: int = 0
    entities: int = 0
    seconds: float = 0.0
    finished: bool = True
    """False when the time was over before everything was asked."""

    def json(self, language: str = "en") -> dict[str, Any]:
        """Return plain JSON values, sentences in a language."""
        return {
            "leaks": [leak.json(language) for leak in self.leaks],
            "questions": self.questions,
            "told": self.told,
            "people": self.people,
            "entities": self.entities,
            "seconds": round(self.seconds, 1),
            "finished": self.finished,
        }

    def add(self, other: LeakReport) -> None:
        """Take up what another scan came to."""
        known = {leak.key for leak in self.leaks}
        self.leaks += [leak for leak in other.leaks if leak.key not in known]
        self.questions += other.questions
        self.told += other.told
        self.people += other.people
        self.entities = max(self.entities, other.entities)
        self.seconds += other.seconds
        self.finished &= other.finished


class Scan:
    """Plays people against a site."""

    def __init__(  # noqa: PLR0913 - all that makes a scan
        self,
        site: Site,
        people: Sequence[Principal],
        *,
        marks: Marks | None = None,
        dice: random.Random | None = None,
        whole: bool = False,
        about: Collection[str] | None = None,
        deadline: float | None = None,
        least: int = 0,
        progress: Progress | None = None,
    ) -> None:
        """Prepare a scan.

        Args:
            site: where to look.
            people: who asks.
            marks: what was planted.
            dice: chooses records and the order of questions.
            whole: whether the site was made for this: every record is read, and channels that write take part.
            about: entities to ask about; all unless given.
            deadline: `time.monotonic()` after which no further question is asked.
            least: for how many people what is quick is asked to its end, however late it is.
            progress: is told how far it is.
        """
        self._site, self._people = site, list(people)
        self._marks = marks or Marks()
        self._dice = dice or random.Random(0)  # noqa: S311 - nothing secret
        self._whole, self._deadline, self._progress = whole, deadline, progress
        self._least, self._about = least, about
        self._report = LeakReport()
        self._seen: set[tuple[object, ...]] = set()
        self._notes: dict[str, object] = {"people": self._people}
        self._due = False
        """Whether the question is asked even though the time is over."""

    def run(self, only: Iterable[Channel] | None = None) -> LeakReport:
        """Ask everything, or what some channels ask, as far as the time goes."""
        started = time.monotonic()
        chosen = list(channels(writes=None if self._whole else False) if only is None else only)
        known = self._site.published.model.entities.values()
        entities = [each for each in known if self._about is None or each.key in self._about]
        total = len(self._people) * (len(entities) * sum(not c.once for c in chosen) + sum(c.once for c in chosen))
        for number, (person, part) in enumerate(self._rounds(chosen)):
            self._due = number < self._least
            for asking, ways in self._questions(person, entities, part):
                for channel in ways:
                    if self._over():
                        break
                    self._ask(channel, asking)
                    if self._progress is not None:
                        self._progress(self._report.questions, total)
        self._report.people, self._report.entities = len(self._people), len(entities)
        self._report.seconds = time.monotonic() - started
        return self._report

    def _rounds(self, chosen: Sequence[Channel]) -> Iterator[tuple[Principal, list[Channel]]]:
        """Yield who asks through which channels: everybody what is quick, then what would change, then the rest."""
        quick = [each for each in chosen if not each.writes and not each.slow]
        writes = [each for each in chosen if each.writes]
        slow = [each for each in chosen if each.slow and not each.writes]
        for part in (quick, writes, slow):
            if part:
                yield from ((person, part) for person in self._people)

    def _questions(
        self, person: Principal, entities: Sequence[Entity], part: list[Channel]
    ) -> Iterator[tuple[Asking, list[Channel]]]:
        """Yield what somebody asks about, and the channels; one snapshot of the database for all of it."""
        if self._over():
            return
        with self._site.reading(person, limit_ms=LIMIT_MS) as reader:
            plain = Plain(reader.connection, reader.published)
            oracle = Oracle(plain, person)
            if self._whole:
                for key in plain.model.entities:
                    plain.rows(key)
            for place, entity in enumerate(entities):
                if self._over():
                    return
                rows = plain.rows(entity.key) if self._whole else plain.some(entity.key, SAMPLE)
                asking = Asking(
                    self._site, reader, oracle, plain, entity, rows, self._whole, self._marks, self._dice,
                    writable=self._whole, notes=self._notes,
                )  # fmt: skip
                yield asking, [each for each in part if not each.once or not place]

    def _over(self) -> bool:
        """Say whether the time is up."""
        if self._deadline is None or time.monotonic() < self._deadline or self._due:
            return False
        self._report.finished = False
        return True

    def _ask(self, channel: Channel, asking: Asking) -> None:
        self._report.questions += 1
        judge = Judge(asking.oracle, asking.marks, channel.name, whole=asking.whole)
        for said in _whatever(channel, asking):
            self._report.told += 1
            for leak in judge.judge(said):
                if leak.key not in self._seen and len(self._report.leaks) < _MOST_FINDINGS:
                    self._seen.add(leak.key)
                    self._report.leaks.append(leak)


def _whatever(channel: Channel, asking: Asking) -> Iterator[Told]:
    """Yield what a channel says; that it breaks down is told too, for then nothing was proved."""
    try:
        yield from channel.ask(asking)
    except GuanxiError as error:
        yield Failed(asking.entity.key, f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - a channel of a plugin may raise anything
        place = traceback.extract_tb(error.__traceback__)[-1]
        yield Failed(asking.entity.key, f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})")
