"""What is said about files that cannot be read: exact messages, as people see them."""

# ruff: noqa: ISC004 - documents and messages stand here as people see them

from __future__ import annotations

import os
import time

import pytest

from engine.metadata import read_bytes, read_text


def said(content: str | bytes) -> list[str]:
    data = content.encode() if isinstance(content, str) else content
    return [str(problem) for problem in read_bytes(data, "visit.yaml", "site")[1]]


FAULTS = {
    "entity: visit\n\tlabel: Visit\n": ["visit.yaml:2:1: a tab cannot indent a line (use spaces)"],
    "entity: visit\nfields:\n  a: 1\n  b: 2\n  a: 3\n": [
        "visit.yaml:5:3: 'a' is given twice (first on line 3)",
    ],
    "entity: visit\nlabel: One\nlabel: Two\nlabel: Three\n": [
        "visit.yaml:3:1: 'label' is given twice (first on line 2)",
        "visit.yaml:4:1: 'label' is given twice (first on line 2)",
    ],
    "entity: visit\na: &a {x: 1}\nb: *a\nc:\n  <<: {y: 1}\n": [
        "visit.yaml:2:4: &a marks a part to be repeated; anchors are not read (write it out)",
        "visit.yaml:3:4: *a repeats another part; aliases are not read (write it out)",
        "visit.yaml:5:3: << merges another part; merge keys are not read (write it out)",
    ],
    "entity: visit\na: !!python/object:os.system x\n": [
        "visit.yaml:2:4: tag:yaml.org,2002:python/object:os.system is a tag; tags are not read"
        " (put text that begins with ! in quotes)",
    ],
    "entity: visit\n1: a\ntrue: b\n~: c\n[x]: d\n": [
        "visit.yaml:2:1: a key is text, and 1 is a number (put it in quotes)",
        "visit.yaml:3:1: a key is text, and true is true or false (put it in quotes)",
        "visit.yaml:4:1: a key is text, and ~ is nothing (put it in quotes)",
        "visit.yaml:5:1: a key is text, not a list, a map or an alias",
    ],
    "enity: visit\n": [
        "visit.yaml:1:1: the first key names the kind of document, and 'enity' is none (did you mean 'entity'?)",
    ],
    "label: Visit\nentity: visit\n": [
        "visit.yaml:1:1: the first key names the kind of document, and 'label' is none (move 'entity' to the top)",
    ],
    "- entity: visit\n": [
        "visit.yaml:1:1: a document is a map whose first key names its kind, not a list"
        " (begin with a line such as entity: visit)",
    ],
    "just words": [
        "visit.yaml:1:1: a document is a map whose first key names its kind, not text"
        " (begin with a line such as entity: visit)",
    ],
    "entity: {visit: {}}\n": ["visit.yaml:1:9: entity needs a name, which is text"],
    "entity: 12\n": ["visit.yaml:1:9: entity needs a name, which is text"],
    "entity: visit\nlabel: a: b\n": [
        "visit.yaml:2:9: a colon cannot stand here (put text that holds ': ' in quotes, or look at the indentation)",
    ],
    "entity: visit\nlabel: @home\n": ["visit.yaml:2:8: a value cannot begin with '@' (put it in quotes)"],
    "entity: visit\nlabel: 'home\n\nfields: {}\n": ["visit.yaml:2:8: a quotation mark is not closed"],
    "entity: visit\nfeatures: [a, b\nlabel: c\n": ["visit.yaml:2:11: a bracket is not closed, or a comma is missing"],
    "entity: visit\nlabel: {en: a\nhelp: b\n": ["visit.yaml:2:8: a brace is not closed, or a comma is missing"],
    "entity: visit\nlabel\nhelp: a\n": ["visit.yaml:2:1: a key without its colon"],
    "entity: visit\n  label: a\n": [
        "visit.yaml:2:8: a colon cannot stand here (put text that holds ': ' in quotes, or look at the indentation)",
    ],
    'entity: visit\nlabel: "C:\\q"\n': [
        "visit.yaml:2:11: a backslash in double quotes begins no known escape (use single quotes)",
    ],
    "entity: visit\nlabel: \x07\n": ["visit.yaml:2:8: the character U+0007 cannot stand in a document"],
    "entity: visit\nx: " + "[" * 40 + "]" * 40: ["visit.yaml:2:33: more than 30 levels deep"],
}


@pytest.mark.parametrize("content", FAULTS, ids=range(len(FAULTS)))
def test_a_file_that_cannot_be_read_says_where_and_why(content: str) -> None:
    assert said(content) == FAULTS[content]


def test_a_fault_in_one_document_leaves_the_others_of_the_file() -> None:
    documents, problems = read_text("entity: a\n---\nentity: b\nx: 1\nx: 2\n---\nentity: c\n", "f.yaml", "site")

    assert [document.id for document in documents] == ["entity/a", "entity/c"]
    assert [str(problem) for problem in problems] == ["f.yaml:5:1: 'x' is given twice (first on line 4)"]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("gb18030", "GB18030 (GBK)"), ("big5", "Big5"), ("utf-16", "UTF-16"), ("utf-16-be", None)],
)
def test_a_wrong_encoding_is_named_with_its_place(encoding: str, name: str | None) -> None:
    content = "entity: visit\nlabel: 門診與檢驗\n" if encoding == "big5" else "entity: visit\nlabel: 就诊记录\n"
    (message,) = said(content.encode(encoding))

    if name is None:
        assert message == "visit.yaml:1:1: the file is no text"
    else:
        assert message.endswith(f"the file is not UTF-8; it looks like {name} (save it as UTF-8)")
        assert message.startswith("visit.yaml:1:1:" if encoding == "utf-16" else "visit.yaml:2:8:")


def test_text_of_western_europe_is_told_from_chinese() -> None:
    assert said("entity: visit\nlabel: café\n".encode("latin-1")) == [
        "visit.yaml:2:11: the file is not UTF-8; it looks like Windows-1252 (save it as UTF-8)"
    ]


def test_a_byte_order_mark_is_no_fault() -> None:
    documents, problems = read_bytes("\ufeffentity: visit\n".encode(), "visit.yaml", "site")

    assert [document.id for document in documents] == ["entity/visit"]
    assert problems == []


BOMB = "entity: bomb\na: &a [x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)
)
HOSTILE = {
    "5 MB of bytes": os.urandom(5_000_000),
    "5 MB of text": b"entity: a\n" * 500_000,
    "bytes": os.urandom(400_000),
    "a YAML bomb": BOMB.encode(),
    "a lawn of brackets": b"[" * 900_000,
    "a lawn of braces": b"{a: " * 200_000,
    "a lawn of dashes": b"- " * 400_000,
    "a lawn of question marks": b"? " * 400_000,
    "one key again and again": b"entity: a\nx: {" + b"k: 1, " * 150_000 + b"}",
    "aliases again and again": b"entity: a\nx: [" + b"*a, " * 200_000 + b"]",
    "one long word": b"entity: " + b"a" * 990_000,
    "one long line of words": b"a " * 490_000,
    "quotation marks": b"'\"" * 450_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_at_once(name: str) -> None:
    start = time.process_time()

    documents, problems = read_bytes(HOSTILE[name], "junk.yaml", "site")

    assert time.process_time() - start < 1
    assert len(problems) <= 51
    assert problems or [document.kind for document in documents] == ["entity"]


def test_too_large_a_file_says_how_large_it_may_be() -> None:
    assert said(b"entity: a\n" * 200_000) == [
        "visit.yaml:1:1: the file has 2,000,000 bytes; a document file has at most 1,000,000"
        " (data belongs into an import, not into a document)"
    ]
