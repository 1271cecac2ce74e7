"""A stand-in for `docker` and `docker compose`: no containers, only a state file and the log of its own calls.

It lives in the folder named by STANDIN_DOCKER: `state.json` holds containers and images, `calls` one JSON list per
call. What a call of `exec` or `run` got on standard input is in `stdin-NUMBER`, by its line in `calls`. A test may name
services in `broken` (never healthy), `says` (what their log holds), a call in `failing` and its words in `complaint`.
Its compose.yaml is JSON, or any YAML where PyYAML is installed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HOME = Path(os.environ["STANDIN_DOCKER"])
State = dict[str, Any]


def load() -> State:
    path = HOME / "state.json"
    empty: State = {"containers": {}, "images": [], "broken": [], "says": {}, "failing": ""}
    return empty | (json.loads(path.read_text()) if path.exists() else {})


def save(state: State) -> None:
    new = HOME / f"state.{os.getpid()}"
    new.write_text(json.dumps(state, indent=1, sort_keys=True))
    new.replace(HOME / "state.json")


def fail(message: str, code: int = 1) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(code)


def lines(rows: Iterable[object]) -> None:
    for row in rows:
        print(json.dumps(row))


def ps(state: State, words: list[str]) -> None:
    if "--quiet" in words:
        service = next(word for word in words if "compose.service=" in word).rpartition("=")[2]
        print(service if service in state["containers"] else "")
        return
    lines([{"service": name, "oneoff": "False", **row} for name, row in sorted(state["containers"].items())])


def images(state: State) -> None:
    for image in state["images"]:
        repository, _, tag = image.rpartition(":")
        lines([{"repository": repository, "tag": tag, "digest": "<none>", "id": "sha256:0"}])


def compose(state: State, words: list[str]) -> None:
    if words[:1] == ["version"]:
        print("2.40.3")
        return
    services: dict[str, Any] = {}
    while words[0].startswith("--"):
        if words[0] == "--file":
            services = document(Path(words[1]).read_text())["services"]
        words = words[2:]
    verb, names = words[0], [word for word in words[1:] if word in services]
    match verb:
        case "up":
            up(state, {name: services[name] for name in names}, force="--force-recreate" in words)
        case "ps":
            rows = {name: row for name, row in state["containers"].items() if name in names}
            lines(
                {"Service": name, "Name": f"lab-{name}-1", "State": row["state"], "Health": health(row)}
                for name, row in rows.items()
            )
        case "stop":
            for name in names:
                state["containers"][name] |= {"state": "exited", "status": "Exited (0)"}
        case "logs":
            print("\n".join(state["says"].get(name, "") for name in names))
        case "exec":
            keep_stdin()
            if state["containers"].get(names[0], {}).get("state") != "running":
                fail(f'service "{names[0]}" is not running')
        case "build" | "pull":
            state["images"] = sorted({*state["images"], *(services[name]["image"] for name in names)})
        case "down":
            state["containers"] = {}
        case _:
            fail(f"the stand-in does not know: docker compose {verb}", 2)


def document(text: str) -> Any:
    if text.startswith("{"):
        return json.loads(text)
    import yaml

    return yaml.safe_load(text)


def keep_stdin() -> None:
    number = len((HOME / "calls").read_text().splitlines())
    (HOME / f"stdin-{number}").write_bytes(sys.stdin.buffer.read())


def health(row: dict[str, str]) -> str:
    return "unhealthy" if "unhealthy" in row["status"] else "healthy"


def up(state: State, services: dict[str, Any], *, force: bool) -> None:
    for name, service in services.items():
        if service["image"] not in state["images"]:
            fail(f"no such image: {service['image']}")
        row = {
            "config": service["labels"]["abbey.config"],
            "image": service["image"],
            "state": "running",
            "status": f"Up 1 second ({'unhealthy' if name in state['broken'] else 'healthy'})",
            "ports": "",
        }
        old = state["containers"].get(name, {})
        same = old.get("config") == row["config"] and old.get("image") == row["image"]
        row["made"] = old["made"] if same and not force else str(int(old.get("made", "0")) + 1)
        state["containers"][name] = row
        print(f" Container lab-{name}-1  Started", file=sys.stderr)
    if broken := sorted(set(services) & set(state["broken"])):
        save(state)
        fail(f"container lab-{broken[0]}-1 is unhealthy")


def main(words: list[str]) -> None:
    with (HOME / "calls").open("a") as calls:
        calls.write(json.dumps(words) + "\n")
    state = load()
    if state["failing"] and state["failing"] in " ".join(words):
        keep_stdin()
        fail(state.get("complaint") or f"told to fail at {state['failing']}")
    match words:
        case ["version", *_]:
            print("26.1.5")
        case ["ps", *rest]:
            ps(state, rest)
        case ["inspect", *_]:
            lines(
                [{"Status": "unhealthy", "Log": [{"Output": "wget: 404\n"}, {"Output": "wget: connection refused\n"}]}]
            )
        case ["image", "ls", *_]:
            images(state)
        case ["run", *rest]:
            keep_stdin()
            if not set(rest) & set(state["images"]):
                fail("no such image")
        case ["compose", *rest]:
            compose(state, rest)
            if rest[0] != "version":
                save(state)
        case ["stop", *_]:
            pass
        case ["rm", *names]:
            state["containers"] = {k: v for k, v in state["containers"].items() if k not in names}
            save(state)
        case _:
            fail(f"the stand-in does not know: docker {' '.join(words)}", 2)


if __name__ == "__main__":
    main(sys.argv[1:])
