"""Our verdicts on cloudflared's configuration against the recorded verdicts of the real program."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abbey.check import golang
from abbey.check.tunnel import match, validate

GOOD = """\
tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef
credentials-file: /etc/cloudflared/creds.json
ingress:
  - hostname: a.example.com
    service: http://gateway:8080
  - service: http_status:404
"""


@pytest.fixture(scope="module")
def recorded(shared: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((shared / "vectors" / "cloudflared-ingress.json").read_text())
    return data


def test_every_recorded_validation_agrees(recorded: dict[str, Any]) -> None:
    theirs = {case["name"]: (case["ok"], case["warning"]) for case in recorded["validate"]}
    ours = {
        case["name"]: (verdict.ok, verdict.warning)
        for case in recorded["validate"]
        for verdict in [validate(case["yaml"])]
    }
    assert len(theirs) >= 99
    assert len(recorded["validate"]) == 101
    assert ours == theirs
    assert all(validate(case["yaml"]).message for case in recorded["validate"] if not case["ok"])


def test_every_recorded_match_agrees(recorded: dict[str, Any]) -> None:
    rules = validate(recorded["match_config"]).rules
    assert len(recorded["match"]) == 24
    for case in recorded["match"]:
        if case["rule"] is None:
            with pytest.raises(ValueError, match="no host name"):
                match(rules, case["url"])
        else:
            assert match(rules, case["url"]) == case["rule"], case["url"]


def found(text: str) -> list[tuple[str, str]]:
    verdict = validate(text)
    assert verdict.ok, verdict.message
    return [(finding.rule, finding.subject) for finding in verdict.findings]


def test_a_good_file_has_no_findings() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("a.example.com", '"*a.example.com"', ("tunnel-never-matches", "rule 1")),
        ("a.example.com", "a b.example.com", ("tunnel-hostname", "rule 1")),
        ("a.example.com", "a..example.com", ("tunnel-hostname", "rule 1")),
        ("a.example.com", "a.example.com.", ("tunnel-hostname", "rule 1")),
        ("a.example.com", "10.0.0.1", ("tunnel-hostname", "rule 1")),
        ("http://gateway:8080", "http://gateway:99999", ("tunnel-port", "rule 1")),
        ("http://gateway:8080", "htp://gateway:8080", ("tunnel-scheme", "rule 1")),
        ("credentials-file", "credential-file", ("tunnel-unknown-key", "credential-file")),
        ("credentials-file", "credential-file", ("tunnel-incomplete", "credentials-file")),
        ("tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n", "", ("tunnel-incomplete", "tunnel")),
        ("tunnel:", "grace-period: 4m\ntunnel:", ("tunnel-grace-period", "grace-period")),
        ("tunnel:", "grace-period: 30x\ntunnel:", ("tunnel-grace-period", "grace-period")),
        ("    service: http://gateway", "    path: /api\n    service: http://gateway", ("tunnel-path", "rule 1")),
        ("    service: http://g", "    hostnme: x\n    service: http://g", ("tunnel-unknown-key", "ingress.1.hostnme")),
        ("  - service", "  - {hostname: A.example.com, service: bastion}\n  - service", ("tunnel-shadowed", "rule 2")),
    ],
)  # fmt: skip
def test_what_cloudflared_does_not_notice(old: str, new: str, finding: tuple[str, str]) -> None:
    assert finding in found(GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "path", "hit"),
    [
        ("/api", "/v1/api/x", True),
        ("^/api/", "/v1/api/", False),
        ("(?i)/API", "/api", True),
        (r"\.(jpg|png)$", "/a.png", True),
        (r"\.png$", "/a.png\n", False),
        (r"\.png\z", "/a.png", True),
        (r"^/\d+$", "/٣", False),
        ("a{,2}", "a{,2}", True),
        ("x{", "x{", True),
        ("(?:a|b)+?", "/b", True),
        ("(?P<n>a)", "a", True),
        ("[]a]", "]", True),
        ("", "", True),
    ],
)
def test_an_expression_means_what_re2_means(text: str, path: str, hit: bool) -> None:
    assert bool(golang.regexp(text).search(path)) is hit


@pytest.mark.parametrize(
    "text",
    ["(?=x)", "(?!x)", "(?<=x)", r"(a)\1", "(?P=n)", "(?>a)", "a*+", "a**", "a{1001}", "*", "a|*", "(", ")", "[", r"\Z",
     r"\pL", "(?#c)", "(?x)a", "a(?i)b", "[[:alpha:]]", "\\", "(" * 500],
)  # fmt: skip
def test_an_expression_that_re2_refuses_or_nobody_is_sure_of_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        golang.regexp(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("1m30s", 90), ("-1.5h", -5400), (".5s", 0.5), ("100ms", 0.1)])
def test_a_duration(text: str, value: float) -> None:
    assert golang.seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", "1 s", "1d", "1m30", "٣s", "."])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        golang.seconds(text)


CONFIGISH = st.text("ingress:hostname-pathservice http://a.b*[]{}'\"\n&!0é", max_size=80)


@given(CONFIGISH, CONFIGISH, CONFIGISH)
def test_any_text_gets_a_verdict(whole: str, hostname: str, rest: str) -> None:
    assert validate(whole).ok in (True, False)
    rule = {"hostname": hostname, "path": rest, "service": f"http://{rest}"}
    for text in (
        json.dumps({"ingress": [rule, {"service": "http_status:404"}]}),
        json.dumps({"ingress": [{**rule, "path": "", "service": "http://a:1"}, {"service": "http_status:404"}]}),
    ):
        verdict = validate(text)
        assert verdict.ok or verdict.message
        if verdict.ok:
            assert match(verdict.rules, "https://a.b/ingress") in (0, 1)
