"""What faces and plugins may import is there, and nothing else is offered."""

import subprocess
import sys

import pytest

import engine


@pytest.mark.parametrize("name", dir(engine))
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(engine, name) is not None


def test_another_name_is_none() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        getattr(engine, "Non" + "sense")


def test_a_command_that_needs_no_database_does_not_wait_for_its_driver() -> None:
    code = "import engine, sys; engine.create_folder; engine.Message; print('psycopg' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
