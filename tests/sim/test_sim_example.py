from __future__ import annotations

import re

from abbey.sim import gateway
from abbey.sim.example import demo_lab, demo_sites
from abbey.sim.hosts import lay_out
from abbey.sim.portal import demo_document


def test_every_address_of_the_sites_is_one_of_the_demo() -> None:
    lab, layout = demo_lab(), lay_out(port=None, doors=False)
    for host in layout.hosts:
        other = layout.peer_of(host)
        peer = f"{other.tailnet}:{other.peer}"
        sites = demo_sites(lab, host, layout)
        assert {site.hostname for site in sites} == {layout.site(name) for name in ("", "auth", "notes", "whoami")}
        for site in sites:
            assert site.local.startswith(f"{host.address}:")
            assert set(site.upstreams) == {site.local, peer}


def test_sign_in_prefers_the_host_of_the_database_on_both_gateways() -> None:
    lab, layout = demo_lab(), lay_out(port=None, doors=False)
    near = layout.kscloud1
    first = {
        host.name: next(site.upstreams[0] for site in demo_sites(lab, host, layout) if site.app == "authentik")
        for host in layout.hosts
    }
    assert first == {"monk": f"{near.tailnet}:{near.peer}", "kscloud1": f"{near.address}:{near.identity}"}


def test_the_gateway_listens_on_loopback_only() -> None:
    layout = lay_out(port=None, doors=False)
    text = gateway.configuration(demo_lab(), host=layout.monk, layout=layout)
    binds = re.findall(r"^\tbind (\S+)$", text, re.MULTILINE)
    assert len(binds) == len(re.findall(r"^http://", text, re.MULTILINE))
    assert set(binds) == {layout.monk.address, layout.monk.tailnet}


def test_the_page_links_to_addresses_that_a_browser_here_can_open() -> None:
    layout = lay_out(port=None, doors=False)
    document = demo_document(demo_lab(), layout)
    urls = [app["url"] for group in document["groups"] for app in group["apps"]] + [document["signin"]["url"]]
    assert all(re.fullmatch(rf"http://\w+\.abbey\.localhost:{layout.edge}/\S*", url) for url in urls)
