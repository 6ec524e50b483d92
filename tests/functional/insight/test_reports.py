"""Reports in a browser without a script: changed, filtered, sorted, kept, saved as files, shown as a document."""

import html
import io
import re
from zipfile import ZipFile

import pytest

from engine import SYSTEM
from tests.functional.screens.world import Web, World, words


def rows(page: str) -> list[list[str]]:
    """Return the rows of the table of numbers."""
    table = re.search(r'(?s)<table class="table numbers">.*?<tbody>(.*?)</tbody>', page)
    assert table is not None
    return [
        [words(each) for each in re.findall(r"(?s)<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"(?s)<tr[^>]*>(.*?)</tr>", table[1])
    ]


def heads(page: str) -> list[str]:
    """Return what stands above the columns."""
    table = re.search(r"(?s)<thead>(.*?)</thead>", page)
    assert table is not None
    return [words(each) for each in re.findall(r"(?s)<th[^>]*>(.*?)</th>", table[1])]


def numbers(web: Web, address: str) -> list[list[str]]:
    """Return the rows of a report."""
    return rows(web.text(address))


def test_reports_are_listed_by_what_they_count(seen: World) -> None:
    page = words(seen.browser("cao").text("/report/"))
    assert "Repairs Stages Price and number, by stage. Matrix Dear repairs" in page
    assert 'href="/report/shop.stages"' in seen.browser("cao").text("/")


def test_a_report_has_totals_and_filters(seen: World) -> None:
    web = seen.browser("cao")
    page = web.text("/report/shop.stages")
    assert heads(page) == ["Stage", "Money", "Number", "Number of records", "Done"]
    found = rows(page)
    assert [each[0] for each in found] == ["Asked", "Begun", "Over", "Empty", "Total"]
    assert found[-1][2] == "80"
    fewer = numbers(web, "/report/shop.stages?f.owner=me")
    assert 0 < int(fewer[-1][2]) < 80
    fewer = numbers(web, "/report/shop.stages?filter=stage%20%3D%3D%20'over'")
    assert [each[0] for each in fewer] == ["Over", "Total"]
    assert fewer[0][4] == "100%"


def test_a_filter_that_cannot_be_read_is_said_and_nothing_is_lost(seen: World) -> None:
    response = seen.browser("cao").get("/report/shop.stages?filter=stage%20%3D%20%3D&f.owner=me")
    assert response.status_code == 422
    assert 'role="alert"' in response.text
    assert 'value="stage = ="' in response.text
    assert "report-table" not in response.text
    assert seen.browser("cao").get("/report/shop.stages?filter=nothing%20%3E%201").status_code == 422


def test_a_matrix_has_totals_both_ways_and_leads_to_records(seen: World) -> None:
    web = seen.browser("cao")
    page = web.text("/report/shop.matrix")
    assert "Total" in heads(page)
    assert rows(page)[-1][0] == "Total"
    linked = re.findall(r'<td class="is-number"><a href="(/repair[^"]+)">', page)
    assert len(linked) > 10
    for address in linked[:4]:
        assert web.get(html.unescape(address)).status_code == 200


def test_groups_and_numbers_are_changed_in_the_page(seen: World) -> None:
    web = seen.browser("cao")
    address = "/report/shop.stages?own=1&by=place.region&by=urgent&show=done&show=avg(hours)&chart=table&edit=1"
    page = web.text(address)
    assert heads(page) == ["Place · Region", "Urgent", "Number of records", "Number", "Done", "Average of Hours"]
    assert [each[0] for each in rows(page) if each[0].startswith("Total of")] == [
        "Total of north".title().replace("Of", "of"), "Total of South", "Total of Empty",
    ]  # fmt: skip
    assert 'value="avg(hours)" selected' in page
    across = web.text("/report/shop.stages?own=1&by=stage&across=quarter(due_on)&show=count()")
    assert any("Q1" in each for each in heads(across))
    sorted_ = numbers(web, "/report/shop.stages?sort=-count")
    counts = [int(each[2]) for each in sorted_[:-1]]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "own=1&by=nothing(x)",
        "own=1&by=hello",
        "own=1&show=sum(name)",
        "own=1&by=due_on&show=drop()",
        "sort=-nothing",
        "f.none=1",
    ],
)
def test_changes_that_mean_nothing_break_no_page(seen: World, query: str) -> None:
    response = seen.browser("cao").get(f"/report/shop.stages?{query}")
    assert response.status_code in {200, 422}
    assert "Stages" in response.text


