"""Real lists of companies go in through the command, are found, go in again without doubling, and come out again."""

from pathlib import Path

import pytest

from engine.data.principal import SYSTEM
from engine.data.query import Query
from engine.expression import parse
from engine.site.site import Site
from engine.storage.database import run
from tests.conftest import Tier
from tests.functional.commands.conftest import Command

pytestmark = pytest.mark.slow

STOCKS_MAP = "ticker: external_id\ncategory name: business\nexchange: null\n"
SHARES_MAP = (
    "columns: {stock_code: external_id, short_name: name, list_date2: null}\nvalues: {country: 中国, kind: company}\n"
)


@pytest.fixture
def maps(tmp_path: Path) -> tuple[Path, Path]:
    """The mappings of the two lists."""
    files = tmp_path / "stocks.yaml", tmp_path / "shares.yaml"
    for file, text in zip(files, (STOCKS_MAP, SHARES_MAP), strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def count(site: Site, where: str | None = None) -> int:
    with site.reading(SYSTEM) as reader:
        return reader.count(Query("account", where=None if where is None else parse(where)), 100_000).number


def changes(site: Site) -> int:
    with site.database.read() as connection:
        number: int = run(connection, "SELECT count(*) FROM record_change").fetchone()[0]
        return number


def found(site: Site, words: str) -> list[str]:
    with site.reading(SYSTEM) as reader:
        query = Query("account", select=("name",), search=words, limit=200)
        return [row["name"] for row in reader.query(query).json()]


def test_two_real_lists_are_imported_found_imported_again_and_taken_back(
    opened: Site, guanxi: Command, stocks: Path, shares: Path, maps: tuple[Path, Path], tier: Tier
) -> None:
    stocks_map, shares_map = maps
    companies = 22_165
    if tier == "quick" and opened.database.dialect == "postgresql":
        # The whole list takes half a minute there; SQLite takes it on every change.
        companies = 4_000
        lines = stocks.read_text(encoding="utf-8").splitlines(keepends=True)
        stocks.write_text("".join(lines[: companies + 1]), encoding="utf-8")

    first = guanxi("import", "account", stocks, "--map", stocks_map, "--json").json
    second = guanxi("import", "account", shares, "--map", shares_map, "--json").json

    assert (first["created"], first["failed"], first["left_out"]) == (companies, 0, [])
    assert (second["created"], second["failed"], second["errors_file"]) == (5_640, 0, None)
    assert count(opened) == companies + 5_640
    assert count(opened, "name == 'Apple Inc.' and external_id == 'AAPL'") == 1
    assert count(opened, "country == '中国' and external_id == '000001' and name == '平安银行'") == 1

    # Parts of names find companies, in either script.
    assert "Osage Exploration and Development, Inc." in found(opened, "osage explor")
    assert "Apple Inc." in found(opened, "APPLE")
    assert "平安银行" in found(opened, "平安")
    assert {"平安银行", "招商银行"} <= set(found(opened, "银行"))
    assert all("平" in name and "安" in name for name in found(opened, "平安银"))
    assert found(opened, "不存在的公司") == []

    # Once more, by ticker: nothing doubles, and nothing gets a version.
    before = changes(opened)
    again = guanxi("import", "account", stocks, "--map", stocks_map, "--on", "external_id", "--json").json
    assert (again["created"], again["updated"], again["unchanged"], again["failed"]) == (0, 0, companies, 0)
    assert again["change_set"] is None
    assert (count(opened), changes(opened)) == (companies + 5_640, before)

    # Taken back, in the order that people do it: the last one first.
    assert guanxi("undo", second["change_set"]).code == 0
    assert count(opened) == companies
    assert found(opened, "平安") == []
    assert guanxi("undo", first["change_set"]).code == 0
    assert count(opened) == 0
    assert guanxi("doctor").code == 0
