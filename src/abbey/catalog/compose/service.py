"""One service: its image, what it runs, its limits and rights, its health, its order; the rest is in other modules."""

from __future__ import annotations

import re
from collections.abc import Callable

from abbey.catalog.compose import environment, image, network, storage
from abbey.catalog.compose.ledger import Loss
from abbey.catalog.compose.node import Node
from abbey.catalog.compose.secretive import in_words
from abbey.catalog.compose.values import duration, words
from abbey.catalog.compose.work import Part, is_absolute, literal
from abbey.spec.yaml import shown

DEFAULT_MEMORY = "2g"
_DOMAINS = frozenset(("com", "dev", "io", "me", "net", "org", "tech"))
_USER = re.compile(r"[0-9]+(:[0-9]+)?")
# What images that begin as root need in order to give their files away and become somebody else.
_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"]
_NEEDLESS = frozenset(
    [
        "restart",
        "logging",
        "expose",
        "pull_policy",
        "pull_refresh_after",
        "attach",
        "scale",
        "profiles",
        "version",
        "stdin_open",
        "tty",
        "develop",
        "mem_reservation",
        "memswap_limit",
        "mem_swappiness",
        "oom_score_adj",
        "annotations",
    ]
)
_WHY: dict[str, tuple[str, str]] = {
    "privileged": ("no app gets every right over the host", "name what it needs in `cap_add` and `devices`"),
    "gpus": ("an app file has no word for GPUs", "a device such as /dev/dri can stand in `devices`"),
    "runtime": ("an app file has no word for runtimes", "a device such as /dev/dri can stand in `devices`"),
    "links": ("the containers of an app find each other by name", "look whether the link gave another name"),
    "stop_signal": ("the image's own signal is sent", ""),
    "sysctls": ("an app file has no word for kernel settings", "set them on the host if it needs them"),
    "ulimits": ("Docker's own limits apply", "set `default-ulimits` for the host's Docker if it needs them"),
    "dns": ("the host's name servers are asked", ""),
    "label_file": ("nothing here reads labels", ""),
    "group_add": ("an app file has no word for further groups", "give the group in `user: \"UID:GID\"`"),
    "platform": ("Docker takes the image of the host's own kind", ""),
    "cpus": ("an app file has no limit for processors", ""),
}  # fmt: skip


def convert(part: Part) -> bool:
    """Carry over a service, and return whether it can run."""
    if not image.convert(part):
        return False
    for key in ("entrypoint", "command"):
        _command(part, key)
    _scalars(part)
    network.convert(part)
    environment.convert(part)
    storage.convert(part)
    _rights(part)
    _memory(part)
    _health(part)
    _needs(part)
    _labels(part)
    _restart(part)
    for key, node in part.node.map.items():
        way = part.way(key)
        if key.startswith("x-") or key in _NEEDLESS:
            part.ledger.unneeded(way, part.node.key_mark(key))
        elif key in _WHY and way not in part.ledger.done and not _refused(node):
            part.lost(key, *_WHY[key])
        elif key in _WHY:
            part.ledger.seen(way)
    return True


def _refused(node: Node) -> bool:
    """Return whether the file itself says no, or nothing."""
    return node.value in (None, False) or node.text.lower() == "false" or (not node.scalar and not node.value)


def _command(part: Part, key: str) -> None:
    node = part.take(key)
    if node is None:
        return
    try:
        found = words(node)
    except ValueError as error:
        part.lost(key, f"its quotes do not match: {error}", f"write `{key}` as a list")
        return
    if found or not node.scalar:
        part.made[key] = [literal(word) for word in found]
    part.ledger.carried(part.way(key), "commands")
    if in_words(found) or any(part.work.secrets.holds(word) for word in found):
        why = "a secret may stand in it, and then it is readable in the app file and in compose.yaml"
        what = f"{part.name}: {key}"
        part.ledger.losses.append(Loss(node.mark, "changed", what, why, "give it as a variable if the app can do that"))


