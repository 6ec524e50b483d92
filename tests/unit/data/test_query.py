"""Queries as they come from outside: parameters of a GET, the body of a POST."""

from typing import Any

import pytest

from engine.data.query import MOST_ROWS, Aggregate, Bucket, Query, orders
from engine.errors import ExpressionInvalid, QueryInvalid
from engine.expression import parse
from engine.ids import new_id
from engine.metadata.model import Order


def test_a_get_says_all_that_a_list_needs() -> None:
    params = {
        "filter": "status == 'new' and amount > 1000", "fields": "name, account.name", "order": "-amount,name",
        "limit": "20", "cursor": "abc", "q": " 张三 ",
    }  # fmt: skip

    assert Query.from_params("lead", params) == Query(
        "lead",
        select=("name", "account.name"),
        where=parse("status == 'new' and amount > 1000"),
        order_by=(Order(("amount",), descending=True), Order(("name",))),
        limit=20,
        cursor="abc",
        search="张三",
    )


def test_a_get_without_parameters_is_the_plain_list() -> None:
    assert Query.from_params("lead", {}) == Query("lead")


def test_a_post_says_the_same_and_more() -> None:
    body = {
        "where": "amount > 1", "group_by": ["stage", "month(closed_on)"], "aggregates": {"total": "sum(amount)"},
        "having": "total > 5", "order_by": ["-sum(amount)"], "limit": 10,
    }  # fmt: skip

    assert Query.from_json("deal", body) == Query(
        "deal",
        where=parse("amount > 1"),
        group_by=(Bucket("stage"), Bucket("closed_on", "month")),
        aggregates=(Aggregate("sum", "amount", "total"),),
        having=parse("total > 5"),
        order_by=(Order(("sum(amount)",), descending=True),),
        limit=10,
    )


def test_numbers_have_names_for_the_answer_and_for_conditions() -> None:
    assert Aggregate.parse("sum(amount)").names == {"sum(amount)", "sum_amount"}
    assert Aggregate.parse("count()").names == {"count()", "count"}
    assert Aggregate.parse("count") == Aggregate.parse("count()")
    assert Aggregate.parse("max(account.credit)").names == {"max(account.credit)", "max_account_credit"}
    assert Aggregate("avg", "amount", "mean").names == {"mean"}


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": str(MOST_ROWS + 1)},
        {"limit": "many"},
        {"fields": "name;drop"},
        {"fields": "name.."},
        {"order": "-"},
        {"fields": "name,,"},
        {"trashed": "yes"},
        {"ids": "1,2"},
    ],
)
def test_parameters_that_cannot_be_read_are_refused(params: dict[str, str]) -> None:
    with pytest.raises(QueryInvalid):
        Query.from_params("lead", params)


@pytest.mark.parametrize(
    "body",
    [
        {"selekt": ["name"]},
        {"select": "name"},
        {"select": [1]},
        {"where": ["name"]},
        {"search": 5},
        {"cursor": []},
        {"limit": {}},
        {"limit": "20"},
        {"trashed": "true"},
        {"aggregates": ["median(amount)"]},
        {"aggregates": ["sum()"]},
        {"aggregates": {"total": 5}},
        {"group_by": ["hour(created_at)"]},
        {"ids": ["x"]},
    ],
)
def test_bodies_of_a_wrong_shape_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(QueryInvalid):
        Query.from_json("lead", body)


def test_a_filter_that_is_no_expression_says_where_it_goes_wrong() -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        Query.from_params("lead", {"filter": "amount >"})

    assert refused.value.problems[0].line == 1


def test_ids_and_the_bin_are_asked_for_by_name() -> None:
    one, two = new_id(), new_id()
    query = Query.from_params("lead", {"ids": f"{one},{two}", "trashed": "true"})

    assert (query.ids, query.trashed) == ((one, two), True)
    assert Query.from_json("lead", {"ids": []}).ids == ()


def test_orders_are_paths_or_numbers() -> None:
    assert orders(["account.name", "-count()"]) == (Order(("account", "name")), Order(("count()",), descending=True))
