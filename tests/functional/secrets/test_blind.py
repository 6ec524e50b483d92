"""Blind indexes: equal secrets are found and kept apart without being opened, by those who might reveal them."""

from pathlib import Path
from typing import Any

import pytest

from engine.data.principal import SYSTEM, Principal
from engine.data.query import Query
from engine.data.transfer import ImportOptions
from engine.errors import PlanRefused, QueryInvalid, RecordInvalid
from engine.expression import parse
from engine.site.secrets import encryption, reindex_keys, rotate_keys
from engine.site.site import Site
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

CARD = "11010519491231002X"
ROLES = """
role: clerk
label: Clerk
grants: {badge: {read: all, create: all, update: all, import: all}}
---
role: opener
label: Opener
grants: {badge: {read: all, fields: {id_card: reveal}}}
"""


def index(site: Site, word: str = "unique: true") -> None:
    """Publish `id_card` with an index."""
    folder = site.config.folder
    file = folder / "schemas" / "badge.yaml"
    text = file.read_text(encoding="utf-8")
    text = text.replace("id_card: {type: secret,", f"id_card: {{type: secret, {word},")
    file.write_text(text, encoding="utf-8")
    (folder / "schemas" / "roles.yaml").write_text(ROLES, encoding="utf-8")
    site.publish()


def ids(site: Site, principal: Principal, where: str) -> list[str]:
    with site.reading(principal) as reader:
        return reader.query(Query("badge", ("id",), where=parse(where))).ids


def person(site: Site, role: str) -> Principal:
    [user] = site.records.create(SYSTEM, "user", [{"name": role, "email": f"{role}@example.com", "roles": [role]}])
    return site.principal(user.id)


def make(site: Site, **values: Any) -> str:
    [written] = site.records.create(SYSTEM, "badge", [{"name": "B", **values}])
    return written.id


def test_who_may_reveal_a_secret_finds_it_by_its_value(site: Site) -> None:
    index(site)
    one, two = make(site, id_card=CARD), make(site, id_card="440308199001011232")
    three = make(site)

    for who in (SYSTEM, person(site, "opener")):
        assert ids(site, who, f"id_card == '{CARD}'") == [one]
        assert ids(site, who, f"id_card == ' {CARD[:6]} {CARD[6:].lower()}'") == [one]
        assert set(ids(site, who, f"id_card in ['{CARD}', '440308199001011232', 'x']")) == {one, two}
        assert two in ids(site, who, f"not (id_card == '{CARD}')")
        assert ids(site, who, "id_card == 'nobody has this'") == []
    assert three not in ids(site, SYSTEM, f"id_card == '{CARD}'")


PROBES = (
    f"id_card == '{CARD}'", f"id_card in ['{CARD}']", f"'{CARD}' == id_card", "id_card__blind == 'x'",
    "contains(id_card, '1')",
)  # fmt: skip
NO_EQUALITY = ("id_card > '1'", "contains(id_card, '1')", "id_card == name", "id_card is None")


def test_who_may_not_reveal_may_not_look_for_it_and_nobody_asks_but_for_equality(site: Site) -> None:
    index(site)
    make(site, id_card=CARD)
    clerk = person(site, "clerk")

    for who, where in [*((clerk, each) for each in PROBES), *((SYSTEM, each) for each in NO_EQUALITY)]:
        with pytest.raises(QueryInvalid):
            ids(site, who, where)


def test_the_index_is_shown_to_nobody(site: Site) -> None:
    index(site)
    make(site, id_card=CARD)

    with site.reading(SYSTEM) as reader:
        assert "id_card__blind" not in reader.columns("badge")
        for query in (
            Query("badge", ("id", "id_card__blind")),
            Query.from_params("badge", {"order": "id_card__blind"}),
            Query.from_params("badge", {"order": "id_card"}),
        ):
            with pytest.raises(QueryInvalid):
                reader.query(query)
        with pytest.raises(QueryInvalid):
            reader.aggregate(Query.from_json("badge", {"group_by": ["id_card__blind"]}))
    with pytest.raises(RecordInvalid):
        make(site, id_card__blind="x")