def test_a_list_of_records_is_sorted_and_kept_short(seen: World) -> None:
    web = seen.browser("cao")
    page = web.text("/report/shop.list")
    prices = [float(each) for each in re.findall(r"¥([\d.]+)", words(page))]
    assert prices == sorted(prices, reverse=True)
    assert len(prices) > 10
    up = web.text("/report/shop.list?sort=price")
    assert [float(each) for each in re.findall(r"¥([\d.]+)", words(up))] == sorted(prices)


def test_a_report_is_kept_as_ones_own(shop: World) -> None:
    web = shop.browser("cao")
    changed = {"own": "1", "by": "place", "show": "sum(price)", "chart": "bar", "filter": "urgent", "f.stage": "over"}
    response = web.submit("/report/shop.stages/save", {**changed, "name": "Mine & yours"})
    page = web.follow(response)
    assert "Mine &amp; yours" in page
    assert heads(page) == ["Place", "Sum of Price"]
    address = response.headers["Location"]
    assert "Mine & yours" in words(web.text("/report/"))
    assert shop.browser("ada").get(address).status_code == 404
    source = html.unescape(re.search(r"(?s)<pre[^>]*>(.*?)</pre>", web.text(f"{address}/document"))[1])  # type: ignore[index]
    assert "group_by: [place]" in source
    assert "urgent and stage == 'over'" in source or "stage == 'over' and urgent" in source
    # Put among the documents of the site it publishes, and answers the same.
    documents = shop.site.config.folder / "schemas"
    (documents / "own.yaml").write_text(source.replace("report: repair.report", "report: shop.kept"), "utf-8")
    shop.site.publish()
    assert rows(web.text("/report/shop.kept")) == rows(page)
    assert web.submit(f"{address}/delete").status_code == 303
    assert web.get(address).status_code == 404


def test_a_report_without_a_name_is_not_kept(shop: World) -> None:
    web = shop.browser("cao")
    response = web.submit("/report/shop.stages/save", {"name": " ", "own": "1", "by": "place"})
    assert response.status_code == 422
    assert 'aria-describedby="name-problem"' in response.text
    assert '<option value="place" selected>' in response.text
    assert web.submit("/report/shop.stages/save", {"name": "x" * 121}).status_code == 422
    assert "My reports" not in web.text("/report/")


def test_files_hold_no_formula(shop: World) -> None:
    shop.site.records.create(SYSTEM, "place", [{"name": "=1+1"}, {"name": "@cmd"}])
    with shop.site.reading(SYSTEM) as reader:
        [bad] = [id_ for id_, title in reader.options("repair", "place", "", limit=9) if title == "=1+1"]
    shop.site.records.create(SYSTEM, "repair", [{"name": "r", "place": bad, "price": "5", "owner": shop.ids["cao"]}])
    web = shop.browser("cao")
    query = "own=1&by=place&show=sum(price)"
    text = web.get(f"/report/shop.stages/export.csv?{query}").text
    assert "'=1+1,5.00" in text
    book = ZipFile(io.BytesIO(web.get(f"/report/shop.stages/export.xlsx?{query}").data))
    assert b"=1+1" in book.read("xl/sharedStrings.xml")
    assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    assert shop.browser("hal").get(f"/report/shop.stages/export.csv?{query}").status_code == 403
    with shop.site.database.read() as connection:
        noted = connection.exec_driver_sql("SELECT actor_id, entity FROM audit_event WHERE kind = 'export'").fetchall()
    assert noted == [(shop.ids["cao"], "repair")] * 2


