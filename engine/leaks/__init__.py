"""Self-checking permissions: every way to read or change records is tried against a slow, obvious oracle.

What a site promises about rights stands in its roles. Here people with random or real roles ask through every channel
that is registered, and what they are told is held against what the plain rows and the written rules say.
"""

from engine.leaks.channels import Asking, Channel, channel, channels, register_channel
from engine.leaks.finding import Leak
from engine.leaks.live import examine_leaks
from engine.leaks.marks import Marks
from engine.leaks.oracle import Oracle
from engine.leaks.plain import Plain
from engine.leaks.planting import Planted, plant
from engine.leaks.roles import random_roles
from engine.leaks.scan import LeakReport, Scan
from engine.leaks.told import Absent, Accepted, Along, Failed, Ids, Number, Row, Title, Words

__all__ = [
    "Absent",
    "Accepted",
    "Along",
    "Asking",
    "Channel",
    "Failed",
    "Ids",
    "Leak",
    "LeakReport",
    "Marks",
    "Number",
    "Oracle",
    "Plain",
    "Planted",
    "Row",
    "Scan",
    "Title",
    "Words",
    "channel",
    "channels",
    "examine_leaks",
    "plant",
    "random_roles",
    "register_channel",
]
