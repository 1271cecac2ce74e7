from __future__ import annotations

import socket

import pytest

from abbey.errors import UsageError
from abbey.sim.hosts import lay_out


def taken_port() -> tuple[socket.socket, int]:
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


def test_an_asked_port_that_is_taken_is_a_clear_error() -> None:
    listener, port = taken_port()
    with listener, pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 is taken") as raised:
        lay_out(port=port, doors=False)
    assert "--port" in raised.value.hint


def test_without_a_wish_a_taken_port_is_passed_over() -> None:
    first = lay_out(port=None, doors=False).edge
    with socket.create_server(("127.0.0.1", first)):
        assert lay_out(port=None, doors=False).edge > first


def test_no_two_services_share_an_address_and_port() -> None:
    layout = lay_out(port=None, doors=True)
    places = [(layout.kscloud1.tailnet, layout.database)]
    for host in layout.hosts:
        ports = (host.gateway, host.health, host.portal, host.metrics, host.identity, host.app, host.door)
        places += [(host.address, port) for port in ports]
        places += [(host.tailnet, host.peer), (host.tailnet, host.metrics)]
    assert len(set(places)) == len(places)


def test_every_address_is_loopback() -> None:
    layout = lay_out(port=None, doors=False)
    addresses = {*layout.edge_addresses, *(one for host in layout.hosts for one in (host.address, host.tailnet))}
    assert all(address == "::1" or address.startswith("127.") for address in addresses)


def test_an_unknown_host_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no host 'nun'") as raised:
        lay_out(port=None, doors=False).host("nun")
    assert "monk, kscloud1" in raised.value.hint
