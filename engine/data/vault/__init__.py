"""Secret values: encrypted at rest, bound to their place, never in history, search, errors or logs.

`Vault` seals and opens; its data keys stand wrapped in the table `secret_key` (`keys`). Whatever keeps sealed text
says so (`holders`), so that a new data key reaches all of it (`rotation`).
"""

from engine.data.vault.holders import Holder, holders, register_holder
from engine.data.vault.keys import KeyRing, Wrapping, first_key
from engine.data.vault.rotation import Rotation, count_by_key, rewrap, rotate
from engine.data.vault.vault import Blinder, Sealer, Vault

__all__ = [
    "Blinder",
    "Holder",
    "KeyRing",
    "Rotation",
    "Sealer",
    "Vault",
    "Wrapping",
    "count_by_key",
    "first_key",
    "holders",
    "register_holder",
    "rewrap",
    "rotate",
]
