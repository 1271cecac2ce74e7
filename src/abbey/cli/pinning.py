"""What `abbey images update` would write into images.yaml, and the text of it that a person agrees to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from abbey.catalog.pins import Pin, Pins, age, notes_url
from abbey.catalog.version import Answer, Choice, ask, choose, read
from abbey.engine.registry import Content, Repository
from abbey.errors import UsageError
from abbey.model.images import Used

SHORT = len("sha256:") + 12


@dataclass(frozen=True, slots=True)
class Proposal:
    """One image: where it goes and which content is there. `tag` is the present one when it stays."""

    used: Used
    tag: str
    content: Content
    beyond: str = ""  # the newest tag that it does not go to
    why_not: str = ""  # the reason for that, and the way there
    warning: str = ""

    @property
    def pin(self) -> Pin:
        """Return the pin that it would become."""
        return Pin(tag=self.tag, digest=self.content.digest, created=self.content.created or None)

    @property
    def changes(self) -> bool:
        """Return whether something else would run."""
        return (self.tag, self.content.digest) != (self.used.held.tag, self.used.held.digest)


def propose(used: Used, repository: Repository, *, to: str, major: bool, waits: str = "") -> Proposal:
    """Ask the repository and return where the image goes.

    `to` is a tag that a person names. `waits` is why it must not go past its series now. Raise RegistryError when the
    registry does not tell, UsageError when `to` is refused.
    """
    now, image = used.held.tag, used.image
    tags = repository.tags() if read(now) else ()
    known = Content(used.held.digest, used.held.created) if used.held.digest else None
    if to:
        warning = _insist(used, ask(now, to, tags, image.updates))
        return Proposal(used, to, repository.content(to), warning=warning)
    choice = choose(now, tags, image.updates, major=major, wait=bool(waits))
    if used.own and choice.tag != now:
        why = f"abbey.yaml gives the tag {now}; change it there"
        return Proposal(used, now, repository.content(now, known), beyond=choice.beyond or choice.tag, why_not=why)
    why = _why_not(used, choice, waits) if choice.beyond else ""
    content = repository.content(choice.tag, known if choice.tag == now else None)
    return Proposal(used, choice.tag, content, beyond=choice.beyond, why_not=why)


def _insist(used: Used, answer: Answer) -> str:
    """Return the warning of an answer. Raise UsageError when it is a refusal, with the way that there is."""
    if not answer.refused:
        return answer.warning
    first = (
        f"`abbey images update {used.services[0]} --to {answer.step}` and `abbey up` come first; "
        if answer.step
        else ""
    )
    raise UsageError(f"{used.image.ref}: {answer.refused}", hint=f"{first}{used.image.path or 'see its release notes'}")


def _why_not(used: Used, choice: Choice, waits: str) -> str:
    app = used.apps[0]
    match used.image.updates:
        case "major":
            return f"a newer major version; `abbey images update {app} --major` goes there"
        case "patch" | "minor" as within:
            there = f"`abbey images update {used.services[0]} --to {choice.beyond}` goes there"
            line = "line" if within == "patch" else "major version"
            return _way(f"it is another {line}, which this image should not go to by itself; {there}", used)
        case "next-major":
            first = choice.step or choice.tag
            return _way(waits or f"no major version may be skipped: {first} must run on every host first", used)
        case "by-hand":
            return _way("it is another major version, and data must be moved by hand", used)


def _way(why: str, used: Used) -> str:
    return f"{why}. {used.image.path}" if used.image.path else why


def merged(pins: Pins, proposals: Iterable[Proposal]) -> dict[str, Pin]:
    """Return all pins of the lab after the proposals: those that they take the place of are gone, others stay.

    What the catalog pins by itself needs no pin until it moves.
    """
    entries, fresh = dict(pins.entries), {}
    for proposal in proposals:
        if proposal.changes or proposal.used.held.pin:
            fresh[proposal.used.key] = proposal.pin
            for key in pins.stale(proposal.used.image):
                entries.pop(key, None)
    return entries | fresh


def text(proposals: Iterable[Proposal]) -> list[str]:
    """Return the plan, a line for each change with its release notes, then what stays and what was left out."""
    rows, stays = [], 0
    asides = []
    for proposal in proposals:
        if proposal.changes:
            rows += _change(proposal)
        else:
            stays += 1
        if proposal.beyond:
            what = "refused" if proposal.used.image.updates != "major" or proposal.used.own else "available"
            asides.append(f"{what}: {proposal.used.image.ref} {proposal.beyond}: {proposal.why_not}")
    kept = [f"{stays} image{'s' if stays > 1 else ''} as pinned already"] if stays else []
    return [*rows, *kept, *asides]


def apart(proposals: Iterable[Proposal], images: Iterable[Used]) -> list[str]:
    """Return a warning for each two images of one app that run one version now and would not any more."""
    going = {proposal.used.key: proposal.tag for proposal in proposals}
    found = []
    for first, second in combinations(images, 2):
        one, two = (going.get(used.key, used.held.tag) for used in (first, second))
        if set(first.apps) & set(second.apps) and first.held.tag == second.held.tag and one != two:
            found.append(
                f"warning: {_names(first)} would run {one} and {_names(second)} {two}: they have the same version now, "
                "and may need to"
            )
    return found


def _change(proposal: Proposal) -> list[str]:
    used, held = proposal.used, proposal.used.held
    digest = proposal.content.digest[:SHORT]
    if proposal.tag != held.tag:
        sign, what = "~", f"{held.tag} → {proposal.tag}, {digest}"
    elif held.digest:
        sign, what = "~", f"{held.tag} is another build now, {held.digest[:SHORT]} → {digest}"
    else:
        sign, what = "+", f"{held.tag} pinned, {digest}"
    old = age(proposal.content.created)
    rows = [f"  {sign} {used.image.ref}: {what}{f', {old} old' if old not in ('', 'today') else ''}; {_names(used)}"]
    if proposal.tag != held.tag and (url := notes_url(used.image, proposal.tag)):
        rows.append(f"      release notes: {url}")
    if proposal.warning:
        rows.append(f"      careful: {proposal.warning}")
    return rows


def _names(used: Used) -> str:
    return ", ".join(used.services)


def pick(
    images: tuple[Used, ...], words: tuple[str, ...], near: Callable[[str, Iterable[str]], str]
) -> tuple[Used, ...]:
    """Return the images of the named apps and services, all when none is named. Raise UsageError for an unknown one."""
    if not words:
        return images
    known = {name for used in images for name in (*used.apps, *used.services)}
    for word in words:
        if word not in known:
            raise UsageError(
                f"no app or service {word} of this lab has an image from a registry", hint=near(word, known)
            )
    return tuple(used for used in images if set(words) & {*used.apps, *used.services})


def by_repository(images: Iterable[Used]) -> Mapping[str, list[Used]]:
    """Return the images of each repository; one question answers them all."""
    groups: dict[str, list[Used]] = {}
    for used in images:
        groups.setdefault(used.image.ref, []).append(used)
    return groups
