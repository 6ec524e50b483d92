"""Rows are read out of every kind of file that people send."""

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from xlsxwriter import Workbook

from engine.data.transfer.sheet import ABSENT, SheetUnreadable, detect_encoding, open_sheet, sniff_delimiter, spoken


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "rows.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


def rows(file: Path) -> list[list[object]]:
    with open_sheet(file) as sheet:
        return [line.cells for line in sheet.lines]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "big5"]
)
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    name = {"cp1252": "Müller & Söhne, Zürich", "big5": "台灣積體電路製造股份有限公司"}.get(
        encoding, "上海海纳信息技术有限公司"
    )
    name = name.replace(",", " ")
    file = written(tmp_path, f"name,city\n{name},x\n", encoding)

    with open_sheet(file) as sheet:
        found = [line.cells for line in sheet.lines]

    assert sheet.headers == ("name", "city")
    assert found == [[name, "x"]]


def test_a_file_that_becomes_chinese_only_at_its_end_is_still_told_right(tmp_path: Path) -> None:
    file = written(tmp_path, "name\n" + "plain words\n" * 20_000 + "客户\n", "gb18030")

    assert detect_encoding(file) == "gb18030"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(delimiter: str) -> None:
    sample = f'name{delimiter}note\n"Acme, Inc."{delimiter}"one; two"\nB{delimiter}\n'

    assert sniff_delimiter(sample) == delimiter


def test_cells_may_hold_delimiters_quotes_and_lines(tmp_path: Path) -> None:
    file = written(tmp_path, 'name,note\n"Osage, Inc.","said ""yes""\r\ntwice"\n')

    assert rows(file) == [["Osage, Inc.", 'said "yes"\r\ntwice']]


def test_empty_rows_are_nothing_and_numbers_go_on(tmp_path: Path) -> None:
    file = written(tmp_path, "name\n\nAnna\n,\nBen\n")

    with open_sheet(file) as sheet:
        found = [(line.number, line.cells) for line in sheet.lines]

    assert found == [(3, ["Anna"]), (5, ["Ben"])]


def test_a_row_with_too_many_cells_is_broken_and_one_with_too_few_is_filled_up(tmp_path: Path) -> None:
    file = written(tmp_path, "a,b\n1,2,3\n4\n5,6,\n")

    with open_sheet(file) as sheet:
        found = [(line.cells, line.broken is None) for line in sheet.lines]

    assert found == [(["1", "2", "3"], False), (["4", None], True), (["5", "6"], True)]


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("\n\n", "is empty"), ("name,Name,name\n", "two columns named 'name'")],
)
def test_headers_that_mean_nothing_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SheetUnreadable, match=said), open_sheet(written(tmp_path, text)):
        pass


def test_a_picture_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)

    with pytest.raises(SheetUnreadable), open_sheet(file):
        pass


def test_a_missing_file_and_an_unknown_encoding_are_told(tmp_path: Path) -> None:
    with pytest.raises(SheetUnreadable, match="No such file"), open_sheet(tmp_path / "none.csv"):
        pass
    with (
        pytest.raises(SheetUnreadable, match="no encoding klingon"),
        open_sheet(written(tmp_path, "a\n"), encoding="klingon"),
    ):
        pass


def test_a_spreadsheet_says_what_a_person_would_type(tmp_path: Path) -> None:
    file = tmp_path / "rows.xlsx"
    book = Workbook(str(file))
    page = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    page.write_row(0, 0, ["name", "size", "born", "ok"])
    page.write_row(1, 0, ["张三", 12])
    page.write_datetime(1, 2, datetime(2020, 2, 29), day)  # noqa: DTZ001 - a spreadsheet knows no zones
    page.write_boolean(1, 3, True)
    page.write_row(3, 0, ["Ben", 1.5])
    book.close()

    with open_sheet(file) as sheet:
        found = [(line.number, line.cells) for line in sheet.lines]

    assert sheet.headers == ("name", "size", "born", "ok")
    assert found == [(2, ["张三", "12", "2020-02-29", "true"]), (4, ["Ben", "1.5", None, None])]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (3.0, "3"),
        (0.1, "0.1"),
        (True, "true"),
        (date(2020, 1, 2), "2020-01-02"),
        (datetime(2020, 1, 2, 3, 4), "2020-01-02 03:04:00"),  # noqa: DTZ001 - as above
        (time(3, 4), "03:04:00"),
        (timedelta(hours=1), "3600"),
        ("", None),
        (None, None),
        ("x", "x"),
    ],
)
def test_a_cell_is_spoken(cell: object, said: str | None) -> None:
    assert spoken(cell) == said