def _scalars(part: Part) -> None:
    checks: dict[str, tuple[Callable[[str], bool], str]] = {
        "user": (
            lambda text: bool(_USER.fullmatch(text)),
            "an app file holds numbers: `id NAME` in the image says which",
        ),
        "working_dir": (is_absolute, "an app file cannot hold this path"),
    }
    for key, (fits, why) in checks.items():
        node = part.take(key)
        if node is None:
            continue
        if fits(node.text):
            part.made[key] = node.text
            part.ledger.carried(part.way(key), "settings")
        else:
            part.lost(key, why)
    for key in ("init", "read_only"):
        node = part.take(key)
        if node is not None:
            part.made |= {key: True} if node.text.lower() == "true" else {}
            part.ledger.carried(part.way(key), "settings")
    if (shm := part.take("shm_size")) and (size := storage.size(part, "shm_size", shm)):
        part.made["shm"] = size
        part.ledger.carried(part.way("shm_size"), "settings")
    if grace := part.take("stop_grace_period"):
        _duration(part, grace, ("stop_grace_period",), lambda text: part.made.update(stop_grace=text))


def _duration(part: Part, node: Node, way: tuple[str, ...], put: Callable[[str], object]) -> None:
    try:
        put(duration(node.text))
        part.ledger.carried(part.way(*way), "settings")
    except ValueError as error:
        part.ledger.lost(part.way(*way), node.mark, f"{part.name}: {'.'.join(way)}", str(error))


def _rights(part: Part) -> None:
    added, dropped = (part.take("cap_add") or part.node.but([])), (part.take("cap_drop") or part.node.but([]))
    names = {node.text.upper().removeprefix("CAP_") for node in added.list}
    gone = {node.text.upper().removeprefix("CAP_") for node in dropped.list}
    user = str(part.made.get("user", "0"))
    if "ALL" not in gone and user.partition(":")[0] == "0":
        names |= {name for name in _CAPABILITIES if name not in gone}
    if names:
        part.made["cap_add"] = sorted(names)
    part.ledger.seen(part.way("cap_add"))
    part.ledger.counts["capabilities"] += len(added.list)
    if "ALL" in names:
        part.ledger.losses.append(Loss(added.mark, "changed", f"{part.name}: cap_add", "it has every capability"))
    if dropped.list:
        part.ledger.unneeded(part.way("cap_drop"), dropped.mark)
    for at, node in enumerate((part.take("devices") or part.node.but([])).list):
        words = node.text.split(":") if node.scalar else [""]
        if is_absolute(words[0]) and words[0] and words[1:] in ([], [words[0]], [words[0], "rwm"], ["rwm"]):
            part.made.setdefault("devices", []).append(words[0])  # type: ignore[attr-defined]
            part.ledger.carried(part.way("devices", str(at)), "devices")
        else:
            part.ledger.lost(part.way("devices", str(at)), node.mark, f"{part.name}: device {shown(words[0])}",
                             "an app file only gives a device under its own name, with all rights")  # fmt: skip
    for at, node in enumerate((part.take("security_opt") or part.node.but([])).list):
        if node.text.replace("=", ":") in ("no-new-privileges:true", "no-new-privileges"):
            part.ledger.unneeded(part.way("security_opt", str(at)), node.mark)
        else:
            part.ledger.lost(part.way("security_opt", str(at)), node.mark, f"{part.name}: {shown(node.text)}",
                             "Docker's own protection stays on")  # fmt: skip
    if pid := part.take("pid"):
        if pid.text == "host":
            part.made["host_pid"] = True
            part.ledger.carried(part.way("pid"), "settings")
        else:
            part.lost("pid", "each container sees its own processes")


def _memory(part: Part) -> None:
    node, key = part.take("mem_limit"), ("mem_limit",)
    deploy = part.take("deploy")
    resources = deploy.get("resources") if deploy else None
    limits = resources.get("limits") if resources else None
    if limits and limits.get("memory"):
        node, key = limits.get("memory"), ("deploy", "resources", "limits", "memory")  # type: ignore[assignment]
    for word in ("mode", "replicas", "restart_policy", "update_config", "rollback_config", "labels", "placement"):
        if deploy and word in deploy.map:
            part.ledger.unneeded(part.way("deploy", word), deploy.key_mark(word))
    held = resources.get("reservations") if resources else None
    if held and held.get("devices"):
        part.ledger.lost(part.way("deploy", "resources", "reservations", "devices"), held.key_mark("devices"),
                         f"{part.name}: reserved devices", *_WHY["gpus"])  # fmt: skip
    if held and held.get("memory"):
        part.ledger.unneeded(part.way("deploy", "resources", "reservations", "memory"), held.key_mark("memory"))
    size = storage.size(part, ".".join(key), node) if node and node.text not in ("0", "-1") else None
    if node:
        part.ledger.carried(part.way(*key), "limits")
    part.made["memory"] = size or DEFAULT_MEMORY
    if size is None:
        part.doubts.append("memory")


