"""Full-text search on both databases: exact answers for one, two and three characters in both scripts."""

from collections.abc import Iterator

import pytest
from sqlalchemy import bindparam

from engine.ids import new_id
from engine.storage import search
from engine.storage.database import Database, run
from engine.storage.migrations import migrate
from engine.storage.search import Words
from engine.storage.words import segment

NAMES = (
    "张三", "张三丰", "李四,三丰集团", "上海华为技术有限公司", "华为（深圳）", "北京小米科技", "王五 Wang",
    "Acme Corporation", "Acorn Labs", "The Cooper Group", "O'Neill & Sons", "José Álvarez", "A", "张", "3M 中国",
)  # fmt: skip


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    migrate(database)
    yield database
    database.dispose()


def words(name: str, note: str = "") -> Words:
    return Words(" ".join(segment(name, name=True)), "", " ".join(segment(note)))


@pytest.fixture
def named(database: Database) -> dict[str, str]:
    """Records by their id, in the search of entity lead."""
    ids = {new_id(): name for name in NAMES}
    with database.write() as connection:
        search.add(connection, "lead", [(record, words(name)) for record, name in ids.items()])
    return ids


def find(database: Database, named: dict[str, str], query: str) -> set[str]:
    with database.read() as connection:
        return {named[each.record_id] for each in search.candidates(connection, query, ["lead"])}


@pytest.mark.parametrize(
    "query", ["张", "三", "华", "张三", "华为", "三丰", "公司", "张三丰", "有限公", "上海华为技术有限公司"]
)
def test_a_chinese_query_finds_exactly_what_contains_it(database: Database, named: dict[str, str], query: str) -> None:
    expected = {name for name in NAMES if query in name}

    assert find(database, named, query) == expected


@pytest.mark.parametrize("query", ["a", "ac", "aco", "co", "Coop", "JOSE", "alv", "wang", "neill"])
def test_a_latin_query_finds_exactly_words_that_begin_with_it(
    database: Database, named: dict[str, str], query: str
) -> None:
    plain = {name: name.lower().replace("é", "e").replace("á", "a").replace("'", " ") for name in NAMES}
    expected = {name for name, text in plain.items() if any(word.startswith(query.lower()) for word in text.split())}

    found = find(database, named, query)

    assert expected <= found
    # What is found besides is found by pinyin.
    assert all(any(letter >= "\u4e00" for letter in name) for name in found - expected)


def test_all_words_of_a_query_must_occur(database: Database, named: dict[str, str]) -> None:
    assert find(database, named, "acme lab") == set()
    assert find(database, named, "acme corp") == {"Acme Corporation"}
    assert find(database, named, "王五 wa") == {"王五 Wang"}
    assert find(database, named, "3m中国") == {"3M 中国"}


def test_names_are_found_by_pinyin(database: Database, named: dict[str, str]) -> None:
    assert "张三丰" in find(database, named, "zsf")
    assert "上海华为技术有限公司" in find(database, named, "shhw")
    assert "张三" in find(database, named, "zhangs")


@pytest.mark.parametrize("query", ["", "   ", "'", '"', "*", "&|!:()<->", "high : x", "a\\b", "AND", "NEAR(a b)"])
def test_no_query_is_an_error(database: Database, named: dict[str, str], query: str) -> None:
    find(database, named, query)


def test_changed_words_are_found_and_the_old_ones_are_not(database: Database, named: dict[str, str]) -> None:
    record = next(record for record, name in named.items() if name == "Acorn Labs")
    with database.write() as connection:
        search.replace(connection, "lead", [(record, words("Birch Works")), (new_id(), words("Brandneu"))])

    assert find(database, named, "acorn") == set()
    with database.read() as connection:
        assert [each.record_id for each in search.candidates(connection, "birch", ["lead"])] == [record]
        assert len(search.candidates(connection, "brandneu", ["lead"])) == 1


def test_what_is_removed_is_not_found(database: Database, named: dict[str, str]) -> None:
    record = next(record for record, name in named.items() if name == "Acorn Labs")
    with database.write() as connection:
        search.remove(connection, "lead", [record])
    assert find(database, named, "acorn") == set()

    with database.write() as connection:
        search.remove_all(connection, "lead")
    assert find(database, named, "张三") == set()


def test_names_come_before_texts(database: Database) -> None:
    in_text, in_name = new_id(), new_id()
    with database.write() as connection:
        search.add(connection, "lead", [(in_name, words("Phoenix"))])
        search.add(connection, "lead", [(in_text, words("Other", "they know Phoenix"))])

    with database.read() as connection:
        found = search.candidates(connection, "phoenix", ["lead"])

    assert [each.record_id for each in found] == [in_name, in_text]


def test_only_the_entities_that_were_asked_for_are_found(database: Database, named: dict[str, str]) -> None:
    with database.write() as connection:
        search.add(connection, "account", [(new_id(), words("张三"))])

    with database.read() as connection:
        entities = {each.entity for each in search.candidates(connection, "张三", ["account"])}

    assert entities == {"account"}


def test_a_list_is_searched_by_a_subquery(database: Database, named: dict[str, str]) -> None:
    statement = search.matching_ids(bindparam("words"), "lead", database.dialect)
    with database.read() as connection:
        rows = connection.execute(statement, {"words": search.match("华为", database.dialect)}).all()

    assert {named[row[0]] for row in rows} == {name for name in NAMES if "华为" in name}


def test_a_very_long_text_is_cut_and_stored(database: Database) -> None:
    record = new_id()
    long = "字词" * 9_999 + " tail " + "x" * 5_000
    with database.write() as connection:
        search.add(connection, "lead", [(record, words(long, long))])
        count = run(connection, "SELECT count(*) FROM search_row").fetchone()[0]

    assert count == 1
