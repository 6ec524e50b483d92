"""Which addresses are outside of the house, and what guanxi.yaml lets a site reach inside it.

A name proves nothing, for whoever owns it decides what it leads to. So addresses are judged, and those that wrap an
IPv4 address are judged by what they wrap.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA = frozenset(
    ip_address(each) for each in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
"""Where clouds hand a machine its own keys. Nobody means those by allowing a whole network."""
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str | None
    network: Network | None
    port: int | None

    def lets(self, host: str, address: Address, port: int) -> bool:
        if self.port not in {None, port}:
            return False
        if self.name is not None:
            return host == self.name or (self.name.startswith("*.") and host.endswith(self.name[1:]))
        network = self.network
        if network is None or address.version != network.version or address not in network:
            return False
        return address not in _METADATA or network.num_addresses == 1


class Allowance:
    """What a site may reach beyond the public https servers of the world.

    Args:
        entries: names (`ldap.example.com`, `*.example.com`), addresses and networks (`10.0.0.0/8`, `[fd00::]/8`), each
            with `:port` when it is for one port alone.
        public: whether servers outside may be reached without standing here.

    Raises:
        ValueError: an entry is none of these; it is the argument.
    """

    def __init__(self, entries: Sequence[str] = (), *, public: bool = True) -> None:
        self.entries = tuple(entries)
        self.public = public
        self._entries = tuple(_entry(each) for each in entries)

    def lists(self, host: str, address: Address, port: int) -> bool:
        """Say whether an entry lets a host be reached at an address and port."""
        if address.is_multicast or address.is_unspecified or address == ip_address("255.255.255.255"):
            return False
        wrapped = unwrapped(address)
        return any(each.lets(host, address, port) or each.lets(host, wrapped, port) for each in self._entries)


def _entry(text: str) -> _Entry:
    host, port = split_port(text)
    if host.startswith("["):
        host = host.replace("[", "").replace("]", "")
    try:
        return _Entry(None, ip_network(host), port)
    except ValueError:
        pass
    wanted = host.removeprefix("*.")
    try:
        name = clean_host(wanted)
    except ValueError:
        raise ValueError(text) from None
    if "/" in host or is_address(name):
        raise ValueError(text)
    return _Entry(f"*.{name}" if host != wanted else name, None, port)


def split_port(text: str) -> tuple[str, int | None]:
    """Return a host and the port after it, None where there is none.

    Raises:
        ValueError: what stands after the colon is no port.
    """
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host.strip("[]") and not host.startswith("[")) or "]" in port:
        return text, None
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= _HIGHEST_PORT):
        raise ValueError(text)
    return host, int(port)


def clean_host(host: str) -> str:
    """Return a name or an address in the one way of writing it that there is for it.

    Full-width digits and letters of other scripts become what a resolver would make of them, before they are judged.

    Raises:
        ValueError: it is neither a name nor an address; `0177.0.0.1`, `2130706433` and `0x7f.1` are neither.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare:
        return str(IPv6Address(bare)) if "%" not in bare else _no_host(host)
    try:
        name = bare.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        _no_host(host)
    if _NUMBER.fullmatch(name.rsplit(".", 1)[-1]):
        return str(IPv4Address(name))
    return name if _NAME.fullmatch(name) else _no_host(host)


def _no_host(host: str) -> str:
    raise ValueError(host)


def is_address(host: str) -> bool:
    """Say whether a cleaned host is an address."""
    return ":" in host or _NUMBER.fullmatch(host.rsplit(".", 1)[-1]) is not None


def unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def is_outside(address: Address) -> bool:
    """Say whether an address belongs to the public internet: to no house, no cloud's inside, no group of machines."""
    judged = unwrapped(address)
    if judged in _METADATA or judged.is_multicast or judged.is_reserved or judged.is_unspecified:
        return False
    if isinstance(judged, IPv6Address) and judged.is_site_local:
        return False
    return judged.is_global
