"""What PostgreSQL computes for us where it has no function that means the same: templates of plain SQL.

Every argument stands in a template once, below `OFFSET 0`, which keeps the planner from copying it
into each place where its column is used; so nested expressions stay as small as they are written.
Without columns the whole is computed once per statement, and an index on the other side is used.
"""

# ruff: noqa: S608 - the templates are constants, and SQLAlchemy renders what is put into them

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Date, DateTime, Numeric, Text, Time
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


def _template(name: str, text: str, result: TypeEngine[Any]) -> type[FunctionElement[Any]]:
    """Return a function element that renders as the text, with {0}, {1} for its arguments."""
    made = type(name, (FunctionElement,), {"inherit_cache": True, "name": name, "type": result})

    def render(element: Any, compiler: Any, **options: Any) -> str:
        return text.format(*(compiler.process(each, **options) for each in element.clauses))

    compiles(made)(render)
    return made


_FIRST_DATE, _LAST_DATE = "DATE '0001-01-01'", "DATE '9999-12-31'"
_FIRST_MOMENT = "TIMESTAMPTZ '0001-01-01 00:00:00+00'"
_LAST_MOMENT = "TIMESTAMPTZ '9999-12-31 23:59:59.999+00'"
_PAIR = "(SELECT {0} AS n, nullif({1}, 0) AS d OFFSET 0) a"

Quotient = _template(
    "gx_quotient",
    "(SELECT sign(c.n) * sign(c.d) * 0.0000000001 * (c.q + CASE WHEN 2 * c.r > abs(c.d) "
    "OR (2 * c.r = abs(c.d) AND mod(c.q, 2) = 1) THEN 1 ELSE 0 END) "
    "FROM (SELECT b.n, b.d, b.q, abs(b.n) * 10000000000 - b.q * abs(b.d) AS r "
    f"FROM (SELECT a.n, a.d, div(abs(a.n) * 10000000000, abs(a.d)) AS q FROM {_PAIR} OFFSET 0) b OFFSET 0) c)",
    Numeric(),
)

Floor = _template(
    "gx_floor",
    "(SELECT b.q - CASE WHEN b.q * b.d <> b.n AND (b.n < 0) <> (b.d < 0) THEN 1 ELSE 0 END "
    f"FROM (SELECT a.n, a.d, div(a.n, a.d) AS q FROM {_PAIR} OFFSET 0) b)",
    Numeric(),
)

Modulo = _template(
    "gx_modulo",
    "(SELECT CASE WHEN b.m <> 0 AND (b.m < 0) <> (b.d < 0) THEN b.m + b.d ELSE b.m END "
    f"FROM (SELECT a.d, mod(a.n, a.d) AS m FROM {_PAIR} OFFSET 0) b)",
    Numeric(),
)

Round = _template(
    "gx_round",
    "(SELECT b.u * (b.f + CASE WHEN b.x - b.f > 0.5 OR (b.x - b.f = 0.5 AND mod(b.f, 2) <> 0) THEN 1 ELSE 0 END) "
    "FROM (SELECT a.x, a.u, floor(a.x) AS f FROM (SELECT {0} * {1} AS x, {2} AS u OFFSET 0) a OFFSET 0) b)",
    Numeric(),
)

Fit = _template(
    "gx_fit", "(SELECT CASE WHEN abs(a.x) <= {1} THEN a.x END FROM (SELECT {0} AS x OFFSET 0) a)", Numeric()
)

NumberOf = _template(
    "gx_number",
    "(SELECT CASE WHEN a.t ~ '^[+-]?[0-9]{{1,18}}(\\.[0-9]{{1,10}})?$' THEN CAST(a.t AS NUMERIC) END "
    "FROM (SELECT {0} AS t OFFSET 0) a)",
    Numeric(),
)

NumberText = _template("gx_number_text", "CAST(trim_scale(CAST({0} AS NUMERIC)) AS TEXT)", Text())

