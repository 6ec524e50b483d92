"""Plugins that leak are found: by what they write, by how their types look, and by what they tell themselves."""

from pathlib import Path

from engine.leaks import LeakReport
from engine.leaks.channels import forget_channel
from tests.functional.leaks.world import world

DOCUMENTS = """
entity: case
plural: cases
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true}
  salary: {type: money, currency: CNY}
  diagnosis: {type: text}
  note: {type: text}
---
role: clerk
grants: {case: {read: all, export: all, fields: {salary: hidden, diagnosis: masked}}}
"""

COPIES = """
from engine import hookimpl

watches = {"case"}

@hookimpl
def before_save(batch):
    for row in batch.rows:
        if row.get("diagnosis"):
            batch.set(row["id"], "note", "has " + row["diagnosis"])
"""

HANDLE = """
from engine import FieldType, StorageType, field_types as known, hookimpl

class Handle(FieldType):
    name = "handle"
    value_type = "text"

    def storage(self, options):
        return StorageType("text")

    def parse(self, raw, options):
        return None if not raw else "@" + str(raw).lstrip("@")

    def format(self, value, options, locale):
        return value or ""

    def json_schema(self, options):
        return {"type": "string"}

    def result(self, options):
        # What follows the @ of an address is no secret; of a handle it is all there is.
        return known()["email"]

@hookimpl
def field_types():
    return [Handle]
"""

DIGEST = """
from engine import SYSTEM, Channel, Message, Query, Words, hookimpl, register_channel

def digest(site):
    with site.reading(SYSTEM) as reader:
        return str(reader.query(Query("case", ("name", "salary"))).json()).encode()

def ask(asking):
    yield Words(digest(asking.site), "mail")

@hookimpl
def setup(site):
    register_channel(Channel("digest", Message("digest"), ask, once=True))
"""


def looked(folder: Path, plugin: str, documents: str = DOCUMENTS, only: tuple[str, ...] = ()) -> LeakReport:
    with world(folder, documents, 7, plugin=plugin, roles=0, people=2, rows=4, held=("clerk",)) as made:
        return made.scan(only, people=1)


def test_without_a_plugin_nothing_leaks(tmp_path: Path) -> None:
    assert not looked(tmp_path, "", only=("list", "record", "history", "export", "rest")).leaks


def test_a_plugin_that_copies_a_masked_value_into_an_open_field_is_found(tmp_path: Path) -> None:
    report = looked(tmp_path, COPIES, only=("list", "export", "history", "screens"))
    found = {(leak.channel, leak.entity, leak.field) for leak in report.leaks}
    assert {("list", "case", "diagnosis"), ("export", "case", "diagnosis"), ("screens", "case", "diagnosis")} <= found


def test_a_type_of_field_whose_mark_shows_the_value_is_found(tmp_path: Path) -> None:
    documents = DOCUMENTS.replace("diagnosis: {type: text}", "diagnosis: {type: handle}")
    report = looked(tmp_path, HANDLE, documents, ("list", "record"))
    leaks = [leak for leak in report.leaks if leak.field == "diagnosis"]
    assert {leak.channel for leak in leaks} == {"list", "record"}
    assert "masked" in str(leaks[0].rule)
    assert "zq" in leaks[0].told


def test_a_plugin_that_tells_people_what_the_system_reads_is_found(tmp_path: Path) -> None:
    try:
        report = looked(tmp_path, DIGEST, only=("digest",))
    finally:
        forget_channel("digest")  # the registry is the process's
    assert {(leak.channel, leak.part, leak.field) for leak in report.leaks} == {("digest", "mail", "salary")}
    [leak] = report.leaks
    assert str(leak.message()).startswith("digest (mail) told ")
    assert leak.message().in_("zh").endswith("该字段对其隐藏")
