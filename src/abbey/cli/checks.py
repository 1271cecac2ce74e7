"""`abbey check` and `abbey schema`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from abbey.check import design, portal
from abbey.check.own import own_files
from abbey.check.registry import run, sorted_by_gravity
from abbey.cli import output
from abbey.cli.session import open_lab
from abbey.errors import FileErrors
from abbey.report import Severity
from abbey.spec.schema import Spec


def check(path: Path, *, as_json: bool) -> int:
    """Print what is wrong or worth knowing. Return 0; 1 when a rule finds an error, 2 when the file is not right."""
    try:
        lab = open_lab(path)
    except FileErrors as errors:
        if not as_json:
            raise
        output.document({"right": False, "faults": [asdict(fault) for fault in errors.faults], "findings": []})
        return errors.exit_code
    findings = sorted_by_gravity((*run((*design.RULES, *portal.RULES), lab), *own_files(path.parent / "apps")))
    if as_json:
        output.document({"right": True, "faults": [], "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            output.finding(finding)
        apps = [app for app in lab.apps if app.entry.kind == "app"]
        hosts = " and ".join(host.name for host in lab.hosts)
        output.line(f"{path} is right: {len(apps)} app{'s' if len(apps) != 1 else ''} on {hosts}, at {lab.domain}")
    return int(any(finding.severity is Severity.ERROR for finding in findings))


def schema() -> int:
    """Print the JSON Schema of the lab's file."""
    output.raw(schema_text())
    return 0


def schema_text() -> str:
    """Return the JSON Schema of the lab's file, with descriptions, as editors read it."""
    from abbey.emit import json_text

    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "abbey.yaml"}
    return json_text({**Spec.model_json_schema(), **head})
