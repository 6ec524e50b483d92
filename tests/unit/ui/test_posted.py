"""Forms with files are read the same however the network cuts them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from tests.sent import BOUNDARY, body_of
from ui.posted import FormReader

TEXTS = st.text(st.sampled_from("a-\r\n中 "), max_size=150)


class Cut(BytesIO):
    """A body that arrives in pieces."""

    def __init__(self, body: bytes, places: list[int]) -> None:
        super().__init__()
        self._pieces = self._cut(body, sorted({place % (len(body) + 1) for place in places}))

    @staticmethod
    def _cut(body: bytes, places: list[int]) -> Iterator[bytes]:
        for start, end in zip([0, *places], [*places, len(body)], strict=True):
            if start < end:
                yield body[start:end]

    def read(self, _size: int | None = -1, /) -> bytes:
        return next(self._pieces, b"")


def read(
    body: bytes, *places: int, typed: int | None = None, parts: int | None = None
) -> tuple[list[tuple[str, str]], list[tuple[str, str | None, str, bytes]]]:
    reader = FormReader(max_form_memory_size=typed, max_form_parts=parts)
    _, fields, files = reader.parse(Cut(body, list(places)), "multipart/form-data", len(body), {"boundary": BOUNDARY})
    found = []
    for name, file in files.items(multi=True):
        found.append((name, file.filename, file.mimetype, file.read()))
        file.close()
    return list(fields.items(multi=True)), found


@given(
    st.lists(st.tuples(st.sampled_from("ab"), TEXTS), max_size=4),
    st.lists(TEXTS, max_size=2),
    st.lists(st.integers(0, 5000), max_size=8),
)
def test_a_form_reads_the_same_however_it_is_cut(
    fields: list[tuple[str, str]], files: list[str], places: list[int]
) -> None:
    body = body_of(fields, [("f", "a.txt", content.encode()) for content in files])

    read_fields, read_files = read(body, *places)

    assert MultiDict(read_fields).to_dict(flat=False) == MultiDict(fields).to_dict(flat=False)
    assert read_files == [("f", "a.txt", "text/plain", content.encode()) for content in files]


def test_an_empty_value_before_a_cut_stays_empty() -> None:
    values = [("a", ""), ("b", "x\r\n"), ("c", "")]
    body = body_of(values, [])

    for place in range(len(body)):
        for other in range(place, len(body), 7):
            assert read(body, place, other) == (values, [])


def test_no_file_chosen_is_a_file_without_a_name() -> None:
    assert read(body_of([], [("photo", "", b"")])) == ([], [("photo", "", "text/plain", b"")])


def test_text_and_parts_have_limits_and_files_do_not_count_as_text() -> None:
    long = b"x" * 100_000
    body = body_of([("a", "x" * 600), ("b", "x" * 600)], [("f", "a.txt", long)])

    assert read(body, *range(0, len(body), 400), typed=700, parts=4)[1][0][3] == long
    with pytest.raises(RequestEntityTooLarge):
        read(body, *range(0, len(body), 50), typed=599)
    with pytest.raises(RequestEntityTooLarge):
        read(body, parts=2)


def test_other_forms_are_read_as_ever() -> None:
    _, fields, _ = FormReader().parse(BytesIO(b"a=1&a=2&b="), "application/x-www-form-urlencoded", 10)

    assert list(fields.items(multi=True)) == [("a", "1"), ("a", "2"), ("b", "")]
