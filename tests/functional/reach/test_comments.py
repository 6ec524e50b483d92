"""Who reads a record reads what is said about it, and nobody else does, however they ask."""

from collections.abc import Callable
from typing import Any

import pytest

from engine import SYSTEM, AccessDenied, Change, NotFound, Principal, Query, Reader
from engine.data.query import Aggregate
from engine.expression import parse
from tests.functional.reach.world import World


def comment(world: World, who: Principal, entity: str, record: str, text: str) -> str:
    """Say something about a record, and return the id of what was said."""
    given = {"record_entity": entity, "record_id": record, "body": text}
    return world.records.create(who, "comment", [given])[0].id


def told(world: World, user: str) -> set[str]:
    """Return the ids of the comments that somebody reads."""
    return world.seen(user, "comment")


def test_comments_are_read_by_whom_their_record_is_read_by(world: World) -> None:
    ann, bob, mary = (world.person(f"co-{name}", role) for name, role in (("a", "rep"), ("b", "rep"), ("m", "reader")))
    account, deal = world.add("account", ann), world.add("deal", ann)
    on_account = comment(world, world.who(ann), "account", account, "Pays late")
    on_deal = comment(world, SYSTEM, "deal", deal, "Wants a discount")

    assert {on_account, on_deal} <= told(world, ann)
    assert told(world, bob).isdisjoint({on_account, on_deal})
    assert told(world, mary) & {on_account, on_deal} == {on_account}

    world.records.share(SYSTEM, "deal", deal, "user", bob)

    assert told(world, bob) & {on_account, on_deal} == {on_deal}


def test_who_loses_a_record_loses_its_comments_their_own_words_included(world: World) -> None:
    ann, bob = world.person("co-lose", "rep"), world.person("co-gain", "rep")
    account = world.add("account", ann)
    said = comment(world, world.who(ann), "account", account, "Mine")

    world.records.update(SYSTEM, "account", [Change(account, {"owner": bob})])

    assert said not in told(world, ann)
    assert said in told(world, bob)
    with pytest.raises(NotFound):
        world.update(ann, "comment", said, {"body": "Changed"})
    with pytest.raises(AccessDenied):
        world.update(bob, "comment", said, {"body": "Changed"})
    with pytest.raises(AccessDenied):
        comment(world, world.who(ann), "account", account, "Once more")


def counted(reader: Reader, where: str) -> int:
    """Return how many comments there are by the numbers of a report."""
    [found] = reader.aggregate(Query("comment", aggregates=(Aggregate("count"),), where=parse(where))).dicts()
    return int(found["count()"])


ASKED: dict[str, Callable[[Any, str], Any]] = {
    "record": lambda reader, said: reader.record("comment", said),
    "filter": lambda reader, said: reader.query(Query("comment", ("id",), where=parse("body == 'Secret words'"))).ids,
    "numbers": lambda reader, said: counted(reader, f"id == '{said}'"),
    "history": lambda reader, said: reader.history("comment", said),
}


@pytest.mark.parametrize("way", list(ASKED))
def test_no_question_finds_a_comment_on_a_record_out_of_reach(world: World, way: str) -> None:
    ann, bob = world.person(f"co-{way}", "rep"), world.person(f"co-{way}-2", "rep")
    said = comment(world, world.who(ann), "account", world.add("account", ann), "Secret words")

    with world.reading(world.who(ann)) as reader:
        assert ASKED[way](reader, said)
    with world.reading(world.who(bob)) as reader:
        try:
            found = ASKED[way](reader, said)
        except (NotFound, AccessDenied):
            found = []
    assert not found


def test_a_restriction_of_a_record_holds_for_its_comments(world: World) -> None:
    bound, boss = world.person("co-bound", "bound"), world.person("co-boss", "boss")
    cheap, dear = world.put("account", {"amount": "50"}), world.put("account", {"amount": "500"})
    said = {each: comment(world, SYSTEM, "account", each, "Said") for each in (cheap, dear)}

    assert told(world, bound) & set(said.values()) == {said[cheap]}
    assert set(said.values()) <= told(world, boss)


def test_a_comment_on_nothing_is_nobodys_but_of_who_reads_everything(world: World) -> None:
    ann, boss = world.person("co-nothing", "rep"), world.person("co-all", "boss")
    for entity, record in (("nothing", "1"), ("account", "no id at all"), ("comment", "1")):
        said = comment(world, SYSTEM, entity, record, "To whom?")
        assert said not in told(world, ann)
        assert said in told(world, boss)
        with pytest.raises(AccessDenied):
            comment(world, world.who(ann), entity, record, "To whom?")
