"""Notices by mail: at once or once a day, never in quiet hours, and only of what may be seen at that moment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.data.principal import Principal
from engine.data.reader import Reader
from engine.errors import GuanxiError, SignInNeeded
from engine.i18n import Message
from engine.jobs import Jobs, Run, Task
from engine.mail import Letter, Post
from engine.metadata.model import Model
from engine.notices.notices import Notices, ToldNotice, tell
from engine.notices.rows import Notice
from engine.notices.settings import NoticeSettings, local_clock
from engine.storage.database import Database

TASK = "notice_mails"
_LOOK_S = 30.0
_MOST = 50
"""Notices that one mail tells."""
_PATIENCE = timedelta(seconds=20)
"""How old a notice is before it goes out: who is on the site just now has read it by then."""
_log = logging.getLogger(__name__)


class NoticeMails:
    """Sends what people want to be told by mail.

    Args:
        database: where the rows are.
        notices: the notices of the site.
        read: opens a reader in a transaction for a person.
        person: returns the person of an id, or refuses one who may not sign in.
        post: takes mails.
        address: where people reach the site, for links.
    """

    def __init__(
        self,
        database: Database,
        notices: Notices,
        read: Callable[[Connection, Principal], Reader],
        person: Callable[[str], Principal],
        post: Post,
        address: str | None,
    ) -> None:
        self._database, self._rows = database, notices.rows
        self._read, self._person, self._post = read, person, post
        self._address = (address or "").rstrip("/")

    def register(self, jobs: Jobs) -> None:
        """Let workers send what is due."""

        def work(run: Run) -> None:
            run.finish({"sent": self.send_due()})

        def look() -> None:
            if self._due(clock.now()):
                jobs.enqueue(TASK, {}, actor=None, title=Message("Send notices by mail"), key=TASK)

        jobs.register(Task(TASK, work, Message("Send notices by mail"), attempts=2, concurrency=1))
        jobs.watches.append((_LOOK_S, look))

    def send_due(self, now: datetime | None = None) -> int:
        """Put every mail that is due into the outbox; return how many there were."""
        at, sent = now or clock.now(), 0
        for user_id, mail in self._due(at):
            sent += self._send(user_id, mail)
        if sent:
            self._post.nudge()
        return sent

    def _due(self, now: datetime) -> list[tuple[str, str]]:
        """Return (person, now or daily) of those to whom a mail may go out at a moment."""
        with self._database.read() as connection:
            waiting = self._rows.due(connection)
            settings = self._rows.settings(connection, (each for each, _mail, _since in waiting))
        found = []
        for user_id, mail, since in waiting:
            if now - since < _PATIENCE:
                continue
            try:
                person = self._person(user_id)
            except SignInNeeded:
                continue
            wanted, zone = settings[user_id], person.timezone
            due = mail == "now" or _digest_is_due(wanted, zone, since, now)
            if due and not wanted.is_quiet(now, zone):
                found.append((user_id, mail))
        return found

    def _send(self, user_id: str, mail: str) -> int:
        person = self._person(user_id)
        if not person.email:
            return 0
        with self._database.write() as connection:
            waiting = self._rows.to_mail(connection, user_id, mail, _MOST)
            mine = set(self._rows.mailed(connection, [each.id for each in waiting]))
            reader = self._read(connection, person)
            told = tell(reader, [each for each in waiting if each.id in mine])
            if not told:
                return 0
            try:
                letter = self._letter(reader.model, told)
                words = letter.mail(person.email, person.name, person.language, user_id=user_id)
                self._post.put(connection, words)
            except GuanxiError:
                _log.warning("notices cannot be mailed to %s", user_id)
                return 0
        return 1

    def _letter(self, model: Model, told: Sequence[ToldNotice]) -> Letter:
        lines = [self._line(model, each) for each in told]
        first = told[0].notice
        place = "/login/account/notices"
        if len(told) == 1 and first.entity is not None and first.record_id is not None:
            place = f"/{first.entity}/{first.record_id}"
        subject = lines[0] if len(told) == 1 else Message("{count} notices for you", count=len(told))
        button = (Message("Look at it"), f"{self._address}{place}") if self._address else None
        after = [Message("You can choose what you are told, and how, in your settings on the site.")]
        return Letter("notice", subject, lines, button, after)

    def _line(self, model: Model, told: ToldNotice) -> Message:
        said = notice_sentence(model, told)
        return Message("{said} “{words}”", said=said, words=told.words) if told.words else said


def notice_sentence(model: Model, told: ToldNotice) -> Message:
    """Return what a notice says, in one sentence."""
    each = told.notice
    who: Any = told.actor or Message("The system")
    entity = model.entities.get(each.entity or "")
    what: Any = told.title
    if entity is not None and each.number > 1:
        many = {
            "assigned": Message("{who} made {count} {plural} yours", who=who, count=each.number, plural=entity.plural),
            "moved": Message("{who} moved {count} {plural} on", who=who, count=each.number, plural=entity.plural),
        }
        return many.get(each.kind) or Message(
            "{who}: {count} {plural}", who=who, count=each.number, plural=entity.plural
        )
    return _one(model, each, who, what)


def _one(model: Model, each: Notice, who: Any, what: Any) -> Message:
    if each.kind == "moved":
        return Message("{who} moved {what} to {state}", who=who, what=what, state=_state(model, each))
    if each.kind == "job":
        ended = each.details.get("state") == "done"
        return Message("Your job is done") if ended else Message("Your job failed")
    sentences: Mapping[str, Message] = {
        "mention": Message("{who} mentioned you on {what}", who=who, what=what),
        "comment": Message("{who} commented on {what}", who=who, what=what),
        "assigned": Message("{who} made {what} yours", who=who, what=what),
        "shared": Message("{who} shared {what} with you", who=who, what=what),
    }
    return sentences.get(each.kind) or Message("{who}: {what}", who=who, what=what)


def _state(model: Model, each: Notice) -> Any:
    entity = model.entities.get(each.entity or "")
    key = str(each.details.get("to"))
    if entity is None or entity.states is None:
        return key
    option = entity.fields[entity.states.field].choices.get(key)
    return option.label if option is not None else key


def _digest_is_due(settings: NoticeSettings, timezone: str, since: datetime, now: datetime) -> bool:
    """Say whether the time of the daily mail has come since something was written."""
    if now - since >= timedelta(days=1):
        return True
    before, after = local_clock(since, timezone), local_clock(now, timezone)
    at = settings.digest_at
    return before < at <= after if before <= after else at > before or at <= after