def test_a_twin_is_refused_at_its_field_and_its_value_is_not_told(site: Site) -> None:
    index(site)
    one = make(site, id_card=CARD)

    with pytest.raises(RecordInvalid) as told:
        make(site, id_card=f"{CARD[:6]} {CARD[6:]}")

    [problem] = told.value.problems
    assert problem.path == "id_card"
    assert CARD not in str(told.value)
    site.records.delete(SYSTEM, "badge", [one])
    two = make(site, id_card=CARD)
    with pytest.raises(RecordInvalid):
        site.records.restore(SYSTEM, "badge", [one])
    site.records.update(SYSTEM, "badge", [{"id": two, "id_card": None}])
    site.records.restore(SYSTEM, "badge", [one])
    assert ids(site, SYSTEM, f"id_card == '{CARD}'") == [one]


def test_an_index_on_values_that_are_there_is_filled(site: Site) -> None:
    made = [make(site, id_card=f"{number:018}") for number in range(30)]

    index(site, "index: true")

    assert ids(site, SYSTEM, f"id_card == '{7:018}'") == [made[7]]
    assert site.plan().empty


def test_a_unique_rule_over_values_that_stand_twice_is_refused(site: Site) -> None:
    one, _two = make(site, id_card=CARD), make(site, id_card=CARD)

    with pytest.raises(PlanRefused) as told:
        index(site)

    assert CARD not in str(told.value)
    site.records.update(SYSTEM, "badge", [{"id": one, "id_card": None}])
    site.publish()
    assert len(ids(site, SYSTEM, f"id_card == '{CARD}'")) == 1


def test_an_import_matches_by_a_secret(site: Site, tmp_path: Path) -> None:
    index(site)
    one = make(site, id_card=CARD)
    file = tmp_path / "badges.csv"
    file.write_text(f"name,id_card,amount\nnew name,{CARD},5\nother,440308199001011232,6\n", encoding="utf-8")

    report = site.import_file(person(site, "clerk"), "badge", file, ImportOptions(on="id_card"))

    assert (report.created, report.updated, report.failed) == (1, 1, 0)
    assert ids(site, SYSTEM, "name == 'new name'") == [one]


def test_new_data_keys_leave_the_index_and_a_new_index_key_writes_it_anew(site: Site) -> None:
    index(site)
    one = make(site, id_card=CARD)
    table = site.published.tables.name("badge")

    def column() -> list[Any]:
        with site.database.read() as connection:
            return run(connection, f"SELECT id_card__blind FROM {table}", access=ENTITY_ACCESS).fetchall()  # type: ignore[no-any-return]

    before = column()
    rotate_keys(site)
    assert column() == before
    assert ids(site, SYSTEM, f"id_card == '{CARD}'") == [one]
    assert reindex_keys(site) == 1
    assert column() != before
    assert ids(site, SYSTEM, f"id_card == '{CARD}'") == [one]
    assert sum(key.purpose == "index" for key in encryption(site).keys) == 1


def test_a_text_that_becomes_secret_leaves_nothing_open_in_its_column(site: Site) -> None:
    file = site.config.folder / "schemas" / "badge.yaml"
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace("  scan:", "  code: {type: text}\n  scan:"), encoding="utf-8")
    site.publish()
    one = make(site, code="open until now")
    file.write_text(before.replace("  scan:", "  code: {type: text, secret: true, unique: true}\n  scan:"), "utf-8")

    assert "retire_column" in {change.kind for change in site.plan().changes}
    site.publish()
    site.records.update(SYSTEM, "badge", [{"id": one, "code": "closed now"}])

    assert site.records.reveal(SYSTEM, "badge", one, "code") == "closed now"
    assert ids(site, SYSTEM, "code == 'closed now'") == [one]
    assert all("" not in field.keys for field in encryption(site).fields)
    rotate_keys(site)
    assert site.records.reveal(SYSTEM, "badge", one, "code") == "closed now"
