"""The section of one's account about being away: who stands in from when to when, and for whom one stands in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import g, request

from engine import Away, Call, Literal, Message, Path, Principal, Reader, RecordInvalid, conjunction, now
from ui.asking import language, site
from ui.frame import notice, words
from ui.pages.principals import found_by, matching
from ui.widgets.inputs import Input
from ui.widgets.moments import day_writer, zone

CHOICES = "/login/account/away/people"
_MOST_TOLD = 5
"""Absences that are told when their deputy signs in; the account page has all."""


@dataclass(slots=True)
class Posted:
    """What the form said, and what is wrong with it."""

    sent: bool = False
    deputy: str | None = None
    first: date | None = None
    last: date | None = None
    problems: dict[str, str] = field(default_factory=dict)
    """Field -> what is wrong, in the reader's language."""
    unknown: str = ""
    """Why the deputy that was typed is nobody; "" when one was found."""

    def refuse(self, refused: RecordInvalid) -> None:
        """Take what the engine has against it; of a name that is nobody's, why it is not."""
        for each in refused.problems:
            self.problems.setdefault(each.path, each.message.in_(language()))
        if self.unknown:
            self.problems["deputy"] = self.unknown


@dataclass(frozen=True, slots=True)
class Told:
    """One absence in the reader's language."""

    words: str
    days: str
    now: bool


@dataclass(frozen=True, slots=True)
class Section:
    """What the section shows."""

    own: Told | None
    """None for who is here, and has not said that they will be away."""
    others: Sequence[Told]
    inputs: Sequence[Input]


def section(reader: Reader, own: Away | None, others: Iterable[Away], posted: Posted) -> Section:
    """Return the section with what is written down, or with what was posted and is wrong."""
    known = own if own is not None and own.state != "none" else None
    this_year = reader.access.env()["today"].year
    deputy = known_name = ""
    if own is not None and own.deputy_id is not None:
        deputy, known_name = f"user/{own.deputy_id}", own.deputy
    title = known_name
    days = ["" if each is None else each.isoformat() for each in ((known.first, known.last) if known else ())]
    first, last = days or ("", "")
    if posted.sent:
        deputy, title, known_name = (request.form.get(f"{mark}deputy", "") for mark in ("id-", "", "title-"))
        first, last = (request.form.get(key, "") for key in ("absent_from", "absent_until"))
    wrong = {key: (problem,) for key, problem in posted.problems.items()}
    inputs = (
        Input(
            "deputy", "link", words("Deputy"), deputy, title=title, known=known_name, address=CHOICES, required=True,
            problems=wrong.get("deputy", ()),
        ),
        Input(
            "absent_from", "date", words("Away from"), first, required=True, problems=wrong.get("absent_from", ()),
        ),
        Input(
            "absent_until", "date", words("Away until"), last, problems=wrong.get("absent_until", ()),
            help=words("The last day; empty means until further notice."),
        ),
    )  # fmt: skip
    mine = None
    if known is not None:
        sentence = words("{name} stands in for you", name=known.deputy) if known.deputy else ""
        mine = _told(known, sentence or words("Nobody stands in for you"), this_year)
    theirs = [_told(each, words("You stand in for {name}", name=each.name), this_year) for each in others]
    return Section(mine, theirs, inputs)


def _told(away: Away, sentence: str, this_year: int) -> Told:
    write = day_writer(language())
    first = write(away.first, this_year) if away.first is not None else ""
    if away.last is None:
        days = words("From {first} until further notice", first=first)
    else:
        days = words("From {first} to {last}", first=first, last=write(away.last, this_year))
    return Told(sentence, days, away.state == "now")


def choices(reader: Reader) -> list[tuple[str, str]]:
    """Return ("user/<id>", name) of who could stand in and whose name holds what was typed."""
    # A program cannot stand in, and nobody does for themselves.
    asked = [Call("!=", (Path(("id",)), Literal(reader.principal.id)))]
    if reader.access.mask("user").get("kind") in {"read", "write"}:
        asked.append(Call("!=", (Path(("kind",)), Literal("service"))))
    typed = request.args.get("q", "").strip()
    return matching(reader, typed, ("user",), besides=conjunction(*asked))


def read_form(reader: Reader) -> Posted:
    """Return what was posted; days that are none are told at once, all else is for the engine to judge."""
    posted = Posted(sent=True)
    form = request.form
    if form.get("deputy", "").strip():
        kind, id_, wrong = found_by(reader, {**form, "kind-deputy": "user"}, "deputy")
        if wrong is not None:
            posted.unknown = wrong.in_(language())
        elif kind == "user" and id_ in reader.readable("user", (id_,)):
            posted.deputy = id_
        else:
            # Another kind, or somebody of whom who asks may not know: the two are not told apart.
            posted.unknown = words("There is nobody called {name}", name=form["deputy"].strip())
    for name, key in (("absent_from", "first"), ("absent_until", "last")):
        typed = form.get(name, "").strip()
        try:
            setattr(posted, key, date.fromisoformat(typed) if typed else None)
        except ValueError:
            posted.problems[name] = words("This is no date; write 2026-12-31")
    if posted.problems and posted.unknown:
        posted.problems["deputy"] = posted.unknown
    return posted


def warn(kept: Away, deputy: Away | None) -> None:
    """Say so when the deputy is away meanwhile: what was lent is not passed on."""
    if deputy is None or deputy.state == "none" or deputy.first is None or kept.first is None:
        return
    after = kept.last is not None and deputy.first > kept.last
    before = deputy.last is not None and deputy.last < kept.first
    if not (after or before):
        notice(Message("{name} is away then too, for part of it or all the time", name=deputy.name), "warning")


def tell_deputy(principal: Principal) -> None:
    """Say to who has just signed in for whom they stand in now."""
    if not principal.absences or principal.id is None:
        return
    # From here on it is they who are spoken to, in their language.
    g.principal = principal
    write, this_year = day_writer(language()), now().astimezone(zone(principal.timezone)).year
    known = [each for each in site().identity.stands_in(principal.id) if each.state == "now"]
    for each in known[:_MOST_TOLD]:
        if each.last is None:
            notice(Message("You stand in for {name} until further notice", name=each.name), "info")
        else:
            day = write(each.last, this_year)
            notice(Message("You stand in for {name} until {day}", name=each.name, day=day), "info")
