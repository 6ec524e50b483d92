"""The floor: what a good developer writes by hand for one entity, and what we are measured against.

Flask, SQLAlchemy Core, Jinja2 and orjson over one table `leads`; token sign-in, a row rule (own or team), field
validation, and nothing else: no history, no hooks, no metadata. `tuned` adds what an expert would add after profiling:
composite indexes, keyset paging, late row look-up and full text. A faster floor is a fair change, a slower one is not.

    python -m tests.bench.floor fill  URL COUNT [tuned|plain]     make the tables and the leads
    python -m tests.bench.floor load  URL FILE  [tuned|plain]     import a CSV, validated
"""

from __future__ import annotations

import base64
import csv
import os
import random
import re
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from flask import Flask, Response, g, request
from sqlalchemy import event

from tests.bench import people

metadata = sa.MetaData()
users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("team", sa.Integer, nullable=False, index=True),
    sa.Column("token", sa.Text, nullable=False, unique=True),
)
leads = sa.Table(
    "leads",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    *(
        sa.Column(name, sa.Text)
        for name in ("name", "company", "phone", "email", "stage", "source", "country", "city", "industry")
    ),
    sa.Column("amount", sa.BigInteger),  # cents
    sa.Column("score", sa.Integer),
    *(sa.Column(name, sa.Text) for name in ("website", "next_on", "note")),
    sa.Column("external_id", sa.Text, unique=True),
    sa.Column("owner", sa.ForeignKey("users.id"), index=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False, index=True),
)
sa.Index("leads_stage", leads.c.stage)
TUNED = (
    "CREATE INDEX leads_list ON leads (stage, country, amount DESC, id DESC)",
    "CREATE INDEX leads_amount ON leads (amount DESC, id DESC)",
    "CREATE INDEX leads_owned ON leads (owner, updated_at DESC, id DESC)",
    "CREATE INDEX leads_recent ON leads (updated_at DESC, id DESC)",
    "CREATE INDEX leads_sums ON leads (stage, next_on, amount)",
)
COLUMNS = (
    "id",
    "name",
    "company",
    "stage",
    "source",
    "country",
    "city",
    "amount",
    "score",
    "next_on",
    "owner",
    "updated_at",
)
ALL = tuple(str(column.name) for column in leads.columns)


def connect(url: str) -> sa.Engine:
    """Return an engine with the same settings as the product's."""
    if url.startswith("postgresql:"):
        url = "postgresql+psycopg:" + url.removeprefix("postgresql:")
    engine = sa.create_engine(url, pool_size=8)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _settings(connection: Any, _record: object) -> None:
            connection.isolation_level = None
            for pragma in (
                "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000", "temp_store=MEMORY",
                "cache_size=-16000", "wal_autocheckpoint=4000",
            ):  # fmt: skip
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql(
                "BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN"
            )

    return engine


# ---------------------------------------------------------------------------------------------- validation

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[0-9 ()-]{5,20}")


