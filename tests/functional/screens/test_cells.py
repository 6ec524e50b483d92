"""One field filled in where it stands: in the cell of a list, and among the facts of a record."""

import re

import pytest

from engine import SYSTEM, Change
from tests.functional.screens.filling import Form, _Reader
from tests.functional.screens.world import Web, World

HTMX = {"HX-Request": "true"}


def cell(web: Web, address: str) -> Form:
    """Open the input of a cell as the script does."""
    answer = web.get(address, **HTMX)
    assert answer.status_code == 200, answer.text
    return form_of(web, answer.text)


def form_of(web: Web, page: str) -> Form:
    """Return the form of a cell."""
    reader = _Reader()
    reader.feed(page.replace("data-cell-form", "data-guard"))
    return Form(web, page, reader.action, reader.values, reader.names, reader.options, reader.problems)


@pytest.fixture
def deal(world: World) -> str:
    """A deal of Ben's."""
    [id_] = world.create("deal", {"name": "Bridge", "amount": "100", "owner": world.ids["ben"], "margin": "12"})
    return id_


def test_a_cell_is_filled_in_and_its_row_shows_what_follows(world: World, deal: str) -> None:
    ben = world.browser("ben")
    page = ben.text("/deal")
    assert 'data-path="amount" data-edit' in page
    assert 'data-path="created_at"' in page
    assert 'data-path="created_at" data-edit' not in page
    assert 'data-path="margin' not in page, "nothing tells of a field that is hidden"

    form = cell(ben, f"/deal/{deal}/cell/amount")
    assert form.values["amount"] == "100.00"
    saved = form.fill(amount="1,250.5").send(columns="name,stage:badge,amount,vat", **{"as": "list"})
    assert saved.status_code == 200
    told = dict(re.findall(r'<template data-path="([a-z]+)">(.*?)</template>', saved.text))
    assert "1,250.50" in told["amount"]
    assert "162.5" in told["vat"], "what is worked out from it comes along"
    assert told["name"] == f'<a href="/deal/{deal}">Bridge</a>'
    [undo] = re.findall(r'action="(/deal/undo/[^"]+)"', saved.text)
    ben.submit(undo)
    assert cell(ben, f"/deal/{deal}/cell/amount").values["amount"] == "100.00"


def test_what_is_wrong_stands_at_the_cell_and_what_was_typed_stays(world: World, deal: str) -> None:
    ben = world.browser("ben")
    answer = cell(ben, f"/deal/{deal}/cell/amount").fill(amount="-5").send()
    assert answer.status_code == 422
    again = form_of(ben, answer.text)
    assert again.values["amount"] == "-5"
    assert again.problems["amount"]


def test_a_cell_that_somebody_else_changed_says_so_and_yields_only_when_asked(world: World, deal: str) -> None:
    ben = world.browser("ben")
    form = cell(ben, f"/deal/{deal}/cell/name").fill(name="Tunnel")
    world.site.records.update(SYSTEM, "deal", [Change(deal, {"name": "Viaduct"})])
    answer = form.send()
    assert answer.status_code == 409
    assert "Viaduct" in answer.text
    again = form_of(ben, answer.text)
    assert again.values["name"] == "Tunnel"
    assert again.send(columns="name").status_code == 200
    assert "Tunnel" in ben.text(f"/deal/{deal}")


def test_rights_of_a_field_and_of_a_record_hold_in_cells(world: World, deal: str) -> None:
    [other] = world.create("deal", {"name": "Ada's", "owner": world.ids["ada"]})
    ben, cao = world.browser("ben"), world.browser("cao")
    assert ben.get(f"/deal/{deal}/cell/margin", **HTMX).status_code == 404, "hidden from sellers"
    assert ben.get(f"/deal/{deal}/cell/vat", **HTMX).status_code == 403, "a formula is nobody's to fill in"
    assert ben.get(f"/deal/{deal}/cell/nonsense", **HTMX).status_code == 404
    assert ben.get(f"/deal/{other}/cell/name", **HTMX).status_code == 404
    assert cao.get(f"/deal/{deal}/cell/name", **HTMX).status_code == 403, "a boss reads all and changes their own"
    assert cao.submit(f"/deal/{deal}/cell/name", {"was-name": "Bridge", "name": "Taken"}).status_code == 403
    assert "data-edit" not in world.browser("dan").get("/deal").text


def test_columns_tell_no_more_than_may_be_known(world: World, deal: str) -> None:
    ben = world.browser("ben")
    saved = cell(ben, f"/deal/{deal}/cell/name").fill(name="New").send(columns="margin,name,owner.email,x.y,__class__")
    assert saved.status_code == 200
    assert set(re.findall(r'data-path="([^"]+)"', saved.text)) <= {"name", "owner.email"}


def test_without_a_script_the_address_of_a_cell_leads_to_the_form(world: World, deal: str) -> None:
    ben = world.browser("ben")
    assert ben.get(f"/deal/{deal}/cell/name").headers["Location"] == f"/deal/{deal}/edit#f-name"
    assert f'href="/deal/{deal}/edit#f-name"' in ben.text(f"/deal/{deal}")


def test_hostile_words_are_words_in_a_cell(world: World, deal: str) -> None:
    ben = world.browser("ben")
    bad = "<script>alert(1)</script>{{ 7 * 7 }}</template>"
    saved = cell(ben, f"/deal/{deal}/cell/name").fill(name=bad).send(columns="name")
    assert "<script>" not in saved.text
    assert "&lt;script&gt;" in saved.text
    assert "{{ 7 * 7 }}" in saved.text
    assert "<script>" not in ben.get(f"/deal/{deal}/cell/name", **HTMX).text
