"""How Docker's words, the kernel's figures and the portal's apps become the containers that are shown."""

from __future__ import annotations

from typing import Any

import pytest
from standin_docker_api import listed, long_id
from standin_host import Now

from abbey_metrics.cgroups import Usage
from abbey_metrics.containers import MOST, Facts, containers, span_of
from abbey_metrics.docker import Listed
from abbey_metrics.platform import Container, ContainerState, Link
from abbey_metrics.restarts import Restarts
from abbey_metrics.tunnel import TunnelState

NOW = 1_700_000_000.0
A = long_id("a")


def _containers(*entries: dict[str, Any], **facts: Any) -> tuple[Container, ...]:
    known: dict[str, Any] = {"usage": {}, "made": {}, "owners": {}, "restarts": Restarts(), "now": NOW} | facts
    return containers(tuple(map(Listed.model_validate, entries)), "lab", Facts(**known))


@pytest.mark.parametrize(
    ("state", "status", "expected", "span"),
    [
        ("running", "Up 3 minutes", ContainerState.UP, "3 minutes"),
        ("running", "Up 3 minutes (healthy)", ContainerState.UP, "3 minutes"),
        ("running", "Up About an hour (unhealthy)", ContainerState.UNHEALTHY, "About an hour"),
        ("running", "Up Less than a second (health: starting)", ContainerState.STARTING, "Less than a second"),
        ("paused", "Up 2 days (Paused)", ContainerState.PAUSED, "2 days"),
        ("running", "Up 2 days (Paused)", ContainerState.PAUSED, "2 days"),
        ("restarting", "Restarting (137) 5 seconds ago", ContainerState.RESTARTING, "5 seconds"),
        ("exited", "Exited (0) 2 weeks ago", ContainerState.DOWN, "2 weeks"),
        ("exited", "", ContainerState.DOWN, ""),
        ("created", "Created", ContainerState.DOWN, ""),
        ("removing", "Removal In Progress", ContainerState.DOWN, ""),
        ("dead", "Dead", ContainerState.DOWN, ""),
        ("a word of a later Docker", "?", ContainerState.DOWN, ""),
    ],
)
def test_state_and_span_from_dockers_words(state: str, status: str, expected: ContainerState, span: str) -> None:
    (found,) = _containers(listed(A, "one", state=state, status=status))
    assert (found.state, found.since) == (expected, span)


def test_a_name_of_a_container_is_not_read_as_its_health() -> None:
    (found,) = _containers(listed(A, "(unhealthy)", status="Up 3 minutes"))
    assert found.state is ContainerState.UP


def test_a_span_is_short() -> None:
    assert span_of(f"Up {'9' * 1000} days") == "9" * 40


def test_containers_of_the_lab_come_first_and_belong_to_an_app() -> None:
    found = _containers(
        listed(long_id("a"), "another"),
        listed(long_id("b"), "lab-forgejo-1", service="forgejo"),
        listed(long_id("c"), "lab-db-1", service="db"),
        listed(long_id("d"), "other-forgejo-1", service="forgejo", project="other"),
        owners={"forgejo": "code"},
    )
    assert [(one.name, one.service, one.app) for one in found] == [
        ("lab-db-1", "db", ""),
        ("lab-forgejo-1", "forgejo", "code"),
        ("another", "", ""),
        ("other-forgejo-1", "", ""),
    ]


def test_a_container_of_a_single_command_is_no_part_of_its_app() -> None:
    entry = listed(A, "lab-forgejo-run-1", service="forgejo", state="exited")
    entry["Labels"]["com.docker.compose.oneoff"] = "True"
    (found,) = _containers(entry, owners={"forgejo": "forgejo"})
    assert (found.service, found.app) == ("", "")


def test_without_a_project_nothing_is_of_the_lab() -> None:
    entry = Listed.model_validate(listed(A, "x", service="x", project=""))
    (found,) = containers((entry,), "", Facts({}, {}, {"x": "x"}, Restarts(), NOW))
    assert found.service == ""


