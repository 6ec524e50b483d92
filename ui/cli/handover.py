"""`guanxi user handover`: what is a person's goes to others when they leave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from engine import SYSTEM, Assignment, GuanxiError, Handover, HandoverPlan, Handovers, Message, Person, Site
from ui.cli.command import DONE, SOME_FAILED, Command, Face, Option, pass_face, shared


@click.command("handover", cls=Command)
@shared
@click.argument("person")
@click.option("--to", "successors", multiple=True, help="Who gets everything; several share it evenly.", cls=Option)
@click.option(
    "--entity", "entities", multiple=True, metavar="E=WHO", help="Who gets one kind of record: lead=anna@x.example.",
    cls=Option,
)  # fmt: skip
@click.option(
    "--segment", "segments", type=(str, str, str), multiple=True, metavar="E CONDITION WHO",
    help="Who gets those that a condition fits.", cls=Option,
)  # fmt: skip
@click.option("--keep", multiple=True, metavar="E", help="A kind of record that stays with the person.", cls=Option)
@click.option("--keep-enabled", is_flag=True, help="Leave the account open.", cls=Option)
@click.option("--dry-run", is_flag=True, help="Only say what would happen.", cls=Option)
@click.option("--continue", "carry_on", is_flag=True, help="Finish a hand-over that was interrupted.", cls=Option)
@click.option("--undo", is_flag=True, help="Take the last hand-over of the person back.", cls=Option)
@pass_face
def handover(  # noqa: PLR0913 - one option each
    face: Face,
    person: str,
    successors: tuple[str, ...],
    entities: tuple[str, ...],
    segments: tuple[tuple[str, str, str], ...],
    keep: tuple[str, ...],
    *,
    keep_enabled: bool,
    dry_run: bool,
    carry_on: bool,
    undo: bool,
) -> int:
    """Give what a person has to others, close the account, and say what is left; `--undo` brings it all back."""
    with face.site(published=True) as site:
        handovers, leaver = Handovers(site.records, site.identity), site.identity.find(person)
        if undo:
            return _undo(face, handovers, leaver)
        if carry_on:
            begun = _last(handovers, leaver, "running")
            return _tell(face, handovers, leaver, _run(face, handovers, begun))
        plan = handovers.plan(SYSTEM, leaver.id)
        assignments = _assignments(site, plan, successors, entities, segments, keep)
        if dry_run:
            return _preview(face, site, handovers, leaver, assignments)
        begun = handovers.begin(SYSTEM, leaver.id, assignments, keep_enabled=keep_enabled, via="command")
        return _tell(face, handovers, leaver, _run(face, handovers, begun))


def _assignments(
    site: Site,
    plan: HandoverPlan,
    successors: Iterable[str],
    entities: Iterable[str],
    segments: Iterable[tuple[str, str, str]],
    keep: tuple[str, ...],
) -> list[Assignment]:
    """Return what the options say, for each kind of record that the person has.

    Raises:
        GuanxiError: nobody gets some of them, or an option names what there is not.
    """

    def people(text: str) -> tuple[str, ...]:
        return tuple(site.identity.find(each.strip()).id for each in text.split(",") if each.strip())

    everything = tuple(each for text in successors for each in people(text))
    own: dict[str, tuple[str, ...]] = {}
    for text in entities:
        key, equals, who = text.partition("=")
        if not equals:
            raise GuanxiError(Message("{text} is not of the kind lead=anna@x.example", text=repr(text)))
        own[key.strip()] = own.get(key.strip(), ()) + people(who)
    found = [Assignment(key, people(who), condition) for key, condition, who in segments]
    known = {part.key for part in plan.parts}
    # What is named but not there is told by the engine, which knows all that could be.
    found += [Assignment(key, who) for key, who in own.items() if key not in known]
    missing = []
    for part in plan.parts:
        if part.key in keep:
            found.append(Assignment(part.key, keep=True))
            continue
        to = own.get(part.key) or (everything if part.belonging.hold != "list" else ())
        if not to and part.belonging.hold == "owner":
            missing.append(part.key)
        found.append(Assignment(part.key, to))
    if missing:
        raise GuanxiError(
            Message("Say who gets {kinds}: --to WHO, --entity {first}=WHO, or --keep {first}",
                    kinds=", ".join(missing), first=missing[0])
        )  # fmt: skip
    return found


def _run(face: Face, handovers: Handovers, begun: Handover) -> Handover:
    with face.progress(Message("Handing over"), max(begun.expected, begun.moved)) as move:
        known = begun.moved
        move(known)

        def tell(made: Handover) -> None:
            nonlocal known
            move(made.moved - known)
            known = made.moved

        return handovers.finish(SYSTEM, begun, via="command", progress=tell)


def _preview(face: Face, site: Site, handovers: Handovers, leaver: Person, assignments: list[Assignment]) -> int:
    found = handovers.preview(SYSTEM, leaver.id, assignments)
    for each in found:
        who = ", ".join(f"{site.identity.find(to).name} ({number})" for to, number in each.each) or "—"
        if each.assignment.keep:
            who = face.words(Message("stays with {name}", name=leaver.name))
        where = f" [{each.assignment.where}]" if each.assignment.where else ""
        face.say(f"{each.assignment.key}{where}: {each.number} → {who}")
        for warning in each.warnings:
            face.say(f"  {face.words(warning)}")
    face.answer(
        [
            {
                "entity": each.assignment.key,
                "where": each.assignment.where,
                "number": each.number,
                "to": dict(each.each),
                "warnings": [face.words(warning) for warning in each.warnings],
            }
            for each in found
        ]
    )
    return DONE


def _tell(face: Face, handovers: Handovers, leaver: Person, made: Handover) -> int:
    left = handovers.remaining(SYSTEM, leaver.id)
    face.say(Message("{count} records were given away", count=made.moved))
    if made.disabled:
        face.say(Message("The account of {name} is closed", name=leaver.name))
    for entity, id_, why in made.progress.left:
        face.say(f"  {entity} {id_}: {face.words(why)}", error=True)
    for each in left:
        kind = f"{face.words(each.entity.plural)} ({face.words(each.field)})"
        face.say(Message("Still with {name}: {count} {kind}: {why}", name=leaver.name, count=each.number, kind=kind,
                         why=each.why))  # fmt: skip
    face.say(Message("`guanxi user handover {person} --undo` takes it back", person=leaver.email or leaver.name))
    answer: dict[str, Any] = {
        "id": made.id,
        "moved": made.progress.moved,
        "closed": made.disabled,
        "left": [{"entity": e, "id": i, "why": face.words(why)} for e, i, why in made.progress.left],
        "remaining": [
            {"entity": each.entity.key, "field": face.words(each.field), "number": each.number,
             "why": face.words(each.why)}
            for each in left
        ],
    }  # fmt: skip
    face.answer(answer)
    return SOME_FAILED if made.progress.left_count else DONE


def _last(handovers: Handovers, leaver: Person, *states: str) -> Handover:
    for each in handovers.of(SYSTEM, leaver.id):
        if each.state in states:
            return each
    raise GuanxiError(Message("There is no such hand-over of {name}", name=leaver.name))


def _undo(face: Face, handovers: Handovers, leaver: Person) -> int:
    report = handovers.undo(SYSTEM, _last(handovers, leaver, "running", "done").id, via="command")
    face.say(Message("{count} records are as they were before", count=report.undone))
    for each in report.kept:
        face.say(f"  {each.entity} {each.title}: {face.words(each.why)}", error=True)
    face.answer({"undone": report.undone, "kept": [{"entity": each.entity, "id": each.id} for each in report.kept]})
    return DONE