AddDays = _template(
    "gx_add_days",
    f"(SELECT CASE WHEN a.n BETWEEN {_FIRST_DATE} - a.d AND {_LAST_DATE} - a.d THEN a.d + CAST(a.n AS INTEGER) END "
    "FROM (SELECT {0} AS d, {1} AS n OFFSET 0) a)",
    Date(),
)

AddDaysToMoment = _template(
    "gx_add_days_to_moment",
    f"(SELECT CASE WHEN a.n * 86400 BETWEEN EXTRACT(EPOCH FROM {_FIRST_MOMENT} - a.d) "
    f"AND EXTRACT(EPOCH FROM {_LAST_MOMENT} - a.d) THEN a.d + a.n * INTERVAL '24 hours' END "
    "FROM (SELECT {0} AS d, {1} AS n OFFSET 0) a)",
    DateTime(timezone=True),
)

AddMonths = _template(
    "gx_add_months",
    "(SELECT CASE WHEN EXTRACT(YEAR FROM a.d) * 12 + EXTRACT(MONTH FROM a.d) + a.n BETWEEN 13 AND 120000 "
    "THEN CAST(a.d + make_interval(months => CAST(a.n AS INTEGER)) AS DATE) END "
    "FROM (SELECT {0} AS d, {1} AS n OFFSET 0) a)",
    Date(),
)

MonthsBetween = _template(
    "gx_months_between",
    "(SELECT b.g * (12 * (EXTRACT(YEAR FROM b.e) - EXTRACT(YEAR FROM b.s)) + EXTRACT(MONTH FROM b.e) "
    "- EXTRACT(MONTH FROM b.s) - CASE WHEN EXTRACT(DAY FROM b.e) < EXTRACT(DAY FROM b.s) "
    "AND EXTRACT(MONTH FROM b.e + 1) = EXTRACT(MONTH FROM b.e) THEN 1 ELSE 0 END) "
    "FROM (SELECT least(a.s, a.e) AS s, greatest(a.s, a.e) AS e, "
    "CASE WHEN a.s <= a.e THEN 1 WHEN a.s > a.e THEN -1 END AS g "
    "FROM (SELECT {0} AS s, {1} AS e OFFSET 0) a OFFSET 0) b)",
    Numeric(),
)

LocalDate = _template(
    "gx_local_date",
    f"(SELECT CASE WHEN a.d BETWEEN {_FIRST_DATE} AND {_LAST_DATE} THEN a.d END "
    "FROM (SELECT CAST(({0}) AT TIME ZONE {1} AS DATE) AS d OFFSET 0) a)",
    Date(),
)

_MOMENT_WITHIN = f"(SELECT CASE WHEN a.d BETWEEN {_FIRST_MOMENT} AND {_LAST_MOMENT} THEN a.d END "

Midnight = _template(
    "gx_midnight",
    _MOMENT_WITHIN + "FROM (SELECT CAST({0} AS TIMESTAMP) AT TIME ZONE {1} AS d OFFSET 0) a)",
    DateTime(timezone=True),
)

MomentFrom = _template(
    "gx_moment_from",
    _MOMENT_WITHIN + "FROM (SELECT (({0}) + ({1})) AT TIME ZONE {2} AS d OFFSET 0) a)",
    DateTime(timezone=True),
)

_DAY_EXISTS = (
    "EXTRACT(DAY FROM make_date(CAST({y} AS INTEGER), CAST({m} AS INTEGER), 1) + INTERVAL '1 month' - INTERVAL '1 day')"
)

DateFrom = _template(
    "gx_date_from",
    "(SELECT CASE WHEN a.y BETWEEN 1 AND 9999 AND a.m BETWEEN 1 AND 12 AND a.d BETWEEN 1 AND 31 THEN "
    f"CASE WHEN a.d <= {_DAY_EXISTS.format(y='a.y', m='a.m')} "
    "THEN make_date(CAST(a.y AS INTEGER), CAST(a.m AS INTEGER), CAST(a.d AS INTEGER)) END END "
    "FROM (SELECT {0} AS y, {1} AS m, {2} AS d OFFSET 0) a)",
    Date(),
)

