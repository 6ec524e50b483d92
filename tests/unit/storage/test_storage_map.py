"""The storage map, and the names and tables made from it."""

import pytest

from engine.errors import NotFound
from engine.metadata.model import Model
from engine.storage.naming import fitted, free
from engine.storage.storage_map import Retired, StorageMap, StoredColumn, StoredEntities, StoredEntity
from engine.storage.tables import Tables

LEAD = StoredEntity(
    "crm_lead",
    {
        "id": StoredColumn("id", "uuid"),
        "amount": StoredColumn("amount__2", "decimal", 2, None, "money"),
        "account": StoredColumn("account", "uuid", 0, "crm_account", "lookup"),
        "total": StoredColumn("total", "integer", 0, None, "formula", "0123abcd"),
    },
    {"tags": "crm_lead__tags"},
    {"tags": "crm_tag"},
    ("ix_a", "ux_b"),
    ("name:high*",),
)
STORAGE = StorageMap(
    StoredEntities({}).updated({"lead": LEAD}),
    (
        Retired("column", "lead", "fax", "crm_lead", StoredColumn("fax", "text", 0, None, "text"), 3, "2026-01-31"),
        Retired("link", "lead", "friends", "crm_lead", None, 3, "2026-01-31", link="crm_lead__friends"),
        Retired("table", "old", "", "s_old", None, 4, "2026-01-31", StoredEntity("s_old", {}, {"x": "s_old__x"})),
    ),
    "1 sqlite CNY",
)


def test_a_map_comes_back_from_json_as_it_was() -> None:
    again = StorageMap.from_json(STORAGE.to_json())

    assert dict(again.entities) == {
        "lead": StoredEntity(
            LEAD.table,
            {**LEAD.columns, "id": StoredColumn("id", "uuid", 0, None, "uuid")},
            LEAD.links,
            LEAD.link_targets,
            LEAD.indexes,
            LEAD.search,
        )
    }
    assert again.rules == STORAGE.rules
    assert again.to_json() == STORAGE.to_json()


def test_all_tables_are_known_retired_ones_too() -> None:
    assert STORAGE.all_tables() == {"crm_lead", "crm_lead__tags", "crm_lead__friends", "s_old", "s_old__x"}
    assert STORAGE.tables == {"lead": "crm_lead"}
    assert STORAGE.columns["lead.amount"] == "amount__2"


def test_long_names_are_cut_and_stay_apart() -> None:
    one, two = fitted("t_" + "x" * 80 + "1"), fitted("t_" + "x" * 80 + "2")

    assert len(one) == len(two) == 60
    assert one != two
    assert free("name", {"name", "name__2"}) == "name__3"


def test_tables_are_made_of_the_map_by_field_key() -> None:
    model = Model(1, "", {}, {}, {}, {}, {}, {}, {})
    tables = Tables(model, STORAGE)

    table = tables.table("lead")

    assert table.name == "crm_lead"
    assert table.columns["amount"].name == "amount__2"
    assert tables.column("lead", "account") is table.columns["account"]
    assert tables.link("lead", "tags").columns.keys() == ["record_id", "target_id", "position"]
    assert tables.table("lead") is table
    for ask in (
        lambda: tables.table("nothing"),
        lambda: tables.column("lead", "nothing"),
        lambda: tables.link("lead", "amount"),
    ):
        with pytest.raises(NotFound):
            ask()