def test_its_own_name_and_not_that_in_another_container() -> None:
    (found,) = _containers(listed(A, "ignored", Names=["/web/db", "/database"]))
    assert found.name == "database"
    (nameless,) = _containers(listed(A, "ignored", Names=[]))
    assert nameless.name == A[:12]


def test_use_and_the_age_of_the_image() -> None:
    entry = listed(A, "one", ImageID="sha256:1")
    usage = {A: Usage(12.5, 1000, 2000)}
    (found,) = _containers(entry, usage=usage, made={"sha256:1": int(NOW) - 86_400})
    assert (found.cpu, found.memory, found.memory_limit, found.image_age) == (12.5, 1000, 2000, 86_400)


def test_an_image_is_known_by_its_tag_too() -> None:
    (found,) = _containers(listed(A, "one"), made={"docker.io/example/app:1": int(NOW) - 60})
    assert found.image_age == 60


@pytest.mark.parametrize("made", [0, 1, 315_532_800, -62_135_596_800])
def test_an_image_that_does_not_say_when_it_was_made_has_no_age(made: int) -> None:
    (found,) = _containers(listed(A, "one", ImageID="sha256:1"), made={"sha256:1": made})
    assert found.image_age is None


def test_texts_and_their_number_are_bounded() -> None:
    found = _containers(*(listed(f"{n:064x}", "x" * 999, Image="y" * 999) for n in range(MOST + 5)))
    assert (len(found), len(found[0].name), len(found[0].image)) == (MOST, 200, 200)


def _tunnel(state: TunnelState, *states: ContainerState) -> tuple[Link, float | None, str]:
    entries = {
        ContainerState.UP: ("running", "Up 1 hour (healthy)"),
        ContainerState.UNHEALTHY: ("running", "Up 1 hour (unhealthy)"),
        ContainerState.STARTING: ("running", "Up 1 second (health: starting)"),
        ContainerState.DOWN: ("exited", "Exited (1) 1 hour ago"),
    }
    found = _containers(
        *(
            listed(f"{n:064x}", f"t{n}", service="cloudflared", state=entries[one][0], status=entries[one][1])
            for n, one in enumerate(states)
        ),
        listed(long_id("f"), "lab-gateway-1", service="gateway", status="Up 1 hour (healthy)"),
    )
    tunnel = state.of(found, NOW)
    return tunnel.state, tunnel.since, tunnel.error


def test_the_tunnel_is_up_while_its_connector_is_healthy(now: Now) -> None:
    state = TunnelState("cloudflared", now.clock())
    begun = now.wall
    assert _tunnel(state, ContainerState.STARTING) == (Link.UNKNOWN, None, "")
    now.pass_(10)
    assert _tunnel(state, ContainerState.UP) == (Link.UP, begun + 10, "")
    now.pass_(10)
    assert _tunnel(state, ContainerState.UP) == (Link.UP, begun + 10, "")
    now.pass_(10)
    assert _tunnel(state, ContainerState.UNHEALTHY) == (Link.DOWN, begun + 30, "no connection to Cloudflare")
    assert _tunnel(state, ContainerState.DOWN) == (Link.DOWN, begun + 30, "it does not run")
    assert _tunnel(state) == (Link.DOWN, begun + 30, "it has no container")


def test_of_several_connectors_the_best_counts(now: Now) -> None:
    state = TunnelState("cloudflared", now.clock())
    assert _tunnel(state, ContainerState.DOWN, ContainerState.UP)[0] is Link.UP


def test_a_docker_that_is_away_does_not_change_since_when_the_tunnel_is_up(now: Now) -> None:
    state = TunnelState("cloudflared", now.clock())
    _tunnel(state, ContainerState.DOWN)
    now.pass_(5)
    up = _tunnel(state, ContainerState.UP)
    now.pass_(5)
    assert state.unknown(NOW, "Docker was not reached").state is Link.UNKNOWN
    assert _tunnel(state, ContainerState.UP) == up
