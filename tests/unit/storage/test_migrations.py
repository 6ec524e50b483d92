"""The engine's own tables: made once, whoever comes first, and never half."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import SiteBroken
from engine.storage.database import Database, run
from engine.storage.migrations import MIGRATIONS, Migration, has_table, migrate
from engine.storage.system import SYSTEM_TABLES

ROOT = Path(__file__).parents[3]
MORE = Migration(
    MIGRATIONS[-1].number + 1, "one more", dict.fromkeys(("sqlite", "postgresql"), ("CREATE TABLE more (id INTEGER)",))
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def test_an_empty_database_gets_all_tables_once(database: Database) -> None:
    assert migrate(database) == [migration.number for migration in MIGRATIONS]
    assert migrate(database) == []

    with database.bare() as connection:
        assert [name for name in SYSTEM_TABLES if not has_table(connection, name)] == []
        assert database.probe(connection) == (0, 0)


def test_the_tables_that_there_are_are_those_that_are_named(database: Database) -> None:
    migrate(database)

    with database.bare() as connection:
        if database.dialect == "sqlite":
            sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_index_%'"
        else:
            sql = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        found = {row[0] for row in run(connection, sql).fetchall()}

    assert found - {"search_index"} == set(SYSTEM_TABLES)


def test_a_migration_that_dies_in_the_middle_leaves_nothing(database: Database) -> None:
    def die(point: str) -> None:
        raise KeyboardInterrupt(point)

    with pytest.raises(KeyboardInterrupt):
        migrate(database, pause=die)

    with database.bare() as connection:
        assert not has_table(connection, "meta_revision")
    assert migrate(database) == [migration.number for migration in MIGRATIONS]


def test_a_later_migration_that_fails_keeps_the_earlier_ones_and_runs_later(database: Database) -> None:
    wrong = Migration(MORE.number, "wrong", dict.fromkeys(("sqlite", "postgresql"), ("CREATE TABLE a (b", "x")))
    migrate(database)

    with pytest.raises(Exception, match=r"(?i)syntax|incomplete"):
        migrate(database, (*MIGRATIONS, wrong))

    assert migrate(database, (*MIGRATIONS, MORE)) == [MORE.number]


def test_threads_that_start_together_migrate_once(database: Database) -> None:
    done: list[list[int]] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(database))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(number for each in done for number in each) == [migration.number for migration in MIGRATIONS]


def test_processes_that_start_together_migrate_once(database: Database) -> None:
    code = (
        "import sys; from engine.storage.database import Database; from engine.storage.migrations import migrate;"
        "database = Database(sys.argv[1]); print(len(migrate(database))); database.dispose()"
    )
    command = [sys.executable, "-c", code, database.url]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    counts = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(counts) == len(MIGRATIONS)


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    migrate(database, (*MIGRATIONS, MORE))

    with pytest.raises(SiteBroken, match="newer version"):
        migrate(database)


def test_a_migration_that_was_changed_after_it_ran_is_refused(database: Database) -> None:
    migrate(database, (*MIGRATIONS, MORE))
    changed = Migration(
        MORE.number, "one more", dict.fromkeys(("sqlite", "postgresql"), ("CREATE TABLE other (id INTEGER)",))
    )

    with pytest.raises(SiteBroken, match="changed"):
        migrate(database, (*MIGRATIONS, changed))


def test_plugins_have_migrations_of_their_own(database: Database) -> None:
    migrate(database)
    first = Migration(1, "first", MORE.statements)

    assert migrate(database, (first,), plugin="churn") == [1]
    assert migrate(database, (first,), plugin="churn") == []


def test_shipped_migrations_are_frozen() -> None:
    known = {
        1: (
            "7c770df4dc033f6188584cf836d201d29cb31b63a65fbd75f64ea02e6a96c369",
            "5df1bb3e8e9b567752cec551cb40e5079615c9253deb56935b0a46da5b55bdaa",
        ),
        2: (
            "e7007887af13d948c901918f7292df36790c416adb3dd4a565163984b260014a",
            "02d1e3b58a1e611062b646d1082a28144cd97442a62802f07a717d009de9ccf1",
        ),
        3: (
            "e9af268717de5e9d52edc4c2f23c80d2e77dbd9a77e1e6149623a0076a26207e",
            "4454aa20a96ab8f8c31b0a798ae473831896bbad0757e401baa35d0152b1da4f",
        ),
        4: (
            "5a981e59a4a803e893a18c56c5394a0892aa9e934186db94b8a770653764181e",
            "959c7af55a8c58ab81647d6b4dddc07a23e35cdd555bf181154474ed703cd642",
        ),
        5: (
            "e0ebdf9bf1c151e24bbb44b22bf0d0286752a954c078468b8e6916180578594d",
            "7ec184c92100c972068ba2c8daa1a0febf4c52e02bf50ce6657e5438ef2c51cd",
        ),
        6: (
            "9eef34f7875c0943068021603406652af85d3ff7989a1e548685fe0ec5587986",
            "0082bd53bc2bedbd19c0ba1cb4f9d7c4ea55513336cab0b84a9f020870ceefd8",
        ),
        7: (
            "ee15e78c711acf04dd52f0e8eda7526f4fc372ecb64bb4f5324bf02c94ab573a",
            "edc73242e4ca838c9e9b8020a9eb327a5b96767530b7194041c4953d701f54be",
        ),
        8: (
            "cab1a48654f48b12c6fee3683296680841288726e251f1f980a5de3e5941e1c9",
            "18465733ab7469cc3939553192a1e704304a820789832360f9c0ca2e8c21874b",
        ),
        9: (
            "c6c31fd936c2a27cf07e2612d663cad4df30f05bbe891c3d26d00f2b7ccafd46",
            "b936f4ddf056acf1f5c0330cca933eb49ed70c5e7553c36ecff39b3de24d98fb",
        ),
        10: (
            "869a1c5b67c640e9da617453b0c8ab28b49a2844953ce7ca6f224307af7f5fad",
            "547dc4c7be44f7ad2ca744b416dac283062f7584949fa618dae59cb9b8507938",
        ),
        11: (
            "3478d7cad334b673747d2078bcab11156c992ed829b2cb921266312727b97c18",
            "8895850f8fb0a7e91a78da11b25410255363009694215a403feaedfb30d52336",
        ),
        12: (
            "9387466c3ab135a573c945fd1d7dfa825e5b66a1248e9c6bf562b42aa2fa7dbf",
            "3dbd963c8a523b1d89ca7fabd44189419f45e5fd1a9eadfec6b3fc51d214ace3",
        ),
        14: (
            "0248a5c8c28eca92b451a8a6caa871cfbdcc8a607e6a9bce0f6f4368b3d16bb4",
            "0248a5c8c28eca92b451a8a6caa871cfbdcc8a607e6a9bce0f6f4368b3d16bb4",
        ),
        15: (
            "b95c0cbb767f4578c6d7205ebd17305c9fe1dd8615bb33b3b06a8bef977d8949",
            "051b9dac6106a397fdef1f045f27868ddc782caf12ad3b0548e455e2e16bfc5b",
        ),
        16: (
            "5abe34c9b3f78569036b20bde9d1059f0cc8e7db196dfaaa0fca5ec8cf362b1b",
            "9ecca885a732510f612e4f14cfefa5086de5e71ed10e94d0db25a03fc196a493",
        ),
        17: (
            "c5bccf129150f13bec7117fa4d7a2e992580a18375e960451e00d283b62fd6a2",
            "0e47f59c083bff92d72d566331084f21ddb9e558c80b93f9b4610bbb6b75cca3",
        ),
        18: (
            "29de401d1b184b73d8daf01611183fba9c1cdafc78e5a1f9334de4880a58cfdb",
            "29de401d1b184b73d8daf01611183fba9c1cdafc78e5a1f9334de4880a58cfdb",
        ),
        19: (
            "f100d452be3187da6cbb4dc6b8491f487fbe808330594018c3f85f8b02fca62a",
            "f4f862687f596d3fc32dc7c5572406d067c2446ba6bd7ce9bf183c7c90b36920",
        ),
        20: (
            "dc11a11150e46bb3edb95f73d82c70ec4b1b64579ca05b5c31ab0a4ab897ea82",
            "c81771b471b0791e454794ad078d726f27a20075c59ebb47d40e4bb3f9a12628",
        ),
        21: (
            "680f7ca2639ee2504a02f8038ca56a42c3f20f63790a6a3cd6d4b23b8534f255",
            "fee33c96a01792492bc67b6df521521a967a5a5cb04d41779c767bae0f2fe6cf",
        ),
        22: (
            "2a1c11b1ee6380ec164d5a187cdffffa84529c356d78455aa147a140971cdec1",
            "2a1c11b1ee6380ec164d5a187cdffffa84529c356d78455aa147a140971cdec1",
        ),
    }

    assert {each.number: (each.checksum("sqlite"), each.checksum("postgresql")) for each in MIGRATIONS} == known
