"""Publishing on a garage that has records: nothing is lost that nobody accepted to lose, and everything comes back."""

import json

import pytest

from tests.functional.acceptance.conftest import Place

CARS = "plate,value,note,drivers\nA1,100,12,Ann\nA2,200,abc,\nA3,300,,Ann; Ben\nA4,,7.5,\n"
VALUE = "value: {type: money, currency: CNY, min: 0, label: {en: Value, zh: 价值}}"
NOTE = "note: {type: longtext, hidden: true}"
DRIVERS = "drivers: {type: lookups, to: contact, label: {en: Drivers, zh: 驾驶员}}"


@pytest.fixture
def cars(garage: Place) -> Place:
    """The garage with cars and drivers."""
    garage.create("contact", name="Ann")
    garage.create("contact", name="Ben")
    assert garage.command("import", "car", garage.file("cars.csv", CARS)).err == ""
    return garage


def rows(garage: Place, *fields: str) -> list[str]:
    """Return the cars as an export says them."""
    return sorted(garage.command("export", "car", "--fields", ",".join(fields)).out.splitlines()[1:])


def rewrite(garage: Place, *changes: tuple[str, str]) -> None:
    """Change the documents of the folder."""
    file = garage.folder / "schemas" / "garage.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def test_retypes_with_bad_rows_are_refused_with_the_rows_and_come_back_by_a_rollback(cars: Place) -> None:
    before = rows(cars, "plate", "note", "value")
    worth = "worth: {renamed_from: value, type: integer, max: 250}"
    rewrite(cars, (NOTE, "note: {type: integer}"), (VALUE, worth), ("value: hidden", "worth: hidden"))

    refused = cars.command("publish")

    assert refused.code == 1
    [line] = refused.err.splitlines()
    assert line.endswith("publish with --accept car.worth=1 --accept car.note=2 if that is right")
    listed = [each.split()[-1] for each in refused.out.splitlines() if each.startswith("      ")]
    assert listed == ["300.00", "abc", "7.5"]
    told = json.loads(cars.command("publish", "--accept", "car.note=2", "--json").err)
    assert [each["losses"] for each in told["plan"]["changes"] if "losses" in each] == [1, 2]
    assert rows(cars, "plate", "note", "value") == before

    accepted = cars.command("publish", "--accept", "car.note=2", "--accept", "car.worth=1", "-m", "Whole numbers")
    assert (accepted.code, accepted.err) == (0, "")
    assert rows(cars, "plate", "note", "worth") == ["A1,12,100", "A2,,200", "A3,,", "A4,,"]

    assert cars.command("rollback", "1").code == 0
    assert rows(cars, "plate", "note", "value") == before
    assert "guanxi pull" in cars.command("publish").err
    assert cars.command("pull").code == 0
    assert cars.command("plan").code == 0
    assert [each["comment"] for each in cars.command("history", "--json").json][1:] == ["Whole numbers", None]


def test_a_rollback_takes_back_names_however_often_they_changed(cars: Place) -> None:
    before = rows(cars, "plate", "value", "drivers")
    money = "type: money, currency: CNY"
    rewrite(
        cars,
        (VALUE, f"worth: {{renamed_from: value, {money}}}"),
        (DRIVERS, "people: {renamed_from: drivers, type: lookups, to: contact}"),
        ("value: hidden", "worth: hidden"),
    )
    assert cars.command("publish").code == 0
    assert rows(cars, "plate", "worth", "people") == before
    rewrite(cars, (f"worth: {{renamed_from: value, {money}}}", f"price: {{renamed_from: worth, {money}}}"))
    rewrite(
        cars, ("people: {renamed_from: drivers, type: lookups, to: contact}", ""), ("worth: hidden", "price: hidden")
    )
    assert cars.command("publish").code == 0
    rewrite(cars, (f"price: {{renamed_from: worth, {money}}}", ""), (", fields: {price: hidden, bought: read}", ""))
    assert cars.command("publish").code == 0

    for number, fields in ((1, ("value", "drivers")), (2, ("worth", "people")), (1, ("value", "drivers"))):
        done = cars.command("rollback", str(number))
        assert (done.code, done.err) == (0, "")
        assert rows(cars, "plate", *fields) == before
    assert cars.command("doctor").code == 0


def test_an_object_that_was_renamed_keeps_its_records_links_and_history_and_gets_its_name_back(cars: Place) -> None:
    maker = cars.create("maker", name="Geely")
    cars.update("maker", maker, name="吉利")
    rewrite(
        cars,
        ("entity: maker\n", "entity: brand\nrenamed_from: maker\n"),
        ("to: maker", "to: brand"),
        ("  maker: {read: all", "  brand: {read: all"),
        ("  maker: {geely", "  brand: {geely"),
    )

    assert cars.command("publish").err == ""

    assert [each["name"] for each in cars.list("brand")] == ["吉利"]
    history = cars.send("GET", f"/brand/{maker['id']}/history").get_json()["data"]
    assert [each["version"] for each in history] == [2, 1]
    assert cars.send("GET", "/maker").status_code == 404
    assert cars.command("rollback", "1").err == ""
    assert [each["name"] for each in cars.list("maker")] == ["吉利"]
    assert len(cars.send("GET", f"/maker/{maker['id']}/history").get_json()["data"]) == 2


def test_a_file_that_is_gone_takes_its_objects_along_and_gives_them_back(cars: Place) -> None:
    before = rows(cars, "plate", "value", "drivers")
    file = cars.folder / "schemas" / "garage.yaml"
    text = file.read_text(encoding="utf-8")
    file.unlink()

    done = cars.command("publish", "--json")

    assert done.code == 0
    assert {each["kind"] for each in done.json["plan"]["changes"]} >= {"retire_table"}
    assert cars.send("GET", "/car").status_code == 404
    assert cars.command("doctor").code == 0
    assert cars.command("purge").code == 0
    file.write_text(text, encoding="utf-8")
    assert cars.command("publish").code == 0
    assert rows(cars, "plate", "value", "drivers") == before
