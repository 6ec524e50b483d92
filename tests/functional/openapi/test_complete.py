"""Whatever can be asked of the API is in its document, and nothing else: addresses, conditions, types of values."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest

from engine import OPERATORS
from tests.functional.openapi.conftest import Described

ID = "01990000-0000-7000-8000-000000000001"


def rules(described: Described) -> set[tuple[str, str]]:
    """Return (method, address) of all that the application answers under /api/v1 and /hooks; `*` = some word."""
    found = set()
    for rule in described.app.url_map.iter_rules():
        if rule.rule.startswith(("/api/v1/", "/hooks")):
            path = re.sub(r"<[^>]+>", "*", rule.rule.removeprefix("/api/v1"))
            found |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found


def told(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return (method, address) of all that a document has, in the same form."""
    entities = {tag["name"] for tag in document["tags"]} - {"guanxi"}
    found = set()
    for path, item in document["paths"].items():
        steps = ["*" if each.startswith("{") else each for each in path.split("/")]
        if steps[1] in entities:
            steps[1] = "*"
        if len(steps) > 4 and steps[3] in {"transition", "action", "reveal"}:
            steps[4] = "*"
        found |= {(method.upper(), "/".join(steps)) for method in item if method in {"get", "post", "patch", "delete"}}
    return found


def test_every_address_is_described_and_every_description_is_answered(clinic: Described) -> None:
    more = """
workflow: call_back
on: {button: {entity: visit, label: {en: Call back, zh: 回电}}}
steps: {note: {do: update, set: {subject: "'Called'"}}}
---
role: opener
grants: {contact: {read: all, fields: {mobile: reveal}}}
"""
    folder = clinic.site.config.folder
    (folder / "schemas" / "more.yaml").write_text(more, encoding="utf-8")
    clinic.site.publish()
    opener = clinic.site.identity.add("Opie", "opie@example.com", ("opener",))
    clinic.tokens["opie"] = clinic.site.identity.add_token(opener, "test", (), None)[1]

    known = told(clinic.document("ada")) | told(clinic.document("opie"))

    assert rules(clinic) == known


def test_the_conditions_of_a_list_are_those_that_its_fields_take(shown: Described) -> None:
    document, entity = shown.document(), shown.site.published.model.entity("thing")
    shared = document["components"]["schemas"]
    parameters = {each["name"]: each for each in document["paths"]["/thing"]["get"]["parameters"] if "name" in each}
    usual = {
        "number": "5", "boolean": "true", "date": "2031-01-01", "datetime": "2031-01-01T00:00:00Z", "time": "09:00",
        "link": ID, "many": ID,
    }  # fmt: skip
    for key, field in entity.fields.items():
        schema = parameters.get(key, {}).get("schema", {})
        schema = shared[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        value = next(iter(field.choices), usual.get(field.value_type.name.lower(), "x"))
        for operator in OPERATORS:
            asked = urlencode({f"{key}[{operator}]": "null" if operator == "is" else value})
            taken = shown.get(f"/thing?fields=id&{asked}").status_code == 200
            assert taken == (operator in schema.get("properties", {})), f"{key}[{operator}]"


def test_conditions_along_links_are_one_parameter_that_takes_their_names(shown: Described) -> None:
    listed = shown.document()["paths"]["/visit"]["get"]["parameters"]
    along = next(each for each in listed if each.get("name") == "along_links")
    check = jsonschema.Draft202012Validator(along["schema"]).is_valid

    assert check({"patient.name[contains]": "An"})
    assert not check({"patient.name[like]": "An"})
    assert shown.get("/visit?patient.name[contains]=An").status_code == 200
    assert shown.get("/visit?patient.name[like]=An").status_code == 400


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("name", 5), ("note", True), ("story", ["x"]), ("size", True), ("size", "1,5"), ("size", "12 万"),
        ("pieces", "5"), ("pieces", 1.5), ("price", "€5"), ("ready", "yes"), ("ready", 1), ("made_on", ""),
        ("made_on", "1.2.2031"), ("made_on", 20310102), ("shown_at", "2031-01-02"),
        ("shown_at", "2031-01-02T10:00:00"), ("opens", "9 o'clock"), ("lasts", "1h"), ("kind", "New thing"),
        ("traits", "red"), ("traits", ["Red"]), ("words", "a, b"), ("maker", "Anna"), ("maker", {"name": "Anna"}),
        ("friends", ID), ("about", {"entity": "thing", "id": ID}), ("mail", 5), ("page", "example.com"),
        ("place", "Road 5"), ("place", {"street": 5}), ("spot", "30, 120"), ("tint", "blue"), ("stars", "3"),
        ("extra", "{}"), ("external_id", 7), ("id", ""), ("id", 5), ("pin", 1234), ("papers", ID),
    ],
)  # fmt: skip
def test_a_value_that_the_document_does_not_name_is_refused_at_its_place(
    shown: Described, field: str, sent: Any
) -> None:
    document = shown.document()
    schema = {"$ref": "#/components/schemas/thing.create", "components": document["components"]}
    headers = {"Authorization": f"Bearer {shown.tokens['ada']}"}

    answer = shown.app.test_client().post("/api/v1/thing", json={"name": "x", field: sent}, headers=headers)

    assert list(jsonschema.Draft202012Validator(schema, format_checker=FORMATS).iter_errors({"name": "x", field: sent}))
    assert (answer.status_code, [each["path"] for each in answer.get_json()["errors"]]) == (422, [field])


FORMATS = jsonschema.FormatChecker(["date", "uuid"])
FORMATS.checks("date-time")(
    lambda text: not isinstance(text, str) or re.fullmatch(r".+T.+(Z|[+-]..:..)", text) is not None
)


def test_what_is_read_can_be_sent_back(clinic: Described) -> None:
    headers = {"Authorization": f"Bearer {clinic.tokens['ada']}"}
    client = clinic.app.test_client()
    whole = {
        "name": "Vase", "size": "1.50", "pieces": 5, "price": 7, "ready": True, "made_on": "2031-01-02",
        "shown_at": "2031-01-02T10:00:00+08:00", "opens": "09:00", "lasts": 3600, "kind": "old", "traits": ["red"],
        "words": ["a"], "place": {"city": "杭州"}, "spot": {"lat": 30, "lng": 120.5}, "tint": "#ABCDEF", "stars": 3,
        "extra": {"a": [1]}, "mail": "a@example.com", "page": "https://example.com/", "external_id": "V1",
    }  # fmt: skip
    made = client.post("/api/v1/thing", json=whole, headers=headers)
    assert made.status_code == 201, made.get_data(as_text=True)
    sendable = clinic.document()["components"]["schemas"]["thing.update"]["properties"]

    back = {key: value for key, value in made.get_json().items() if key in sendable}
    again = client.patch(f"/api/v1/thing/{made.get_json()['id']}", json=back, headers=headers)

    assert again.status_code == 200, again.get_data(as_text=True)
    assert {**again.get_json(), "updated_at": ""} == {**made.get_json(), "updated_at": ""}