def test_json_lines_tell_a_missing_key_from_null(tmp_path: Path) -> None:
    file = written(tmp_path, '{"name": "A", "size": null}\n\n{"name": "B"}\nnonsense\n[1]\n', name="rows.jsonl")

    with open_sheet(file) as sheet:
        lines = list(sheet.lines)

    assert sheet.headers == ("name", "size")
    assert [line.cells for line in lines[:2]] == [["A", None], ["B", ABSENT]]
    assert [line.number for line in lines if line.broken is not None] == [4, 5]


def test_a_large_file_is_read_in_constant_memory(tmp_path: Path) -> None:
    import tracemalloc

    file = tmp_path / "rows.csv"
    with file.open("w", encoding="utf-8") as stream:
        stream.write("name,note\n")
        for number in range(60_000):
            stream.write(f"company {number},{'x' * 80}\n")
    tracemalloc.start()
    count = 0
    with open_sheet(file) as sheet:
        for _line in sheet.lines:
            count += 1
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 60_000
    assert peak < 3_000_000 < file.stat().st_size


# --- where the table begins, and what no memory would hold


@pytest.mark.parametrize(
    ("text", "headers", "number"),
    [
        ("Customers of 2026\n\nname,city,phone\nAnna,Ulm,1\n", ("name", "city", "phone"), 4),
        ("name\nAnna\n", ("name",), 2),
        ("name,city\nAnna,Ulm\n", ("name", "city"), 2),
    ],
)
def test_titles_above_a_table_are_passed_over(tmp_path: Path, text: str, headers: tuple[str, ...], number: int) -> None:
    with open_sheet(written(tmp_path, text)) as sheet:
        assert sheet.headers == headers
        assert [line.number for line in sheet.lines] == [number]


def test_the_row_of_the_headers_may_be_said(tmp_path: Path) -> None:
    file = written(tmp_path, "a,b\nname,city\nAnna,Ulm\n")

    with open_sheet(file, header_row=2) as sheet:
        assert (sheet.headers, [line.cells for line in sheet.lines]) == (("name", "city"), [["Anna", "Ulm"]])
    with pytest.raises(SheetUnreadable, match="nothing in row 9"), open_sheet(file, header_row=9):
        pass


def test_a_sheet_of_a_spreadsheet_is_chosen_and_the_others_are_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.xlsx"
    book = Workbook(str(file))
    book.add_worksheet("Notes").write(0, 0, "nothing")
    page = book.add_worksheet("客户")
    page.write_row(2, 1, ["name", "city"])
    page.write_row(3, 1, ["Anna", "Ulm"])
    book.close()

    with open_sheet(file, sheet="客户") as sheet:
        assert (sheet.sheets, sheet.sheet) == (("Notes", "客户"), "客户")
        assert (sheet.headers, sheet.header_row) == (("name", "city"), 3)
        assert [(line.number, line.cells) for line in sheet.lines] == [(4, ["Anna", "Ulm"])]


def test_a_spreadsheet_that_stands_for_endless_cells_ends_its_own_process_alone(tmp_path: Path) -> None:
    small, bomb = tmp_path / "small.xlsx", tmp_path / "bomb.xlsx"
    book = Workbook(str(small))
    book.add_worksheet().write_row(0, 0, ["name", "city"])
    book.close()
    last = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    with zipfile.ZipFile(small) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            target.writestr(part, source.read(part).replace(b"</sheetData>", last))
    assert bomb.stat().st_size < 10_000

    with pytest.raises(SheetUnreadable, match="more memory or time"), open_sheet(bomb):
        pass


def test_a_row_without_an_end_and_columns_without_number_are_refused(tmp_path: Path) -> None:
    endless = tmp_path / "endless.csv"
    endless.write_bytes(b"name,note\nAnna," + b"x" * 16_100_000)
    with pytest.raises(SheetUnreadable, match="more than 16 million"), open_sheet(endless) as sheet:
        list(sheet.lines)
    with (
        pytest.raises(SheetUnreadable, match="5000 columns"),
        open_sheet(written(tmp_path, ",".join(map(str, range(5_000))))),
    ):
        pass
    wide = tmp_path / "wide.jsonl"
    wide.write_text("{" + ",".join(f'"k{number}": 1' for number in range(1_100)) + "}")
    with pytest.raises(SheetUnreadable, match="1100 columns"), open_sheet(wide):
        pass
