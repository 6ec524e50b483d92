"""What must not grow, without a clock: statements per operation, bytes of a page, answers that equal a plain search."""

from collections.abc import Sequence

import pytest

from tests.bench import people
from tests.performance.conftest import ROWS, Shop

LIST = (
    "/api/v1/lead?filter=stage+%3D%3D+'qualified'+and+country+%3D%3D+'CN'&order=-amount&fields=name,amount,owner.name"
)


def selects(sent: Sequence[str]) -> list[str]:
    """Return what was asked, without the words that begin and end transactions."""
    return [text for text in sent if not text.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]


def warmed(shop: Shop, path: str, *, browser: bool = False) -> list[str]:
    """Return the statements of a request that was made before."""
    assert shop.get(path, browser=browser).status_code == 200
    with shop.statements() as sent:
        assert shop.get(path, browser=browser).status_code == 200
    return sent


def first_id(shop: Shop) -> str:
    [found, *_] = shop.get("/api/v1/lead?fields=id&limit=1").json["data"]
    return str(found["id"])


def test_a_list_by_the_api_is_one_statement_beside_the_probe(sqlite_shop: Shop) -> None:
    assert len(selects(warmed(sqlite_shop, LIST))) == 2


def test_a_record_by_the_api_is_one_statement_beside_the_probe(sqlite_shop: Shop) -> None:
    assert len(selects(warmed(sqlite_shop, f"/api/v1/lead/{first_id(sqlite_shop)}"))) == 2


def test_a_read_is_one_transaction(sqlite_shop: Shop) -> None:
    sent = warmed(sqlite_shop, LIST)

    assert [text for text in sent if text.startswith("BEGIN")] == ["BEGIN"]


def test_the_page_of_a_list_is_at_most_five_statements(sqlite_shop: Shop) -> None:
    assert len(selects(warmed(sqlite_shop, "/lead", browser=True))) <= 5


def test_the_page_of_a_record_is_at_most_eight_statements(sqlite_shop: Shop) -> None:
    [mine, *_] = sqlite_shop.get("/api/v1/lead?filter=owner.name+%3D%3D+'Rep+1'&fields=id&limit=1").json["data"]

    assert len(selects(warmed(sqlite_shop, f"/lead/{mine['id']}", browser=True))) <= 8


@pytest.mark.parametrize("rows", [1, 200])
def test_no_row_costs_a_statement(sqlite_shop: Shop, rows: int) -> None:
    few = warmed(sqlite_shop, f"/api/v1/lead?order=-amount&limit={rows}")

    assert len(selects(few)) == 2


def test_creating_a_record_is_at_most_ten_statements(sqlite_shop: Shop) -> None:
    made = sqlite_shop.send("POST", "/api/v1/lead", {"name": "First", "external_id": "G1"})
    with sqlite_shop.statements() as sent:
        answer = sqlite_shop.send("POST", "/api/v1/lead", {"name": "Second", "external_id": "G2"})
    for each in (made, answer):
        assert each.status_code == 201, each.text
        assert sqlite_shop.send("DELETE", f"/api/v1/lead/{each.json['id']}", None).status_code == 204

    assert len(selects(sent)) <= 10


def test_changing_a_thousand_records_takes_no_more_statements_than_changing_ten(sqlite_shop: Shop) -> None:
    ids: list[str] = []
    following = ""
    while len(ids) < 1_000:
        page = sqlite_shop.get(f"/api/v1/lead?fields=id&limit=200&order=-amount{following}").json
        ids += [row["id"] for row in page["data"]]
        following = f"&cursor={page['next']}"
    costs = []
    for count, city in ((10, "Ulm"), (1_000, "Bonn")):
        body = {"atomic": True, "operations": [{"update": {"ids": ids[:count], "values": {"city": city}}}]}
        with sqlite_shop.statements() as sent:
            assert sqlite_shop.send("POST", "/api/v1/lead/bulk", body).json["data"] == [{"status": 200, "count": count}]
        costs.append(len(selects(sent)))

    assert costs[0] == costs[1] <= 8


def test_a_page_of_fifty_rows_of_ten_columns_is_at_most_40_kilobytes(sqlite_shop: Shop) -> None:
    page = sqlite_shop.get("/lead", browser=True).data

    assert page.count(b"<tr") > 50
    assert len(page) <= 40_000


def test_a_row_is_at_most_700_bytes(sqlite_shop: Shop) -> None:
    page = sqlite_shop.get("/lead", browser=True).text
    body = page[page.index("<tbody") : page.index("</tbody>")]

    assert len(body.encode()) / body.count("<tr") <= 700


@pytest.mark.parametrize("words", ["corlin", "张", "张伟", "李秀英", "Ltd", "有限", "al", "nobody at all"])
def test_a_search_finds_exactly_what_holds_the_words(shop: Shop, words: str) -> None:
    found: set[str] = set()
    following: str | None = ""
    while following is not None:
        page = shop.get(f"/api/v1/lead?q={words}&fields=external_id&limit=200&order=-amount{following}").json
        found |= {row["external_id"] for row in page["data"]}
        following = f"&cursor={page['next']}" if page["next"] else None

    assert found == {
        str(lead["external_id"]) for lead in people.leads(ROWS) if holds(f"{lead['name']} {lead['company']}", words)
    }


def holds(text: str, words: str) -> bool:
    """Say whether a text has each word: Chinese ones anywhere, Latin ones at the beginning of a word."""
    parts = text.lower().split()
    return all(
        word in text if ord(word[0]) > 127 else any(part.startswith(word) for part in parts)
        for word in words.lower().split()
    )
