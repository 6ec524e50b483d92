"""Agents of people with random roles: what the tools tell is what the rows and the roles allow, and no more."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from engine import AGENT, AGENT_PERSONAL, Query, QueryInvalid, Reader
from tests.conftest import Tier, read_tier
from tests.functional.leaks.random_models import random_documents
from tests.functional.leaks.world import CLINIC_DOCUMENTS, World, world
from ui.mcp.answers import UNTRUSTED
from ui.mcp.caller import Caller
from ui.mcp.reading import find_records, list_entities

pytestmark = pytest.mark.slow


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(25 if read_tier() == "full" else 1))


def test_no_tool_tells_what_roles_hide(seed: int, database_url: str, tmp_path: Path, tier: Tier) -> None:
    documents = random_documents(random.Random(700 + seed))
    with world(tmp_path, documents, 700 + seed, url=database_url) as made:
        report = made.scan(only=("mcp",), people=0 if tier == "full" else 2)

    assert not report.leaks, "\n".join(str(leak.message()) for leak in report.leaks)
    assert report.told > 50


def test_the_tools_give_what_the_person_may_read(seed: int, tmp_path: Path) -> None:
    with world(tmp_path, CLINIC_DOCUMENTS, 800 + seed, packs="[crm]", rows=3) as made:
        compared = sum(_compared(made, place) for place in range(len(made.planted.people)))

    assert compared > 100


def _compared(made: World, place: int) -> int:
    """Compare every list of a person with what a reader of theirs gives; return how many values were."""
    person = made.planted.people[place]
    own = frozenset({"*"}) if person.scopes is None else person.scopes
    agent = Caller(replace(person, scopes=own | {AGENT, AGENT_PERSONAL}))
    compared = 0
    with made.site.reading(person) as reader:
        known = {each for each in reader.model.entities if reader.access.may(each, "read")}
        listed, after = set(), ""
        while True:
            page = list_entities(made.site, agent, {"after": after}).body
            listed |= {each["entity"] for each in page["entities"]}
            after = page["next"]
            if not after:
                break
        assert listed == known
        for key in sorted(known):
            entity = reader.model.entity(key)
            fields = [each for each in reader.columns(key) if entity.fields[each].type.links != "children"][:15]
            compared += _same(made, reader, agent, key, fields)
    return compared


def _same(made: World, reader: Reader, agent: Caller, key: str, fields: list[str]) -> int:
    query = Query(key, select=("id", "version", *(each for each in fields if each not in {"id", "version"})), limit=20)
    try:
        rows = {each["id"]: each for each in reader.query(query).json()}
    except QueryInvalid:
        return 0
    told = find_records(made.site, agent, {"entity": key, "fields": fields, "limit": 20}).body
    for row in told[UNTRUSTED]["rows"]:
        whole = rows[row["id"]]
        assert row.keys() == whole.keys()
        for field, value in row.items():
            # What is too long was cut, and nothing else differs.
            same = whole[field].startswith(value) if isinstance(whole[field], str) else value == whole[field]
            assert same, (key, field)
    if told["next"] is None and len(rows) < 20:
        assert len(told[UNTRUSTED]["rows"]) == len(rows)
    return sum(len(each) for each in told[UNTRUSTED]["rows"])
