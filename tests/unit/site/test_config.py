"""`guanxi.yaml` is read strictly, and every mistake in it is told with its place."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.errors import DocumentsInvalid, SiteBroken
from engine.site.config import SCHEMA, Limits, read_config, schema_text
from engine.site.folder import create_folder


def site(folder: Path, text: str) -> Path:
    (folder / "guanxi.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_new_folder_has_everything_that_a_site_needs(tmp_path: Path) -> None:
    create_folder(tmp_path / "crm", language="zh")

    config = read_config(tmp_path / "crm")

    assert config.packs == ("crm",)
    assert config.languages == ("zh", "en")
    assert config.database == f"sqlite:///{tmp_path}/crm/data/site.sqlite"
    assert {each.name for each in (tmp_path / "crm").iterdir()} == {
        ".gitignore", "data", "guanxi.yaml", "plugins", "schemas", "workflows",
    }  # fmt: skip


def test_the_secret_key_is_for_its_owner_only(tmp_path: Path) -> None:
    create_folder(tmp_path / "crm")

    file = tmp_path / "crm" / "data" / "secret_key"

    assert file.stat().st_mode & 0o777 == 0o600
    assert read_config(tmp_path / "crm").secret_key == file.read_text(encoding="utf-8").strip()


def test_two_sites_have_different_secrets(tmp_path: Path) -> None:
    for name in ("a", "b"):
        create_folder(tmp_path / name)

    assert read_config(tmp_path / "a").secret_key != read_config(tmp_path / "b").secret_key


def test_a_site_is_not_made_over_something_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(Exception, match="exists already"):
        create_folder(tmp_path)

    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_what_may_be_reached_is_names_and_networks(tmp_path: Path) -> None:
    with pytest.raises(DocumentsInvalid) as refused:
        read_config(site(tmp_path, "outbound:\n  allow:\n    - ldap.corp:636\n    - 10.0.0.5/8\n"))

    [problem] = refused.value.problems
    assert str(problem).startswith("guanxi.yaml:4:7: 10.0.0.5/8 is neither a name")


def test_an_empty_file_is_a_site_with_every_default(tmp_path: Path) -> None:
    config = read_config(site(tmp_path, ""))

    assert config.packs == ("crm",)
    assert config.limits == Limits()
    assert config.timezone == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pack: [crm]", "guanxi.yaml:1:1: unknown property 'pack' (did you mean 'packs'?)"),
        ("packs: crm", "guanxi.yaml:1:8: this must be a list, not text (write [crm])"),
        ("limits: {lock_minute: 3}", "guanxi.yaml:1:10: unknown property 'lock_minute' (did you mean 'lock_minutes'?)"),
        ("timezone: Asia/Shangai", "guanxi.yaml:1:11: there is no time zone 'Asia/Shangai'"),
        ("languages: []", "guanxi.yaml:1:12: at least one language is needed"),
        ("packs: [crm]\npacks: []", "guanxi.yaml:2:1: 'packs' is given twice (first on line 1)"),
        ("currency: yuan", "guanxi.yaml:1:11:"),
        ("database: mysql://host/name", "guanxi.yaml:1:11:"),
        ("- crm", "guanxi.yaml:1:1:"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DocumentsInvalid) as refused:
        read_config(site(tmp_path, text))

    assert str(refused.value).startswith(said)


def test_a_folder_without_settings_is_no_site(tmp_path: Path) -> None:
    with pytest.raises(SiteBroken, match=r"is not a site: it has no guanxi\.yaml"):
        read_config(tmp_path)


def test_the_environment_chooses_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@host/name")

    config = read_config(site(tmp_path, "database: sqlite:///other.sqlite"))

    assert config.database == "postgresql://somebody@host/name"


def test_an_sqlite_file_is_taken_from_the_folder_of_the_site(tmp_path: Path) -> None:
    config = read_config(site(tmp_path, "database: sqlite:///data/other.sqlite"))

    assert config.database == f"sqlite:///{tmp_path}/data/other.sqlite"


def test_a_secret_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_SITE", "k" * 40)

    config = read_config(site(tmp_path, "secret_key: {env: KEY_OF_SITE}"))

    assert config.secret_key == "k" * 40


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("secret_key: short", "too short"),
        ("secret_key: {env: KEY_OF_NOBODY}", "KEY_OF_NOBODY holds no secret key"),
        ("secret_key: {file: nowhere}", "cannot be read from"),
    ],
)
def test_a_secret_that_is_none_is_refused_when_it_is_needed(tmp_path: Path, text: str, said: str) -> None:
    config = read_config(site(tmp_path, text))

    with pytest.raises(SiteBroken, match=said):
        _ = config.secret_key


def test_a_secret_is_not_shown_when_settings_are_printed(tmp_path: Path) -> None:
    config = read_config(site(tmp_path, f"secret_key: {'s3cret' * 8}"))

    assert "s3cret" not in repr(config)


def test_the_description_for_editors_is_up_to_date_and_valid() -> None:
    file = Path(__file__).parents[3] / "schemas" / "meta" / "guanxi.schema.json"

    assert file.read_text(encoding="utf-8") == schema_text(), "python -m engine.site.config"
    Draft202012Validator.check_schema(SCHEMA)
