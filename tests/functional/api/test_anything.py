"""Whatever is sent to whichever address of the API is answered or refused with a reason, and never breaks it."""

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional.api.conftest import Api
from tests.functional.api.test_rest import UNKNOWN

WORDS = st.sampled_from(
    ["visit", "patient", "visit_item", "nothing", "subject", "fee", "cost", "on_date", "stage", "items", "patient.name",
     "owner", "id", "see", "booked", "-fee", "count()", "sum(fee)", "month(on_date)", "fee > 1", "subject == 'Check'",
     "external_id", "one_a_day", "true", "capped", "50", "0", "2026-01-01", "12.50", UNKNOWN, ""]
)  # fmt: skip
TEXTS = st.one_of(WORDS, st.text(max_size=30))
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.integers(-(10**30), 10**30), TEXTS,
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)  # fmt: skip
KEYS = st.one_of(
    WORDS, st.sampled_from(["where", "select", "search", "group_by", "aggregates", "having", "order_by", "limit", "ids",
                            "cursor", "trashed", "atomic", "operations", "version", "name", "titles", "count",
                            "reason"])
)  # fmt: skip
OPERATIONS = st.dictionaries(
    st.sampled_from(["create", "update", "upsert", "delete", "restore", "transition", "explode"]),
    st.one_of(VALUES, st.dictionaries(st.sampled_from(["id", "ids", "on", "values", "version", "name"]), VALUES)),
    min_size=1, max_size=1,
)  # fmt: skip
BODIES = st.one_of(
    VALUES, st.dictionaries(KEYS, VALUES, max_size=5),
    st.fixed_dictionaries({"operations": st.lists(OPERATIONS, max_size=4)}, optional={"atomic": st.booleans()}),
)  # fmt: skip
PARAMETERS = st.dictionaries(
    st.one_of(
        st.sampled_from(["filter", "fields", "order", "limit", "cursor", "q", "group", "aggregate", "having", "trashed",
                         "ids", "count", "titles", "on", "action", "field", "person", "after", "wait", "role",
                         "fee[gt]", "subject[contains]", "patient.name[in]", "created_at[le]", "cost[eq]",
                         "items[is]"]),
        TEXTS,
    ),
    TEXTS, max_size=4,
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["If-Match", "If-None-Match", "Idempotency-Key", "Prefer", "Accept", "Accept-Encoding", "Range",
                     "Accept-Language", "Origin", "X-Request-Id"]),
    st.one_of(st.sampled_from(['"1"', '"1-ab"', 'W/"1"', "*", "return=minimal", "gzip", "bytes=1-", "zh", "text/html"]),
              st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)),
    max_size=3,
)  # fmt: skip


def addresses(api: Api) -> list[tuple[str, str]]:
    """Return (method, address) of all that the API has, as the application lists it."""
    return [
        (method, rule.rule.removeprefix("/api/v1"))
        for rule in api.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
    ]


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
def test_whatever_is_sent_is_answered_or_refused_with_a_reason(shared: Api, data: st.DataObject) -> None:
    known = shared.ids.setdefault("a visit", "") or shared.create("visit", subject="Check", items=[])["id"]
    shared.ids["a visit"] = known
    method, rule = data.draw(st.sampled_from(addresses(shared)))
    path = re.sub(r"<uuid:\w+>", lambda _: data.draw(st.sampled_from([known, UNKNOWN])), rule)
    path = re.sub(r"<entity>", lambda _: data.draw(st.sampled_from(["visit", "visit", "patient", "nothing"])), path)
    path = re.sub(r"<\w+>", lambda _: data.draw(st.sampled_from(["see", "id_card", "fee", "x"])), path)
    parameters: Mapping[str, str] = data.draw(PARAMETERS)
    options: dict[str, Any] = {"query_string": {name: value for name, value in parameters.items() if name != "wait"}}
    if method != "GET":
        options["json"] = data.draw(BODIES)

    answer = shared.send(
        method, path, data.draw(st.sampled_from(["doctor", "nurse"])), headers=data.draw(HEADERS), **options
    )

    assert answer.status_code < 500, (method, path, options, answer.get_data(as_text=True))
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json", (method, path)
        body = answer.get_json()
        assert body["title"], body
        assert body["status"] == answer.status_code
        assert "sql" not in answer.get_data(as_text=True).lower()


def test_all_addresses_are_tried(lone: Api) -> None:
    assert {method for method, _ in addresses(lone)} == {"GET", "POST", "PATCH", "DELETE"}
    assert {"/<entity>", "/<entity>/bulk", "/<entity>/query", "/files", "/meta"} <= {
        path for _, path in addresses(lone)
    }
