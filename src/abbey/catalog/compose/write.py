"""An imported app as the text of its data file, with what is to be known about it above."""

from __future__ import annotations

from abbey.catalog.compose.convert import Imported
from abbey.emit import Note, yaml_text

MAX_NOTES = 100


def text_of(app: Imported, sources: list[str]) -> str:
    """Return the data file. The comments say what was not carried over; no secret stands in any of it."""
    data = dict(app.data)
    head = [f"Imported by `abbey import` from {', '.join(sources)}."]
    notes = [loss for loss in app.losses if loss.kind != "needless"]
    if notes:
        head += ["", "Not as it was, with what to do about it:"]
        head += [f"- {loss}{f'. To do: {loss.do}' if loss.do else ''}" for loss in notes[:MAX_NOTES]]
    if len(notes) > MAX_NOTES:
        head.append(f"- and {len(notes) - MAX_NOTES} more, which `abbey import --dry-run` shows")
    noted: dict[str, object] = {}
    above = {
        "secrets": "Kept in the vault; `abbey secret set` changes one.",
        "services": "",
        "route": f"The gateway leads here: {app.route}. --service names another.",
        "sso": "The lab's login stands before it. `mode: own` where programs or apps on phones must reach it.",
    }
    for key, value in data.items():
        noted[key] = Note(above[key], value, gap=True) if key in above else value
    first = next(iter(noted))
    noted[first] = Note("\n".join(head), noted[first])
    services = data.get("services")
    if isinstance(services, dict):
        spaced = {key: Note("", service, gap=True) for key, service in services.items()}
        noted["services"] = Note("", spaced, gap=True)
    return yaml_text(noted)