def _health(part: Part) -> None:
    node = part.take("healthcheck")
    if node is None:
        part.made["no_health"] = "the Compose file had no health check"
        return
    test = node.get("test")
    found = words(test) if test and isinstance(test.value, list) else ("CMD-SHELL", test.text) if test else ()
    off = (node.get("disable") or node.but("")).text.lower() == "true" or found[:1] == ("NONE",)
    part.ledger.seen(part.way("healthcheck", "test"), part.way("healthcheck", "disable"))
    if off or not found or found == ("CMD-SHELL", ""):
        part.made["no_health"] = "the Compose file switches the health check off" if off else "the image's own applies"
        part.ledger.carried(part.way("healthcheck"), "health checks")
        return
    part.ledger.counts["health checks"] += 1
    health: dict[str, object] = {"test": [literal(word) for word in found], "timeout": "30s",
                                 "source": "the imported Compose file"}  # fmt: skip
    for key, word in (("interval", "interval"), ("timeout", "timeout"), ("start_period", "start")):
        if value := node.get(key):
            way = ("healthcheck", key)
            _duration(part, value, way, lambda text, word=word: health.update({word: text}))  # type: ignore[misc]
    if retries := node.get("retries"):
        if retries.text.isdigit() and 1 <= int(retries.text) <= 100:
            health["retries"] = int(retries.text)
            part.ledger.seen(part.way("healthcheck", "retries"))
        else:
            part.ledger.lost(part.way("healthcheck", "retries"), retries.mark, f"{part.name}: retries", "from 1 to 100")
    part.made["health"] = health


def _needs(part: Part) -> None:
    node = part.take("depends_on")
    needs: list[str] = []
    for name, how in (node.map if node else {}).items():
        way = part.way("depends_on", name)
        mark, what = node.key_mark(name) if node else part.node.mark, f"{part.name}: depends on {shown(name)}"
        condition = (how.get("condition") or how.but("")).text
        if name not in part.work.keys:
            part.ledger.lost(way, mark, what, "that service is not imported")
            continue
        needs.append(part.work.keys[name])
        part.ledger.carried(way, "dependencies")
        if condition == "service_completed_successfully":
            part.ledger.changed(way, mark, what, "Abbey waits until it is up, not until it has ended",
                                "let the app try again by itself, or do its work in a `steps` entry")  # fmt: skip
    if needs:
        part.made["needs"] = needs


def _labels(part: Part) -> None:
    node = part.take("labels")
    if node is None:
        return
    part.ledger.seen(part.way("labels"))
    groups: dict[str, list[str]] = {}
    for key in node.map:
        words = key.split(".")
        group = ".".join(words[: 3 if words[0] in _DOMAINS else 1])
        groups.setdefault(group, []).append(key)
    for group, keys in groups.items():
        do = ""
        if group == "traefik" and (hosts := _hosts(node)):
            do = f"its address was {shown(hosts[0])}: `host:` in abbey.yaml names the part before the lab's domain"
        count = f"{len(keys)} labels" if len(keys) > 1 else "label"
        part.ledger.losses.append(
            Loss(
                node.key_mark(keys[0]), "lost", f"{part.name}: {count} {shown(group)}", "nothing here reads labels", do
            )
        )


def _hosts(labels: Node) -> list[str]:
    texts = (node.text for key, node in labels.map.items() if key.endswith(".rule"))
    return [host for text in texts for host in re.findall(r"Host\([`\"']([^`\"']+)[`\"']", text)]


def _restart(part: Part) -> None:
    node = part.node.get("restart")
    if node and (node.text in ("no", "false") or node.text.startswith("on-failure")):
        why = "Abbey starts every container again that ends"
        do = "leave the service out if it only does something once"
        part.ledger.losses.append(Loss(node.mark, "changed", f"{part.name}: restart {shown(node.text)}", why, do))
