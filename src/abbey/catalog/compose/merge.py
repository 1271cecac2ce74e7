"""One Compose file over another, by Compose's rules: mappings deeply, lists together, commands as a whole."""

from __future__ import annotations

from abbey.catalog.compose.node import OVERRIDE, RESET, Node
from abbey.catalog.compose.values import port_key, target_of

_WHOLE = frozenset(("command", "entrypoint", "test"))
_NULLS = frozenset(("environment", "labels", "annotations", "args"))  # nothing is a value there
_ONCE = frozenset(
    [
        "cap_add",
        "cap_drop",
        "dns",
        "dns_opt",
        "dns_search",
        "env_file",
        "expose",
        "external_links",
        "group_add",
        "label_file",
        "links",
        "profiles",
        "security_opt",
        "tmpfs",
        "aliases",
    ]
)


def merged(base: Node, over: Node, key: str = "") -> Node:
    """Given two values of one key, return what the second makes of the first."""
    if over.tag == OVERRIDE:
        return over
    if over.value is None and key not in _NULLS and key not in _WHOLE:
        return base
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        if key == "logging" and base.get("driver") and over.get("driver"):
            return over if base.map["driver"].text != over.map["driver"].text else _maps(base, over, key)
        return _maps(base, over, key)
    if isinstance(base.value, list) and isinstance(over.value, list) and key not in _WHOLE:
        return over.but(once([*base.list, *over.list], key))
    return over


def _maps(base: Node, over: Node, key: str) -> Node:
    pairs = dict(base.map)
    keys = dict(base.keys)
    for name, node in over.map.items():
        keys[name] = over.key_mark(name)
        if node.tag == RESET:
            pairs.pop(name, None)
        elif name in pairs and not (node.value is None and key in _NULLS):
            pairs[name] = merged(pairs[name], node, name)
        else:
            pairs[name] = node
    return Node(pairs, over.mark, over.base, over.tag, keys)


def once(nodes: list[Node], key: str) -> list[Node]:
    """Return the entries of a list, each once: of two for one place the later one, where the earlier one stood."""
    found: dict[object, Node] = {}
    for number, node in enumerate(nodes):
        found[_identity(node, key, number)] = node
    return list(found.values())


def _identity(node: Node, key: str, number: int) -> object:
    if key == "ports":
        return port_key(node)
    if key in ("volumes", "devices", "secrets", "configs"):
        return target_of(node, key)
    if key == "env_file":
        return node.text or (node.get("path") or node).text
    return node.text if key in _ONCE and node.scalar else number


def without_resets(node: Node) -> Node:
    """Return the value without what is marked to be removed."""
    if isinstance(node.value, dict):
        return node.but({key: without_resets(part) for key, part in node.map.items() if part.tag != RESET})
    if isinstance(node.value, list):
        return node.but([without_resets(part) for part in node.list if part.tag != RESET])
    return node
