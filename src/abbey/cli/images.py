"""`abbey images`: the versions of images in the lab, and moving them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abbey.catalog.pins import FILE, age, load_pins, notes_url, text_of
from abbey.catalog.version import crosses
from abbey.cli import output
from abbey.cli.session import Seen, connected, open_lab
from abbey.errors import AbbeyError, UsageError
from abbey.model.faults import did_you_mean
from abbey.model.images import Used, used
from abbey.model.lab import Lab

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def show(path: Path, *, as_json: bool) -> int:
    """Print every image of the lab with tag, digest and age, from files alone."""
    lab = open_lab(path)
    images = used(lab)
    taken = {one.held.pin for one in images}
    spare = sorted(lab.catalog.pins.entries.keys() - taken)
    if as_json:
        output.document({"images": [_document(one) for one in images], "spare_pins": spare})
        return 0
    output.table([_row(one) for one in images], head=("IMAGE", "TAG", "DIGEST", "AGE", "USED BY"))
    remarks = [f"{one.image.ref}: {one.held.remark}" for one in images if one.held.remark]
    remarks += [f"{FILE}: no image uses the pin of {key}" for key in spare]
    loose = sum(not one.held.digest for one in images)
    if loose:
        remarks.append(f"{loose} of {len(images)} not pinned; `abbey images update` pins what registries have now")
    for remark in remarks:
        output.note(remark)
    return 0


def _row(one: Used) -> tuple[str, ...]:
    held = one.held
    digest = held.digest[: len("sha256:") + 12] or "not pinned"
    return one.image.ref, held.tag, digest, age(held.created) or "unknown", ", ".join(one.services)


def _document(one: Used) -> dict[str, Any]:
    held = one.held
    return {
        "image": one.image.ref,
        "tag": held.tag,
        "digest": held.digest or None,
        "created": held.created or None,
        "pinned": bool(held.pin),
        "given": one.base,
        "given_by": "abbey.yaml" if one.own else "catalog",
        "updates": one.image.updates,
        "release_notes": notes_url(one.image, held.tag) or None,
        "services": list(one.services),
        "remark": held.remark or None,
    }


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asks of an update."""

    names: tuple[str, ...] = ()
    to: str = ""
    major: bool = False
    yes: bool = False
    dry_run: bool = False


def update(path: Path, wishes: Wishes) -> int:
    """Show where the pins would move, ask, and write them. Return 0; 1 when a registry did not tell.

    Raise UsageError when a named tag is refused or nobody agrees; then nothing is written.
    """
    from abbey.cli.pinning import Proposal, apart, merged, pick, text

    lab = open_lab(path)
    before = lab.catalog.pins
    chosen = _target(pick(used(lab), wishes.names, did_you_mean), wishes)
    answers = _asked(lab, chosen, wishes)
    proposals = [answer for answer in answers.values() if isinstance(answer, Proposal)]
    errors = [answer for answer in answers.values() if isinstance(answer, AbbeyError)]
    if refusals := [error for error in errors if isinstance(error, UsageError)]:
        raise refusals[0]
    if proposals:
        output.plan("\n".join([*text(proposals), *apart(proposals, used(lab))]))
    after = merged(before, proposals)
    for error in errors:
        output.error(error)
    if errors:
        output.note(f"{len(errors)} of {len(answers)} images were not asked about and stay as they are")
    if after != before.entries and not wishes.dry_run:
        _confirm(wishes)
        if load_pins(path.parent / FILE) != before.entries:
            raise AbbeyError(f"{FILE} changed meanwhile; nothing was written", hint="`abbey images update` again")
        _write(path.parent / FILE, text_of(after))
        output.line(f"wrote {path.parent / FILE}; `abbey plan` shows what follows, `abbey up` does it")
    return AbbeyError.exit_code if errors else 0


