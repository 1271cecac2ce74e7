import pytest

from abbey.plan.image import long_form

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("x", "docker.io/library/x:latest"),
        ("x:1", "docker.io/library/x:1"),
        ("library/x:1", "docker.io/library/x:1"),
        ("docker.io/x:1", "docker.io/library/x:1"),
        ("docker.io/library/x:1", "docker.io/library/x:1"),
        ("grafana/grafana:12", "docker.io/grafana/grafana:12"),
        ("ghcr.io/goauthentik/server:2026.1", "ghcr.io/goauthentik/server:2026.1"),
        ("localhost/metrics:1", "localhost/metrics:1"),
        ("localhost:5000/metrics", "localhost:5000/metrics:latest"),
        (f"x:1@{DIGEST}", f"docker.io/library/x@{DIGEST}"),
        (f"ghcr.io/a/b@{DIGEST}", f"ghcr.io/a/b@{DIGEST}"),
        (DIGEST, DIGEST),
    ],
)
def test_every_way_to_write_a_reference_has_one_long_form(reference: str, expected: str) -> None:
    assert long_form(reference) == expected
    assert long_form(long_form(reference)) == expected
