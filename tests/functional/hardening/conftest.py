"""The site of the screens' tests, for whoever attacks it."""

from tests.functional.screens.conftest import clinic, clinic_pattern, pattern, world

__all__ = ["clinic", "clinic_pattern", "pattern", "world"]
