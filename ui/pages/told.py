"""What happened to a record, in the reader's words: entries by day, ready for the page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from engine import (
    SIGNS,
    ChangeEntry,
    Entity,
    Happening,
    Happenings,
    Locale,
    Message,
    Reader,
    activity_fields,
)
from ui.pages.history import ACTIONS, value_said
from ui.widgets.cells import option_markup
from ui.widgets.moments import day_writer, moment_writer, zone
from ui.widgets.talk import talk

_MOST_CHANGES = 6
_SHORT = 120
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})
_KB = 1024


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign beside a comment."""

    key: str
    shown: str
    label: str
    number: int
    mine: bool
    people: str
    """Names of those who put it there."""


@dataclass(frozen=True, slots=True)
class Line:
    """One field that changed."""

    label: str
    before: str
    after: str


@dataclass(slots=True)
class Entry:
    """One thing that happened."""

    kind: str
    id: str
    key: str
    """Fit for the id of an element."""
    icon: str
    who: str
    what: str
    """What they did, "" for a comment."""
    when: str
    iso: str
    day: str = ""
    """The day, where it is the first entry of it."""
    body: Markup | str = ""
    title: str = ""
    address: str = ""
    on: Sequence[tuple[str, str]] = ()
    """(address, name) of the records that it happened to, where those are others."""
    lines: Sequence[Line] = ()
    rest: int = 0
    """Changes that are not shown."""
    badges: Sequence[Markup] = ()
    due: str = ""
    late: bool = False
    picture: bool = False
    size: str = ""
    signs: Sequence[Sign] = ()
    may_change: bool = False
    may_delete: bool = False
    pinned: bool = False
    edited: bool = False
    public: bool = False
    """Of a comment: whether it may be shown outside."""
    version: int = 0
    """Of a file: which of several of its name it is; 0 where there is one alone."""
    versions: int = 0
    history: str = ""
    """Address of its versions."""
    answers: str = ""
    """Name of whose comment it answers."""
    step: tuple[str, str] | None = None
    """(address, label) of the step that closes an activity."""


