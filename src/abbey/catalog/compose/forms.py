"""What may stand in a service of a Compose file, and the one form that its short and long forms are brought into."""

from __future__ import annotations

import difflib

from abbey.catalog.compose.node import Node
from abbey.errors import Fault, Mark
from abbey.spec.yaml import shown

# Shapes: text and flag are single values; texts is a list or one text; words is a command; pairs is a mapping or a
# list of A=b; named is a mapping or a list of names; any is left as it stands.
SERVICE = {
    **dict.fromkeys(
        [
            "cgroup",
            "cgroup_parent",
            "container_name",
            "cpu_count",
            "cpu_percent",
            "cpu_period",
            "cpu_quota",
            "cpu_rt_period",
            "cpu_rt_runtime",
            "cpu_shares",
            "cpus",
            "cpuset",
            "domainname",
            "hostname",
            "image",
            "ipc",
            "isolation",
            "mac_address",
            "mem_limit",
            "mem_reservation",
            "mem_swappiness",
            "memswap_limit",
            "network_mode",
            "oom_score_adj",
            "pid",
            "pids_limit",
            "platform",
            "pull_policy",
            "pull_refresh_after",
            "restart",
            "runtime",
            "scale",
            "shm_size",
            "stop_grace_period",
            "stop_signal",
            "user",
            "userns_mode",
            "uts",
            "working_dir",
        ],
        "text",
    ),
    **dict.fromkeys(
        ["attach", "init", "oom_kill_disable", "privileged", "read_only", "stdin_open", "tty", "use_api_socket"], "flag"
    ),
    **dict.fromkeys(
        [
            "cap_add",
            "cap_drop",
            "device_cgroup_rules",
            "dns",
            "dns_opt",
            "dns_search",
            "expose",
            "external_links",
            "group_add",
            "label_file",
            "links",
            "profiles",
            "security_opt",
            "tmpfs",
            "volumes_from",
        ],
        "texts",
    ),
    **dict.fromkeys(["configs", "devices", "ports", "secrets", "volumes"], "list"),
    **dict.fromkeys(["annotations", "environment", "extra_hosts", "labels", "sysctls"], "pairs"),
    **dict.fromkeys(["depends_on", "networks", "models"], "named"),
    **dict.fromkeys(["command", "entrypoint"], "words"),
    **dict.fromkeys(
        [
            "blkio_config",
            "credential_spec",
            "deploy",
            "develop",
            "healthcheck",
            "logging",
            "provider",
            "storage_opt",
            "ulimits",
        ],
        "map",
    ),
    **dict.fromkeys(["gpus", "post_start", "pre_stop"], "any"),
    "build": "build",
    "env_file": "files",
    "extends": "extends",
}
TOP = {
    "name": "text", "version": "text", "include": "any", "services": "map", "networks": "map", "volumes": "map",
    "secrets": "map", "configs": "map", "models": "map",
}  # fmt: skip
HEALTH = {
    **dict.fromkeys(["interval", "timeout", "start_period", "start_interval", "retries"], "text"),
    "disable": "flag",
    "test": "words",
}
BUILD = {
    **dict.fromkeys(
        ["context", "dockerfile", "dockerfile_inline", "isolation", "network", "pull", "shm_size", "target"], "text"
    ),
    **dict.fromkeys(["no_cache", "privileged"], "flag"),
    **dict.fromkeys(["cache_from", "cache_to", "entitlements", "no_cache_filter", "platforms", "tags"], "texts"),
    **dict.fromkeys(["additional_contexts", "args", "extra_hosts", "labels"], "pairs"),
    **dict.fromkeys(["provenance", "sbom", "secrets", "ssh", "ulimits"], "any"),
}
_INSTEAD = {
    "text": "one value", "flag": "true or false", "texts": "a list", "list": "a list", "pairs": "a mapping or a list",
    "named": "a mapping or a list", "words": "a text or a list of texts", "map": "a mapping",
    "build": "a folder or a mapping", "files": "a file or a list", "extends": "a service or a mapping",
}  # fmt: skip


def in_form(node: Node, keys: dict[str, str], what: str, faults: list[Fault]) -> Node:
    """Given a mapping and its known keys with their shapes, return it with every value in its one form.

    Add a fault for every key that Compose does not know, and for every value of another shape.
    """
    made: dict[str, Node] = {}
    for key, value in node.map.items():
        if key.startswith("x-"):
            made[key] = value
            continue
        shape = keys.get(key)
        if shape is None:
            near = difflib.get_close_matches(key[:60], keys, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "Compose refuses it too"
            faults.append(Fault(node.key_mark(key), f"unknown key `{shown(key)}` in {what}", hint))
            continue
        form = value if value.value is None else _form(value, shape, faults)
        if form is None:
            faults.append(Fault(value.mark, f"`{key}` must be {_INSTEAD[shape]}"))
        else:
            made[key] = form
    return node.but(made)


def _form(node: Node, shape: str, faults: list[Fault]) -> Node | None:
    if shape == "any":
        return node
    if shape == "text":
        return node if node.scalar else None
    if shape == "flag":
        return node if isinstance(node.value, bool) or node.text.lower() in ("true", "false") else None
    if shape == "list":
        return node if isinstance(node.value, list) else None
    if shape == "map":
        return node if isinstance(node.value, dict) else None
    if shape in ("texts", "words", "files"):
        return _texts(node, shape, faults)
    if shape == "named":
        return _pairs(node, faults, "") if not node.scalar else None
    if shape == "pairs":
        return _pairs(node, faults, "=") if not node.scalar else None
    if node.scalar:
        return node.but({"context" if shape == "build" else "service": node})
    return in_form(node, BUILD, "build", faults) if shape == "build" and isinstance(node.value, dict) else node


def _texts(node: Node, shape: str, faults: list[Fault]) -> Node | None:
    if node.scalar:
        return node if shape == "words" else node.but([node])
    if not isinstance(node.value, list):
        return node.but([node]) if shape == "files" else None
    wrong = [part for part in node.list if not part.scalar and shape != "files"]
    faults += [Fault(part.mark, "must be one value, not a list or mapping") for part in wrong]
    return node


def _pairs(node: Node, faults: list[Fault], sign: str) -> Node:
    """Return a list of A=b, or of names where there is no sign, as a mapping."""
    if isinstance(node.value, dict):
        return node
    made: dict[str, Node] = {}
    keys: dict[str, Mark] = {}
    for part in node.list:
        if not part.scalar:
            faults.append(Fault(part.mark, "must be one value, not a list or mapping"))
            continue
        key, found, text = part.text.partition(sign) if sign else (part.text, "", "")
        made[key] = part.but(text if found else None)
        keys[key] = part.mark
    return Node(made, node.mark, node.base, node.tag, keys)