def test_rights_hold_in_reports(seen: World) -> None:
    web = seen.browser("hal")
    page = web.text("/report/shop.stages")
    assert heads(page) == ["Stage", "Number", "Number of records", "Done"]
    assert int(rows(page)[-1][1]) < 80
    assert web.get("/report/shop.stages?filter=price%20%3E%205").status_code == 422
    assert web.get("/report/shop.stages?own=1&by=margin&show=count()").status_code == 422
    assert "Margin" not in web.text("/report/shop.stages?edit=1")
    assert web.get("/report/none").status_code == 404
    assert web.get("/report/new?entity=user").status_code in {200, 404}
    assert web.get("/report/own.0197-none").status_code == 404


def test_a_report_of_ones_own_begins_from_any_kind_of_record(shop: World) -> None:
    web = shop.browser("cao")
    page = web.text("/report/new?entity=repair&own=1&by=week(seen_at)&show=count()&edit=1")
    assert sum(int(each[1] or 0) for each in rows(page)[:-1]) == 80
    kept = {"entity": "repair", "own": "1", "by": "month(seen_at)", "show": "count()", "name": "Seen"}
    assert "Seen" in words(web.follow(web.submit("/report/new/save", kept)))


def test_a_report_is_shared_as_views_are_and_gives_nobody_a_right(shop: World) -> None:
    owner, other, admin = (shop.browser(each) for each in ("cao", "hal", "ada"))
    kept = {"entity": "repair", "own": "1", "by": "stage", "show": "count()", "name": "For all"}
    address = owner.submit("/report/new/save", kept).headers["Location"]

    assert other.get(address).status_code == 404
    assert owner.submit(f"{address}/share", {"audience": "everyone"}).status_code == 403
    assert "For all" not in words(other.text("/report/"))
    mine = admin.submit("/report/new/save", kept).headers["Location"]
    assert "Everybody" in words(admin.text(f"{mine}/share"))
    assert admin.submit(f"{mine}/share", {"audience": "everyone"}).headers["Location"] == mine

    assert "Shared with me For all" in words(other.text("/report/"))
    assert rows(other.text(mine))[-1][1] != rows(admin.text(mine))[-1][1]
    assert other.get(f"{mine}/share").status_code == 403
    assert other.submit(f"{mine}/delete").status_code == 403
    copy = other.submit(f"{mine}/save", {**kept, "name": "Of mine", "instead": "1"}).headers["Location"]
    assert copy != mine
    assert admin.submit(f"{mine}/share", {"audience": "me"}).status_code == 303
    assert other.get(mine).status_code == 404


def test_conditions_of_a_report_are_put_together_as_those_of_a_list(seen: World) -> None:
    web = seen.browser("cao")
    page = html.unescape(web.text("/report/shop.stages?f.owner=me"))
    builder = re.search(r'href="(/repair/filter\?[^"]+)"', page)
    assert builder is not None
    form = web.text(builder[1])
    assert 'name="back" value="/report/shop.stages?f.owner=me"' in form

    told = web.submit(
        "/repair/filter",
        {
            "state": "",
            "back": "/report/shop.stages?f.owner=me",
            "k-0": "words",
            "w-0": "stage == 'over'",
            "do": "apply",
        },
    )

    assert told.headers["Location"].startswith("/report/shop.stages?f.owner=me&filter=stage")
    narrowed = web.follow(told)
    assert [each[0] for each in rows(narrowed)] == ["Over", "Total"]
    assert 'class="chip"' in narrowed
    away = {"state": "", "back": "//evil.example/report/", "k-0": "words", "w-0": "stage == 'over'", "do": "apply"}
    assert web.submit("/repair/filter", away).headers["Location"].startswith("/repair?filter=")
