"""What guanxi.yaml says of jobs, and of the backup that is one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_NO_QUEUES: Mapping[str, int] = MappingProxyType({})

JOBS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "How many jobs run at once.",
    "additionalProperties": False,
    "properties": {
        "threads": {
            "type": "integer",
            "description": "Jobs that a worker runs at once.",
            "minimum": 1,
            "maximum": 64,
        },
        "queues": {
            "type": "object",
            "description": "Jobs of a queue that run at once, over all workers.",
            "additionalProperties": {"type": "integer", "minimum": 1},
        },
    },
}


BACKUP_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "The backup of every night; there is none without a folder.",
    "additionalProperties": False,
    "properties": {
        "folder": {"type": "string", "description": "Where to.", "minLength": 1},
        "at": {
            "type": "string",
            "description": "The time of day, by the clocks of the site.",
            "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$",
        },
        "keep": {
            "type": "string",
            "description": "Days, weeks and months that keep a backup each: 7,4,12.",
            "pattern": "^[0-9]+,[0-9]+,[0-9]+$",
        },
        "key_file": {"type": "string", "description": "Encrypt with the bytes of this file.", "minLength": 1},
        "with_keys": {"type": "boolean", "description": "Whether the keys of the site are in it."},
    },
}


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What `jobs:` in guanxi.yaml says."""

    threads: int = 4
    """Jobs that a worker runs at once."""
    queues: Mapping[str, int] = field(default_factory=lambda: _NO_QUEUES)
    """Jobs of a queue that run at once, over all workers."""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> JobSettings:
        """Return what a site says, defaults filled in."""
        return cls(given.get("threads") or cls().threads, dict(given.get("queues") or {}))