def _target(images: tuple[Used, ...], wishes: Wishes) -> tuple[Used, ...]:
    """Return the images that are meant; with a tag given, the one image. Raise UsageError when that is not clear."""
    if not wishes.to:
        return images
    if len(wishes.names) != 1:
        raise UsageError("--to needs one app or service", hint="e.g. `abbey images update grafana --to 13.2.3`")
    if not _TAG.fullmatch(wishes.to):
        raise UsageError("what --to names is no tag of an image", hint="e.g. 13.2.3")
    name = wishes.names[0]
    exact = [one for one in images if name in one.services]
    found = exact or list(images)
    if len(found) != 1:
        names = ", ".join(one.services[0] for one in found)
        raise UsageError(f"{name} has several images", hint=f"name the service that is meant: {names}")
    if found[0].own:
        raise UsageError(f"abbey.yaml gives the tag of {name}", hint=f"change it there, or remove `tag` from {name}")
    return tuple(found)


def _asked(lab: Lab, images: tuple[Used, ...], wishes: Wishes) -> dict[str, Any]:
    """Return a Proposal or an error for each key.

    An image that must not skip a major version moves to the next one only where the present one runs already.
    """
    from abbey.cli.pinning import Proposal

    answers = _round(images, wishes, {})
    crossing = [
        answer.used
        for answer in answers.values()
        if isinstance(answer, Proposal)
        and answer.used.image.updates == "next-major"
        and crosses(answer.used.held.tag, answer.tag)
    ]
    if waits := _not_yet(lab, crossing, named=bool(wishes.to)):
        if wishes.to:
            key, why = next(iter(waits.items()))
            raise UsageError(f"{key.rpartition(':')[0]}: {why}", hint="`abbey up` brings it there")
        answers |= _round(tuple(one for one in crossing if one.key in waits), wishes, waits)
    return answers


def _round(images: tuple[Used, ...], wishes: Wishes, waits: dict[str, str]) -> dict[str, Any]:
    """Ask all registries at once; one answer or error for each key."""
    from abbey.cli.pinning import by_repository, propose
    from abbey.engine.registry import OciRepository, ask_all

    def question(ref: str, group: list[Used]) -> Callable[[], dict[str, Any]]:
        def ask() -> dict[str, Any]:
            answers: dict[str, Any] = {}
            with OciRepository(ref) as repository:
                for one in group:
                    try:
                        reason = waits.get(one.key, "")
                        answers[one.key] = propose(one, repository, to=wishes.to, major=wishes.major, waits=reason)
                    except AbbeyError as error:
                        answers[one.key] = error
            return answers

        return ask

    groups = by_repository(images)
    output.note(f"asking about {len(groups)} repositor{'ies' if len(groups) > 1 else 'y'} …")
    found = ask_all({ref: question(ref, group) for ref, group in groups.items()})
    return {
        one.key: answer if isinstance(answer := found[ref], AbbeyError) else answer[one.key]
        for ref, group in groups.items()
        for one in group
    }


def _not_yet(lab: Lab, images: Iterable[Used], *, named: bool) -> dict[str, str]:
    """Return why an image must not move past its major version yet, by key: a host that does not run the present one.

    Every major version changes the data in turn, when it starts. Where the tag is `named`, a host that was not reached
    is left to the person who named it.
    """
    wanted = list(images)
    if not wanted:
        return {}
    with connected(lab) as there:
        seen = there.observe()
    if named and seen.errors:
        names = ", ".join(sorted(seen.errors))
        output.note(f"{names} could not be looked at: make sure that {wanted[0].held.tag} has run there")
    return {one.key: why for one in wanted if (why := _behind(one, seen, named=named))}


def _behind(one: Used, seen: Seen, *, named: bool) -> str:
    if seen.errors and not named:
        names = ", ".join(sorted(seen.errors))
        return f"{names} could not be looked at, and only the containers there tell whether {one.held.tag} has run"
    for host, state in sorted(seen.states.items()):
        for container in state.containers:
            tag = container.image.partition("@")[0].rpartition(":")[2]
            works = container.health not in ("unhealthy", "starting")
            if container.service in one.services and (crosses(one.held.tag, tag) or not works):
                return f"{host} does not run {one.held.tag} yet"
    return ""


def _confirm(wishes: Wishes) -> None:
    if wishes.yes:
        return
    if not output.interactive():
        raise UsageError("nobody is here to agree", hint="read it with --dry-run, then `abbey images update --yes`")
    if not output.agreed(f"Write {FILE}?"):
        raise UsageError("nothing was written")


def _write(path: Path, content: str) -> None:
    """Put the whole text in the file's place, or leave that as it was."""
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        beside.replace(target)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)