@dataclass(slots=True)
class Teller:
    """Puts happenings into words for one reader."""

    reader: Reader
    record_id: str
    locale: Locale
    found: Happenings
    signs: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    pinned: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """user/<id>, team/<id> -> name, of those whom comments mention."""
    authors: Mapping[str, str] = field(default_factory=dict)
    """Comment -> who wrote it."""

    def entries(self, besides: Collection[str] = ()) -> list[Entry]:
        """Return the entries, the latest first, with each day said once; what the engine worked out is left out.

        `besides` are ids of activities that stand elsewhere on the page.
        """
        told = [
            entry
            for each in self.found.items
            if not (each.kind == "activity" and each.id in besides) and (entry := self._entry(each)) is not None
        ]
        told, before = _grouped(told), None
        for entry in told:
            day = self._local(datetime.fromisoformat(entry.iso)).date()
            if day != before:
                entry.day = self._day(day)
            before = day
        return told

    def _entry(self, each: Happening) -> Entry | None:
        make = {"comment": self.comment, "activity": self.activity, "file": self._file, "share": self._share}
        return make[each.kind](each) if each.kind in make else self._change(each)

    # --- kinds ------------------------------------------------------------------------------------------------------

    def comment(self, each: Happening) -> Entry:
        """Return a comment."""
        row: Mapping[str, Any] = each.body
        mentions = [self.names[key] for key in row.get("mentions") or () if key in self.names]
        entry = self._plain(each, "message-circle", "")
        entry.body = talk(row.get("body") or "", mentions)
        entry.signs = self._signs(each.id)
        entry.may_change, entry.may_delete = bool(row.get("may_update")), bool(row.get("may_delete"))
        entry.pinned = each.id in self.pinned
        entry.public = row.get("internal") is False
        entry.edited = row.get("version", 1) > 1
        entry.answers = self.authors.get(str(row.get("parent") or ""), "")
        return entry

    def activity(self, each: Happening) -> Entry:
        """Return an activity."""
        row, entity = each.body, self.reader.model.entity(each.entity)
        kept = activity_fields(entity)
        entry = self._plain(each, entity.icon or "calendar-event", "")
        entry.title = _title(entity, row, self.locale)
        entry.address = f"/{entity.key}/{each.id}"
        badges = [option_markup(entity.fields[key], row[key], self.locale.language, pill=True)
                  for key in (kept["kind"], kept["state"]) if key and row.get(key) is not None]  # fmt: skip
        entry.badges = badges
        due = row.get(kept["due"] or "")
        entry.due, entry.late = self._due(due), self._late(entity, row, due)
        words = " ".join(str(row.get(kept["words"] or "") or "").split())
        entry.body = words if len(words) <= _SHORT * 2 else f"{words[: _SHORT * 2 - 1]}…"
        step = closing(entity, row) if row.get("may_update") else None
        if step is not None and self.reader.access.may_make(step):
            entry.step = (f"/{entity.key}/{each.id}/transition/{step.key}", step.label.in_(self.locale.language))
        return entry

    def _file(self, each: Happening) -> Entry:
        body = each.body
        entry = self._plain(each, "paperclip", Message("attached a file"))
        entry.title, entry.address = body.name, f"/files/{each.id}/preview"
        entry.picture, entry.size = body.kind in _IMAGES, size_said(body.size)
        if body.versions > 1:
            entry.version, entry.versions = body.version, body.versions
        if body.field is None:
            entry.history = f"/{each.entity}/{each.record_id}/files/{each.id}/versions"
        entry.may_delete = body.field is None and body.by == self.reader.principal.id
        return entry

    def _share(self, each: Happening) -> Entry:
        body = each.body
        name = self.found.people.get(body.principal_id) or self.found.titles.get((body.kind, body.principal_id), "…")
        return self._plain(each, "share", Message("shared it with {name}", name=name))

    def _change(self, each: Happening) -> Entry | None:
        change: ChangeEntry = each.body
        entity = self.reader.model.entity(each.entity)
        own = [one for one in change.changes if not entity.fields[one.key].type.computed]
        if change.action == "update" and not own:
            return None  # What the engine worked out by itself is no news.
        state = entity.states.field if entity.states is not None else ""
        moved = next((one for one in own if one.key == state), None)
        icon = {"create": "circle-plus", "delete": "trash", "restore": "restore", "transition": "arrow-right"}
        entry = self._plain(each, icon.get(change.action, "pencil"), ACTIONS.get(change.action, Message(change.action)))
        lines = [] if change.action == "create" else [self._line(entity, one) for one in own if one is not moved]
        if moved is not None and change.action != "create":
            entry.icon = "arrow-right"
            entry.lines = [self._line(entity, moved)]
        entry.lines = [*entry.lines, *lines[:_MOST_CHANGES]]
        entry.rest = max(len(lines) - _MOST_CHANGES, 0)
        return entry

    def _line(self, entity: Entity, change: Any) -> Line:
        titles, locale = self.found.titles, self.locale
        return Line(
            entity.fields[change.key].label.in_(locale.language),
            value_said(titles, entity, change.key, change.before, locale, _SHORT),
            value_said(titles, entity, change.key, change.after, locale, _SHORT),
        )

    # --- parts ------------------------------------------------------------------------------------------------------

    def _plain(self, each: Happening, icon: str, what: Message | str) -> Entry:
        spoken = self.locale.language
        who = self.found.people.get(each.actor_id or "")
        if who is None and each.actor_id is not None:
            who = self.reader.titles("user", [each.actor_id]).get(each.actor_id)
        who = who or Message("The system").in_(spoken)
        said = what.in_(spoken) if isinstance(what, Message) else what
        when = self._local(each.at).strftime("%H:%M")
        entry = Entry(each.kind, each.id, f"{each.kind}-{each.id}", icon, who, said, when, each.at.isoformat())
        if each.record_id != self.record_id and each.kind != "activity":
            name = self.found.titles.get((each.entity, each.record_id))
            if name is not None:
                entry.on = [(f"/{each.entity}/{each.record_id}", name)]
        return entry

    def _signs(self, comment: str) -> list[Sign]:
        spoken, me, found = self.locale.language, self.reader.principal.id, self.signs.get(comment, {})
        return [
            Sign(key, shown, label.in_(spoken), len(people), me in people,
                 ", ".join(self.found.people.get(each, "…") for each in people[:20]))
            for key, (shown, label) in SIGNS.items()
            for people in (found.get(key, ()),)
        ]  # fmt: skip

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(zone(self.locale.timezone))

    def _day(self, day: date) -> str:
        today = self.reader.access.env()["today"]
        spoken = self.locale.language
        if day == today:
            return Message("Today").in_(spoken)
        if (today - day).days == 1:
            return Message("Yesterday").in_(spoken)
        return day_writer(spoken)(day, today.year)

    def _due(self, due: Any) -> str:
        if due is None:
            return ""
        year = self.reader.access.env()["today"].year
        if isinstance(due, datetime):
            return moment_writer(self.locale.language)(self._local(due), year)
        return day_writer(self.locale.language)(due, year)

    def _late(self, entity: Entity, row: Mapping[str, Any], due: Any) -> bool:
        if due is None or closing(entity, row) is None:
            return False
        env = self.reader.access.env()
        return bool(due < env["now"]) if isinstance(due, datetime) else bool(due < env["today"])


def _grouped(told: Sequence[Entry]) -> list[Entry]:
    """Return entries with those as one that somebody did alike, one after the other, to several other records."""
    found: list[Entry] = []
    for each in told:
        last = found[-1] if found else None
        alike = last is not None and (last.kind, last.who, last.what, last.iso[:16]) == (
            each.kind, each.who, each.what, each.iso[:16],
        )  # fmt: skip
        if (
            last is not None
            and alike
            and each.kind == "change"
            and each.on
            and last.on
            and not (each.lines or last.lines)
        ):
            last.on = [*last.on, *each.on]
        else:
            found.append(each)
    return found


def closing(entity: Entity, row: Mapping[str, Any]) -> Any:
    """Return the transition that closes an activity well; None for one that is closed, or that has no states."""
    states = entity.states
    if states is None or row.get(states.field) is None:
        return None
    choices = entity.fields[states.field].choices
    ahead = [each for each in states.transitions.values() if row[states.field] in each.sources]
    good = [each for each in ahead if each.to in choices and choices[each.to].color in {"green", "teal", "lime"}]
    order = list(choices)
    later = [each for each in good if order.index(each.to) > order.index(row[states.field])]
    return next(iter(later), None)


def size_said(size: int) -> str:
    """Return a number of bytes as people read it."""
    if size < _KB:
        return f"{size} B"
    if size < _KB * _KB:
        return f"{size / _KB:.0f} KB"
    return f"{size / _KB / _KB:.1f} MB"


def _title(entity: Entity, row: Mapping[str, Any], locale: Locale) -> str:
    value = row.get(entity.title)
    if value is None:
        return "—"
    title = entity.fields[entity.title]
    return value if isinstance(value, str) else title.type.display(value, title.options, locale)


def days(entries: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    """Return entries by day."""
    found: list[tuple[str, list[Entry]]] = []
    for each in entries:
        if each.day or not found:
            found.append((each.day, []))
        found[-1][1].append(each)
    return found
