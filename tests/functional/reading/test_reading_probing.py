"""Nobody learns anything of a field that is hidden from them, however they ask; nor the value of a masked one."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

from engine.data.feed import Feed, changes_after
from engine.data.principal import SYSTEM, Principal
from engine.data.query import Aggregate, Bucket, Query, orders
from engine.data.reader import Reader
from engine.errors import GuanxiError, QueryInvalid
from engine.expression import parse
from engine.ids import new_id
from engine.storage.database import run
from tests.functional.reading.world import SITE, World, model_of

Cast = tuple[World, dict[str, Principal], dict[str, str]]

MORE = """
---
entity: note
title: text
fields:
  text: {type: text, search: high}
  deal: {type: lookup, to: deal, on_delete: clear}
  secret_link: {type: lookup, to: deal, on_delete: clear}
  cost: {type: reference, of: deal, field: cost}
  phone: {type: reference, of: deal, field: phone}
---
role: prober
grants:
  deal:
    read: all
    fields:
      {cost: hidden, company: hidden, helpers: hidden, items: hidden, phone: masked, email: masked, watcher: masked}
  company: {read: all}
  user: {read: all}
  note: {read: all, fields: {secret_link: hidden}}
---
role: blind
grants:
  note: {read: all}
"""


@pytest.fixture(scope="module")
def cast(reading_url: str) -> Any:
    world = World(reading_url, model_of(SITE + MORE))
    people = {name: world.person(name, name) for name in ("prober", "blind", "boss")}
    ids = {}
    [ids["company"]] = world.add("company", [{"name": "Acme"}])
    row = {
        "name": "one",
        "cost": Decimal(7),
        "company": ids["company"],
        "phone": "13812345678",
        "email": "x@y.cn",
        "note": "n",
    }
    [ids["deal"]] = world.add("deal", [{**row, "watcher": people["boss"].id, "helpers": (people["boss"].id,)}])
    [ids["item"]] = world.add("deal_item", [{"what": "x", "deal": ids["deal"]}])
    [ids["note"]] = world.add("note", [{"text": "t", "deal": ids["deal"], "secret_link": ids["deal"]}])
    yield world, people, ids
    world.database.dispose()


def refused(cast: Cast, who: str, ask: Callable[[Reader], object]) -> str:
    world, people, _ = cast
    with world.reading(people[who]) as reader, pytest.raises(QueryInvalid) as error:
        ask(reader)
    problems = [str(problem.message) for problem in error.value.problems]
    return "; ".join([str(error.value.message), *problems])


def _selects(path: str) -> Callable[[Reader], object]:
    return lambda reader: reader.query(Query("note", select=(path,)))


def _related(deal: str, relation: str) -> Callable[[Reader], object]:
    return lambda reader: reader.related("deal", deal, relation)


WAYS: dict[str, Callable[[str], Callable[[Reader], object]]] = {
    "select": lambda path: lambda reader: reader.query(Query("deal", select=(path,))),
    "record": lambda path: lambda reader: reader.record("deal", new_id(), (path,)),
    "where": lambda path: lambda reader: reader.query(Query("deal", where=parse(f"{path} == {path}"))),
    "where none": lambda path: (
        lambda reader: reader.query(Query("deal", where=parse(f"name == 'x' or {path} is not None")))
    ),
    "count": lambda path: lambda reader: reader.count(Query("deal", where=parse(f"{path} is None"))),
    "order": lambda path: lambda reader: reader.query(Query("deal", order_by=orders([path]))),
    "order down": lambda path: lambda reader: reader.query(Query("deal", order_by=orders([f"-{path}"]))),
    "group": lambda path: lambda reader: reader.aggregate(Query("deal", group_by=(Bucket(path),))),
    "number": lambda path: lambda reader: reader.aggregate(Query("deal", aggregates=(Aggregate("max", path),))),
    "counted": lambda path: lambda reader: reader.aggregate(Query("deal", aggregates=(Aggregate("count", path),))),
    "from a company": lambda path: (
        lambda reader: reader.query(Query("company", where=parse(f"any(deals, {path} is None)")))
    ),
    "along a link": lambda path: lambda reader: reader.query(Query("note", where=parse(f"deal.{path} is None"))),
    "along a link, shown": lambda path: lambda reader: reader.query(Query("note", select=(f"deal.{path}",))),
}


@pytest.mark.parametrize("hidden", ["cost", "company.name", "company.industry", "helpers.name"])
@pytest.mark.parametrize("way", WAYS)
def test_a_hidden_field_is_refused_with_the_words_for_one_that_is_not_there(cast: Cast, way: str, hidden: str) -> None:
    first, _, rest = hidden.partition(".")
    missing = f"nothing.{rest}" if rest else "nothing"

    assert refused(cast, "prober", WAYS[way](hidden)).replace(first, "nothing") == refused(
        cast, "prober", WAYS[way](missing)
    )


MASKED = (
    "where",
    "where none",
    "count",
    "order",
    "order down",
    "group",
    "number",
    "counted",
    "from a company",
    "along a link",
)


@pytest.mark.parametrize("way", MASKED)
@pytest.mark.parametrize("field", ["phone", "email"])
def test_a_masked_field_can_be_shown_but_neither_compared_nor_sorted_by(cast: Cast, way: str, field: str) -> None:
    assert "masked" in refused(cast, "prober", WAYS[way](field))


def test_a_masked_field_is_shown_as_a_mark_wherever_it_is_read(cast: Cast) -> None:
    world, people, ids = cast
    with world.reading(people["prober"]) as reader:
        row = reader.record("deal", ids["deal"])
        assert (row.json()["phone"], row.json()["email"], row.json()["watcher"]) == ("138••••5678", "••••@y.cn", "••••")
        assert row.columns.masked == {"phone", "email", "watcher", "pin"}
        assert reader.record("note", ids["note"], ("phone", "deal.phone")).json() == {
            "phone": "138••••5678",
            "deal.phone": "138••••5678",
        }
        assert "13812345678" not in str(row.raw)


def test_a_link_that_is_masked_leads_nowhere(cast: Cast) -> None:
    assert "watcher.name" in refused(cast, "prober", WAYS["select"]("watcher.name"))


@pytest.mark.parametrize("text", ["any(items, price > 1)", "count(helpers) > 0", "any(company.deals, name == 'one')"])
def test_hidden_relations_are_not_there(cast: Cast, text: str) -> None:
    message = refused(cast, "prober", lambda reader: reader.query(Query("deal", where=parse(text))))
    assert message.startswith("There is no field")


def test_hidden_relations_have_no_related_lists_and_no_choices(cast: Cast) -> None:
    _, _, ids = cast
    for relation in ("items", "helpers", "nothing"):
        assert refused(cast, "prober", _related(ids["deal"], relation)) == f"There is no field {relation}"
    assert refused(cast, "blind", lambda reader: reader.options("deal", "company")) == "There is no field company"


def test_the_relation_behind_a_hidden_link_is_not_there(cast: Cast) -> None:
    world, _, ids = cast
    key = next(key for key, each in world.model.entity("deal").relations.items() if each.field == "secret_link")
    assert (
        refused(cast, "prober", lambda reader: reader.related("deal", ids["deal"], key)) == f"There is no field {key}"
    )
    text = f"count({key}) > 0"
    assert refused(cast, "prober", lambda reader: reader.query(Query("deal", where=parse(text)))).startswith(
        "There is no field"
    )


def test_a_reference_shows_no_more_than_its_target(cast: Cast) -> None:
    for select in ("cost", "deal.cost"):
        assert refused(cast, "prober", _selects(select)) == f"There is no field {select}"


def test_without_a_grant_of_the_entity_only_titles_are_seen_along_links(cast: Cast) -> None:
    world, people, ids = cast
    with world.reading(people["blind"]) as reader:
        assert reader.record("note", ids["note"], ("deal", "deal.name")).json() == {
            "deal": ids["deal"],
            "deal.name": "one",
        }
    for path in ("deal.amount", "deal.company.name", "cost", "phone"):
        assert refused(cast, "blind", _selects(path)) == f"There is no field {path}"


def test_suggestions_name_no_hidden_field(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["prober"]) as reader, pytest.raises(QueryInvalid) as error:
        reader.query(Query("deal", where=parse("costt == 1")))

    assert "cost" not in {str(problem.advice) for problem in error.value.problems if problem.advice}
    assert not any("cost?" in str(problem.advice) for problem in error.value.problems)


def test_default_columns_and_whole_records_leave_hidden_fields_out(cast: Cast) -> None:
    world, people, ids = cast
    with world.reading(people["prober"]) as reader:
        shown = {*reader.query(Query("deal")).paths, *reader.record("deal", ids["deal"]).json()}

    assert not {"cost", "company", "helpers", "items"} & shown
    assert "name" in shown


def test_history_leaves_hidden_fields_out_and_marks_masked_ones(cast: Cast) -> None:
    world, people, ids = cast
    mark = "?" if world.database.dialect == "sqlite" else "%s"
    changes = {
        "cost": [None, "7.00"],
        "phone": [None, "13812345678"],
        "name": [None, "one"],
        "pin": ["a", "b"],
        "gone": [1, 2],
    }
    with world.database.write() as connection:
        columns = "entity, record_id, version, action, changes, actor_id, via, at"
        for version in (1, 2, 3):
            values = (
                "deal",
                ids["deal"],
                version,
                "updated",
                orjson.dumps(changes).decode(),
                people["boss"].id,
                "api",
                "2026-03-15T09:30:00.000Z",
            )
            run(connection, f"INSERT INTO record_change ({columns}) VALUES ({', '.join([mark] * 8)})", values)

    with world.reading(people["prober"]) as reader:
        first = reader.history("deal", ids["deal"], limit=2)
        rest = reader.history("deal", ids["deal"], limit=2, cursor=first.next_cursor)

    assert [entry.version for entry in (*first, *rest)] == [3, 2, 1]
    assert rest.next_cursor is None
    assert first[0].json()["changes"] == {
        "name": [None, "one"],
        "phone": [None, "138••••5678"],
        "pin": ["••••", "••••"],
    }
    assert (first[0].actor, first[0].via) == ("boss", "api")


def settled(world: World) -> int:
    """Return the number of the last change, once nothing before it can show up any more."""
    feed = Feed(world.database)
    for _ in range(100):
        if feed.settled() == feed.newest():
            return feed.newest()
    raise AssertionError("the feed never told of what was written")


def test_history_and_the_feed_tell_of_readable_records_only(cast: Cast) -> None:
    world, people, ids = cast
    end = settled(world)
    with world.reading(people["blind"]) as reader:
        with pytest.raises(GuanxiError):
            reader.history("deal", ids["deal"])
        assert changes_after(reader, 0, end).entries == ()
    with world.reading(people["prober"]) as reader:
        page = changes_after(reader, 0, end, limit=2)
        assert ([entry.record_id for entry in page.entries], page.more) == ([ids["deal"]] * 2, True)
        rest = changes_after(reader, page.next, end)
        assert ([entry.version for entry in rest.entries], rest.more) == ([3], False)
        assert "cost" not in page.entries[0].json()["changes"]


def test_a_token_for_one_entity_sees_no_feed_of_another(cast: Cast) -> None:
    world, people, _ = cast
    token = replace(people["boss"], scopes=frozenset({"company:read"}))
    with world.reading(token) as reader:
        assert changes_after(reader, 0, settled(world)).entries == ()


def test_the_system_sees_what_is_hidden_but_no_secret(cast: Cast) -> None:
    world, _, ids = cast
    with world.reading(SYSTEM) as reader:
        assert reader.record("deal", ids["deal"], ("cost", "phone")).json() == {"cost": "7.00", "phone": "13812345678"}
        with pytest.raises(QueryInvalid):
            reader.query(Query("deal", where=parse("pin == 'a'")))