_TEXT_DATE = (
    "CASE WHEN a.t ~ '^(?!0000)[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' THEN "
    "CASE WHEN CAST(substr(a.t, 9, 2) AS INTEGER) <= "
    f"{_DAY_EXISTS.format(y='substr(a.t, 1, 4)', m='substr(a.t, 6, 2)')} "
    "THEN CAST(substr(a.t, 1, 10) AS DATE) END END"
)

DateOf = _template(
    "gx_date",
    f"(SELECT CASE WHEN length(a.t) = 10 THEN {_TEXT_DATE} END FROM (SELECT {{0}} AS t OFFSET 0) a)",
    Date(),
)

_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"

TimeOf = _template(
    "gx_time",
    f"(SELECT CASE WHEN a.t ~ '^{_CLOCK}(:[0-5][0-9])?$' THEN CAST(a.t AS TIME) END "
    "FROM (SELECT {0} AS t OFFSET 0) a)",
    Time(),
)

_OFFSET = "substring(b.t FROM '[+-][0-9]{{2}}:[0-9]{{2}}$')"

DatetimeOf = _template(
    "gx_datetime",
    f"(SELECT CASE WHEN c.d BETWEEN {_FIRST_MOMENT} AND {_LAST_MOMENT} THEN c.d END FROM (SELECT "
    f"CASE WHEN right(b.t, 1) = 'Z' THEN b.d AT TIME ZONE 'UTC' WHEN length(b.t) > 16 AND {_OFFSET} IS NOT NULL "
    f"THEN CASE WHEN substr({_OFFSET}, 2) <= '15:00' THEN "
    f"(b.d - CAST({_OFFSET} AS INTERVAL)) AT TIME ZONE 'UTC' END ELSE b.d AT TIME ZONE b.z END AS d "
    f"FROM (SELECT a.t, a.z, CASE WHEN a.t ~ "
    f"'^[0-9-]{{{{10}}}}[T ]{_CLOCK}(:[0-5][0-9](\\.[0-9]{{{{1,3}}}})?)?(Z|[+-][0-9]{{{{2}}}}:[0-5][0-9])?$' "
    f"THEN ({_TEXT_DATE}) + CAST(substring(substr(a.t, 12) FROM '^[0-9:.]+') AS TIME) END AS d "
    "FROM (SELECT {0} AS t, {1} AS z OFFSET 0) a OFFSET 0) b OFFSET 0) c)",
    DateTime(timezone=True),
)

DatetimeText = _template(
    "gx_datetime_text", "to_char(({0}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')", Text()
)
DateText = _template("gx_date_text", "to_char(({0}), 'YYYY-MM-DD')", Text())
DatePart = {
    name: _template(f"gx_{name}", f"EXTRACT({part} FROM {{0}})", Numeric())
    for name, part in {"year": "YEAR", "month": "MONTH", "day": "DAY", "weekday": "ISODOW"}.items()
}
DaysBetween = _template("gx_days_between", "(CAST({1} AS DATE) - CAST({0} AS DATE))", Numeric())

Folded = _template("gx_folded", 'lower(({0}) COLLATE "default")', Text())
"""Lower case by the rules of the database, not of the column, whose collation "C" knows ASCII letters only."""
Lower = _template("gx_lower", '(lower(({0}) COLLATE "default") COLLATE "C")', Text())
Upper = _template("gx_upper", '(upper(({0}) COLLATE "default") COLLATE "C")', Text())
StartsWith = _template("gx_starts_with", "starts_with({0}, {1})", Boolean())
EndsWith = _template("gx_ends_with", "starts_with(reverse({0}), reverse({1}))", Boolean())
