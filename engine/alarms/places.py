"""Where somebody comes from, coarsely: the network of an address, and what kind of browser it is.

Addresses change within a house, and browsers update themselves; neither shall ring every week.
"""

from __future__ import annotations

import ipaddress

_BITS = {4: 24, 6: 48}
_BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("MicroMessenger", "WeChat"), ("DingTalk", "DingTalk"), ("Firefox", "Firefox"),
    ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def network_of(address: str | None) -> str | None:
    """Return the network of an address, such as 203.0.113.0/24; the text itself for what is none."""
    if not address:
        return None
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, _BITS[found.version]), strict=False))


def agent_family(agent: str | None) -> str | None:
    """Return the kind of a browser without its version, such as "Firefox, Windows"."""
    if not agent:
        return None
    browser = next((name for mark, name in _BROWSERS if mark in agent), agent.partition("/")[0][:40])
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser}, {system}" if system else browser