def validated(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a lead and the problems by field."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, given in raw.items():
        if key not in people.FIELDS:
            problems[key] = "unknown"
            continue
        value = given.strip() if isinstance(given, str) else given
        if value in {"", None}:
            values[key] = None
            continue
        try:
            if key == "amount":
                cents = Decimal(str(value)) * 100
                if not cents.is_finite() or cents != cents.to_integral_value():
                    raise ValueError
                value = int(cents)
            elif key == "score":
                value = int(value)
                if not 0 <= value <= 100:
                    raise ValueError
            elif key == "next_on":
                value = date.fromisoformat(value).isoformat()
            elif (
                not isinstance(value, str)
                or len(value) > 2_000
                or "\0" in value
                or (key == "stage" and value not in people.STAGES)
                or (key == "source" and value not in people.SOURCES)
                or (key == "email" and not _EMAIL.fullmatch(value))
                or (key == "phone" and not _PHONE.fullmatch(value))
                or (key == "website" and not value.startswith(("https://", "http://")))
            ):
                raise ValueError
        except (ValueError, InvalidOperation):
            problems[key] = "invalid"
            continue
        values[key] = value
    if not values.get("name"):
        problems["name"] = "required"
    return values, problems


def now() -> str:
    """Return the time as stored."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """Return an id that sorts by time."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    return str(uuid.UUID(int=(milliseconds << 80) | 0x7 << 76 | 2 << 62 | random.getrandbits(62)))


# ---------------------------------------------------------------------------------------------- full text


def words(*texts: str | None) -> str:
    """Return texts cut into words that both databases index alike: Latin words, and Chinese 1- and 2-grams."""
    found: list[str] = []
    for text in texts:
        for run in re.findall(r"[\u4e00-\u9fff]+|[0-9a-z]+", (text or "").lower()):
            if "\u4e00" <= run[0] <= "\u9fff":
                found += list(run) + [run[i : i + 2] for i in range(len(run) - 1)]
            else:
                found.append(run)
    return " ".join(found)


def match(text: str) -> str:
    """Return the FTS5 expression for a query."""
    parts = []
    for run in re.findall(r"[\u4e00-\u9fff]+|[0-9a-z]+", text.lower()):
        if "\u4e00" <= run[0] <= "\u9fff":
            parts += [f'"{run[i : i + 2]}"' for i in range(max(1, len(run) - 1))]
        else:
            parts.append(f'"{run}"*')
    return " AND ".join(parts)


# ---------------------------------------------------------------------------------------------- application

LIST = (Path(__file__).parent / "floor.html").read_text(encoding="utf-8")


def create_app() -> Flask:
    """Return the floor application; FLOOR_URL and FLOOR_MODE (tuned, plain) say what it works on."""
    app = Flask(__name__)
    engine = connect(os.environ["FLOOR_URL"])
    tuned = os.environ.get("FLOOR_MODE", "tuned") == "tuned"
    sqlite = engine.dialect.name == "sqlite"
    columns = [leads.c[name] for name in COLUMNS]
    by_token = sa.select(users).where(users.c.token == sa.bindparam("token"))
    by_id = sa.select(leads).where(leads.c.id == sa.bindparam("id"))
    mine = sa.or_(
        leads.c.owner == sa.bindparam("me"),
        leads.c.owner.in_(sa.select(users.c.id).where(users.c.team == sa.bindparam("team"))),
    )

    @app.before_request
    def _sign_in() -> Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.cookies.get("token", "")
        g.connection = engine.connect().execution_options(write=request.method != "GET")
        g.user = g.connection.execute(by_token, {"token": token}).one_or_none()
        return None if g.user else Response(status=401)

    @app.teardown_request
    def _close(_error: BaseException | None) -> None:
        if "connection" in g:
            g.connection.close()

    def answer(body: Any, status: int = 200) -> Response:
        return Response(orjson.dumps(body), status, mimetype="application/json")

    def shown(row: Any) -> dict[str, Any]:
        record = dict(zip(COLUMNS if len(row) == len(COLUMNS) else ALL, row, strict=True))
        if record.get("amount") is not None:
            record["amount"] = f"{record['amount'] / 100:.2f}"
        return record

    def rule() -> tuple[Any, dict[str, Any]]:
        if g.user.role == "admin":
            return sa.true(), {}
        return mine, {"me": g.user.id, "team": g.user.team}

    def page(
        where: Iterable[Any], order: list[Any], binds: dict[str, Any], chosen: list[Any], source: Any = leads
    ) -> list[Any]:
        conditions = list(where)
        limit, offset = 50, int(request.args.get("offset", 0))
        statement = sa.select(*chosen).select_from(source).where(*conditions).order_by(*order).limit(limit + 1)
        if offset:
            if tuned:
                ids = (
                    sa.select(leads.c.id).where(*conditions).order_by(*order).limit(limit + 1).offset(offset).subquery()
                )
                statement = (
                    sa.select(*chosen).select_from(source).where(leads.c.id.in_(sa.select(ids.c.id))).order_by(*order)
                )
            else:
                statement = statement.offset(offset)
        return list(g.connection.execute(statement, binds))

    @app.post("/api/leads")
    def create() -> Response:
        values, problems = validated(orjson.loads(request.data))
        if problems:
            return answer({"errors": problems}, 422)
        stamp = now()
        record = {
            **dict.fromkeys(people.FIELDS),
            **values,
            "id": new_id(),
            "version": 1,
            "owner": g.user.id,
            "created_at": stamp,
            "updated_at": stamp,
        }
        g.connection.execute(leads.insert(), record)
        if tuned:
            index(g.connection, sqlite, [record])
        g.connection.commit()
        record["amount"] = None if record["amount"] is None else f"{record['amount'] / 100:.2f}"
        return answer(record, 201)

    @app.get("/api/leads/<id>")
    def read(id: str) -> Response:  # noqa: A002
        allowed, binds = rule()
        row = g.connection.execute(by_id.where(allowed), {"id": id, **binds}).one_or_none()
        return answer(shown(row)) if row else Response(status=404)

    @app.get("/api/leads")
    def listing() -> Response:
        allowed, binds = rule()
        where = [allowed]
        where += [leads.c[name] == request.args[name] for name in ("stage", "country") if name in request.args]
        if "q" in request.args:
            where.append(found(request.args["q"]))
        if "after" in request.args:
            amount, last = base64.urlsafe_b64decode(request.args["after"]).decode().split(",")
            where.append(sa.tuple_(leads.c.amount, leads.c.id) < sa.tuple_(sa.literal(int(amount)), sa.literal(last)))
        rows = page(where, [leads.c.amount.desc(), leads.c.id.desc()], binds, columns)
        after = (
            base64.urlsafe_b64encode(f"{rows[49].amount},{rows[49].id}".encode()).decode() if len(rows) > 50 else None
        )
        return answer({"data": [shown(row) for row in rows[:50]], "next": after})

    def found(text: str) -> Any:
        if tuned and sqlite:
            return leads.c.id.in_(
                sa.text("SELECT id FROM leads_fts WHERE leads_fts MATCH :match").bindparams(match=match(text))
            )
        pattern = f"%{text}%"
        return sa.or_(leads.c.name.ilike(pattern), leads.c.company.ilike(pattern))

    owner = users.alias("owner")
    html = app.jinja_env.from_string(LIST)

    @app.get("/leads")
    def screen() -> str:
        allowed, binds = rule()
        chosen = [*columns, owner.c.name.label("owner_name"), allowed.label("editable")]
        order = [leads.c.updated_at.desc(), leads.c.id.desc()]
        rows = page([allowed], order, binds, chosen, leads.outerjoin(owner, leads.c.owner == owner.c.id))
        heads = ("Name", "Company", "Stage", "Source", "Country", "City", "Amount", "Score", "Owner", "Updated")
        after = rows[49].id if len(rows) > 50 else None
        return html.render(rows=rows[:50], heads=heads, stages=people.STAGES, after=after)

    @app.get("/api/sums")
    def sums() -> Response:
        month = sa.func.substr(leads.c.next_on, 1, 7)
        rows = g.connection.execute(
            sa.select(leads.c.stage, month, sa.func.sum(leads.c.amount), sa.func.count()).group_by(leads.c.stage, month)
        )
        return answer([[stage, when, f"{(total or 0) / 100:.2f}", count] for stage, when, total, count in rows])

    @app.post("/api/leads/bulk")
    def bulk() -> Response:
        body = orjson.loads(request.data)
        values, problems = validated({"name": "x", **body["values"]})
        if problems:
            return answer({"errors": problems}, 422)
        del values["name"]
        changed = g.connection.execute(
            leads.update()
            .where(leads.c.id.in_(body["ids"]))
            .values(**values, updated_at=now(), version=leads.c.version + 1)
        )
        g.connection.commit()
        return answer({"changed": changed.rowcount})

    return app


def index(connection: sa.Connection, sqlite: bool, records: Iterable[Mapping[str, Any]]) -> None:
    """Add leads to the full-text index."""
    if sqlite:
        connection.exec_driver_sql(
            "INSERT INTO leads_fts (id, words) VALUES (?, ?)",
            [(r["id"], words(r["name"], r["company"])) for r in records],
        )


def prepare(engine: sa.Engine, *, tuned: bool) -> None:
    """Make the tables, indexes and users."""
    with engine.connect().execution_options(write=True) as connection:
        metadata.create_all(connection)
        if tuned:
            for statement in TUNED:
                connection.exec_driver_sql(statement)
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql(
                    "CREATE VIRTUAL TABLE leads_fts USING fts5(id UNINDEXED, words, tokenize='unicode61')"
                )
            else:
                connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                connection.exec_driver_sql(
                    "CREATE INDEX leads_trgm ON leads USING gin (name gin_trgm_ops, company gin_trgm_ops)"
                )
        people_rows = [
            {
                "id": f"00000000-0000-7000-8000-{n:012d}",
                "name": f"User {n}",
                "role": "rep",
                "team": n % people.TEAMS,
                "token": f"t{n}",
            }
            for n in range(people.USERS)
        ]
        connection.execute(
            users.insert(),
            [
                *people_rows,
                {
                    **people_rows[0],
                    "id": "00000000-0000-7000-8000-999999999999",
                    "role": "admin",
                    "token": "admin",
                    "name": "Admin",
                },
            ],
        )
        connection.commit()


def insert(engine: sa.Engine, rows: Iterable[Mapping[str, Any]], *, tuned: bool, seeded: bool) -> int:
    """Store validated rows in chunks of a thousand; return how many."""
    done = 0
    with engine.connect().execution_options(write=True) as connection:
        for chunk in _chunks(rows, 1_000):
            records: list[dict[str, Any]] = []
            for raw in chunk:
                values, problems = validated(raw)
                if problems:
                    continue
                number = done + len(records)
                stamp = people.created_at(number).isoformat(timespec="milliseconds") + "Z" if seeded else now()
                records.append(
                    {
                        **dict.fromkeys(people.FIELDS),
                        **values,
                        "id": new_id(),
                        "version": 1,
                        "owner": f"00000000-0000-7000-8000-{number % people.USERS:012d}",
                        "created_at": stamp,
                        "updated_at": stamp,
                    }
                )
            connection.execute(leads.insert(), records)
            if tuned:
                index(connection, engine.dialect.name == "sqlite", records)
            done += len(records)
        connection.commit()
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return done


def add_field(engine: sa.Engine, name: str, lead: Mapping[str, Any]) -> None:
    """Add a column and store a lead with it, as a developer would by hand; the application's own code stays behind."""
    with engine.connect().execution_options(write=True) as connection:
        connection.exec_driver_sql(f"ALTER TABLE leads ADD COLUMN {name} TEXT")
        connection.commit()
    values, _ = validated(lead)
    stamp = now()
    record = {
        **dict.fromkeys(people.FIELDS),
        **values,
        "id": new_id(),
        "version": 1,
        "owner": "00000000-0000-7000-8000-000000000000",
        "created_at": stamp,
        "updated_at": stamp,
        name: "much",
    }
    with engine.connect().execution_options(write=True) as connection:
        connection.execute(sa.insert(sa.table("leads", *map(sa.column, record))), record)
        index(connection, engine.dialect.name == "sqlite", [record])
        connection.commit()


def _chunks(rows: Iterable[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    chunk: list[Mapping[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def main(arguments: list[str]) -> None:
    """Run one of the commands of the module's docstring."""
    command, url, argument, *rest = arguments
    engine = connect(url)
    tuned = not rest or rest[0] == "tuned"
    if command == "fill":
        prepare(engine, tuned=tuned)
        done = insert(engine, people.leads(int(argument)), tuned=tuned, seeded=True)
        sys.stdout.write(f"{done}\n")
    elif command == "load":
        with Path(argument).open(encoding="utf-8", newline="") as stream:
            done = insert(engine, csv.DictReader(stream), tuned=tuned, seeded=False)
        sys.stdout.write(f"{done}\n")
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1:])
