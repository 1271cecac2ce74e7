"""Authentik blueprints read without Authentik: what it would accept in silence and then do wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from abbey.report import Finding, Severity

Schema = dict[str, Any]

_MAX_CHARACTERS = 1 << 20
_TAGS = frozenset(
    {"KeyOf", "Find", "FindObject", "Env", "File", "Context", "Format", "If", "Condition", "Enumerate", "Index"}
    | {"Value", "AtIndex", "ParseJSON"}
)
_OAUTH2 = "authentik_providers_oauth2.oauth2provider"
_PROXY = "authentik_providers_proxy.proxyprovider"
_OUTPOST = "authentik_outposts.outpost"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag such as `!Find [...]`: its name without the exclamation mark, and what follows it."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a blueprint, and how a message calls it."""

    called: str
    model: str
    id: str
    data: dict[str, Any]

    def value(self, name: str) -> Any:
        """Return an attribute of the object, from `attrs` or `identifiers`."""
        both = {**(self.data.get("identifiers") or {}), **(self.data.get("attrs") or {})}
        return both.get(name)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, as Authentik uses it, with every tag kept as a Tag."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Tag:
    if isinstance(node, yaml.SequenceNode):
        return Tag(suffix, loader.construct_sequence(node, deep=True))
    if isinstance(node, yaml.MappingNode):
        return Tag(suffix, loader.construct_mapping(node, deep=True))
    return Tag(suffix, node.value)


_Loader.add_multi_constructor("!", _tag)


def read(text: str) -> list[Entry]:
    """Return the entries of a blueprint. Raise ValueError when the text is none."""
    if len(text) > _MAX_CHARACTERS:
        raise ValueError("larger than any blueprint")
    try:
        # An alias would let a small text stand for a huge one.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ValueError("a blueprint has no aliases")
        data = yaml.load(text, Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"not YAML: {error}") from None
    if not isinstance(data, dict) or data.get("version") != 1:
        raise ValueError("a blueprint is a mapping with `version: 1`")
    entries = data.get("entries")
    if isinstance(entries, dict):
        entries = [entry for group in entries.values() for entry in (group if isinstance(group, list) else [group])]
    if not isinstance(entries, list):
        raise ValueError("`entries` must be a list")
    return [_entry(entry, number) for number, entry in enumerate(entries, 1)]


def _entry(data: Any, number: int) -> Entry:
    if not isinstance(data, dict) or not isinstance(data.get("model"), str):
        raise ValueError(f"entry {number} has no model")
    for name in ("attrs", "identifiers"):
        if not isinstance(data.get(name, {}), dict):
            raise ValueError(f"`{name}` of entry {number} must be a mapping")
    named = data.get("id")
    return Entry(f"entry {number} ({named or data['model']})", data["model"], str(named or ""), data)


def lints(text: str) -> list[Finding]:
    """Return what Authentik would accept in silence, or refuse without a place; empty when all is well."""
    try:
        entries = read(text)
    except ValueError as error:
        return [_error("blueprint-unreadable", "blueprint", str(error), "write it as Abbey renders it")]
    found: list[Finding] = []
    earlier: set[str] = set()
    for entry in entries:
        found += _tags(entry, earlier, {other.id for other in entries})
        if entry.id and entry.id in earlier:
            found.append(
                _error("blueprint-duplicate-id", entry.called, "an earlier entry has the same id", "rename it")
            )
        earlier.add(entry.id)
        if entry.model == _OAUTH2 and entry.data.get("state") != "absent" and not entry.value("grant_types"):
            seen = "without grant_types every login fails with `Invalid grant_type for provider`"
            fix = "grant_types: [authorization_code, refresh_token]"
            found.append(_error("blueprint-grant-types", entry.called, seen, fix))
    return found + list(_outposts(entries))


def _tags(entry: Entry, earlier: set[str], known: set[str]) -> Iterator[Finding]:
    for tag in _all_tags(entry.data):
        if tag.name not in _TAGS:
            yield _error("blueprint-tag", entry.called, f"Authentik has no tag !{tag.name}", "remove it")
        if tag.name == "KeyOf" and str(tag.value) not in earlier:
            seen = "stands later" if str(tag.value) in known else "does not exist"
            yield _error("blueprint-key-of", entry.called, f"!KeyOf {tag.value}: that entry {seen}", "define it before")
        given = tag.value if tag.name in ("Env", "File") and isinstance(tag.value, list) else []
        if any(isinstance(part, Tag) for part in given):
            seen = f"a tag inside !{tag.name} is never resolved"
            yield _error("blueprint-nested-default", entry.called, seen, "use a plain default, or none")


def _outposts(entries: list[Entry]) -> Iterator[Finding]:
    """An outpost's list of providers replaces the one it has: it must name every proxy provider."""
    outposts = [entry for entry in entries if entry.model == _OUTPOST]
    named = {
        str(tag.value) for outpost in outposts for tag in _all_tags(outpost.value("providers")) if tag.name == "KeyOf"
    }
    for entry in entries:
        if entry.model == _PROXY and entry.data.get("state") != "absent" and entry.id not in named - {""}:
            seen = "no outpost names this provider, so nothing answers for it"
            yield _error(
                "blueprint-outpost", entry.called, seen, "give it an id and add !KeyOf to the outpost's providers"
            )
    for outpost in outposts:
        if outpost.data.get("state") != "absent" and not isinstance(outpost.value("providers"), list):
            yield _error("blueprint-outpost", outpost.called, "it must list all its providers", "providers: [...]")


def _all_tags(value: Any) -> Iterator[Tag]:
    if isinstance(value, Tag):
        yield value
        yield from _all_tags(value.value)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _all_tags(part)
    elif isinstance(value, list):
        for part in value:
            yield from _all_tags(part)


def _error(rule: str, subject: str, message: str, fix: str) -> Finding:
    return Finding(rule, Severity.ERROR, subject, message, fix=fix)
