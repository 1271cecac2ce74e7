"""What an image is built from: the context copied beside the app file, bounded, with what its `build` says in it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from abbey.catalog.compose.node import Node
from abbey.catalog.compose.secretive import is_secret
from abbey.catalog.compose.work import Part, named
from abbey.spec.yaml import shown

MAX_FILES = 2000
MAX_BYTES = 50 << 20
_REMOTE = re.compile(r"(https?|git|ssh|oci|docker-image)://|git@|github\.com/")
_ARG = re.compile(r"(?im)^(\s*ARG\s+)([A-Za-z_][A-Za-z0-9_]*)(?:=[^\n]*)?[ \t]*$")
_STAGE = re.compile(r"(?im)^\s*FROM\s+.*?\s+AS\s+([A-Za-z0-9_.-]+)\s*$")


class ContextError(ValueError):
    """A context that cannot be copied."""


def convert(part: Part, node: Node) -> str | None:
    """Copy the context and return its name, or None after reporting why the image cannot be built here."""
    ledger, way = part.ledger, part.way("build")
    context = node.get("context")
    text = context.text if context else "."
    if _REMOTE.match(text):
        ledger.lost(way, node.mark, f"{part.name}: build", "its sources are not on this machine",
                    "fetch them into a folder and name that in `context`")  # fmt: skip
        return None
    folder = Path(os.path.normpath(os.path.join(os.path.abspath(node.base), text)))
    try:
        files = dict(_files(part, folder))
        recipe = _recipe(part, node, folder, files)
    except (ContextError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        ledger.lost(way, node.mark, f"{part.name}: build", f"the context {shown(text)} cannot be copied: {reason}",
                    "make the context smaller with a .dockerignore, or use a published image")  # fmt: skip
        return None
    files["Dockerfile"] = _with(part, node, recipe).encode("utf-8", errors="surrogateescape")
    name = named(f"{part.work.app}-{part.work.keys[part.name]}", part.work.contexts)
    part.work.contexts[name] = files
    ledger.seen(*(part.way("build", key) for key in ("context", "dockerfile", "dockerfile_inline")))
    for key in node.map.keys() & {"cache_from", "cache_to", "no_cache", "pull", "tags", "labels", "platforms"}:
        ledger.unneeded(part.way("build", key), node.key_mark(key))
    ledger.counts["build contexts"] += 1
    return name


def _files(part: Part, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a context. Raise ContextError when it is too large, or no folder."""
    if not folder.is_dir():
        raise ContextError("there is no such folder")
    ignored = _ignored(folder)
    count = total = 0
    for path in _walk(folder, folder, ignored):
        relative = path.relative_to(folder).as_posix()
        mark = part.node.map["build"].mark
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            part.ledger.changed(part.way("build", relative), mark, f"{part.name}: build, {shown(relative)}",
                                "a link that leaves the context is not copied", "copy the file itself")  # fmt: skip
            continue
        if not path.is_file():
            part.ledger.changed(part.way("build", relative), mark, f"{part.name}: build, {shown(relative)}",
                                "only files are copied, and this is none or a linked folder")  # fmt: skip
            continue
        count, total = count + 1, total + path.stat().st_size
        if count > MAX_FILES or total > MAX_BYTES:
            raise ContextError(f"more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB")
        body = path.read_bytes()
        if os.access(path, os.X_OK) and path.stat().st_mode & 0o111 and relative != "Dockerfile":
            part.ledger.changed(part.way("build", relative), mark, f"{part.name}: build, {shown(relative)}",
                                "it is executable here, and the copy on the host is not",
                                "write `RUN chmod +x` or `COPY --chmod=755` for it in the Dockerfile")  # fmt: skip
        yield relative, body


def _walk(folder: Path, root: Path, ignored: list[tuple[str, bool]]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in (".git", "__pycache__") or _is_ignored(path.relative_to(root), ignored):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, root, ignored)
        else:
            yield path


def _ignored(folder: Path) -> list[tuple[str, bool]]:
    """Return the patterns of .dockerignore, each with whether it takes out or back in."""
    path = folder / ".dockerignore"
    if not path.is_file():
        return []
    rows = (row.strip() for row in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return [(row.lstrip("!").strip("/"), not row.startswith("!")) for row in rows if row and not row.startswith("#")]


def _is_ignored(path: PurePosixPath | Path, patterns: list[tuple[str, bool]]) -> bool:
    found = False
    for pattern, out in patterns:
        plain = pattern.removeprefix("**/").removeprefix("./")
        names = [path.as_posix(), *(parent.as_posix() for parent in path.parents if parent.as_posix() != ".")]
        names += list(path.parts) if pattern.startswith("**/") else []
        if any(fnmatchcase(name, plain) and name.count("/") == plain.count("/") for name in names):
            found = out
    return found and path.as_posix() not in ("Dockerfile", ".dockerignore")


def _recipe(part: Part, node: Node, folder: Path, files: dict[str, bytes]) -> str:
    """Return the text of the Dockerfile. Raise ContextError when there is none."""
    if inline := node.get("dockerfile_inline"):
        return inline.text
    wish = node.get("dockerfile")
    name = wish.text if wish else "Dockerfile"
    path = folder / name
    if not path.is_file():
        raise ContextError(f"there is no {name} in it")
    if "Dockerfile" in files and name != "Dockerfile":
        part.ledger.changed(part.way("build", "dockerfile"), node.mark, f"{part.name}: build",
                            f"{shown(name)} stands in place of the context's own Dockerfile")  # fmt: skip
    return path.read_bytes().decode("utf-8", errors="surrogateescape")


def _with(part: Part, node: Node, recipe: str) -> str:
    """Return the Dockerfile with the arguments as defaults, and the wanted stage as its last."""
    args = node.get("args")
    values = {key: value.text for key, value in (args.map if args else {}).items() if value.value is not None}
    declared = {found[2] for found in _ARG.finditer(recipe)}
    mark = node.mark
    for key in args.map if args else ():
        way, what = part.way("build", "args", key), f"{part.name}: build argument {shown(key)}"
        if key not in values:
            part.ledger.lost(way, mark, what, "its value was taken from the shell that runs Compose",
                             "write it into the Dockerfile")  # fmt: skip
        elif is_secret(key, values[key]):
            del values[key]
            part.ledger.lost(way, mark, what, "a secret would stand in the copied Dockerfile", "give it at run time")
        elif key in declared and "\n" not in values[key]:
            part.ledger.changed(way, mark, what, "it is a default in the copied Dockerfile now")
        else:
            part.ledger.lost(way, mark, what, "the Dockerfile declares no such ARG", "declare it there with its value")
    recipe = _ARG.sub(
        lambda m: f"{m[1]}{m[2]}={_quoted(values[m[2]])}" if m[2] in values and "\n" not in values[m[2]] else m[0],
        recipe,
    )
    target = node.get("target")
    if target is None:
        return recipe
    way, stages = part.way("build", "target"), [found[1].lower() for found in _STAGE.finditer(recipe)]
    if target.text.lower() not in stages:
        part.ledger.lost(way, target.mark, f"{part.name}: build target", "the Dockerfile names no such stage")
        return recipe
    part.ledger.changed(way, target.mark, f"{part.name}: build target",
                        "the copied Dockerfile ends with this stage now")  # fmt: skip
    return f"{recipe.rstrip()}\n\nFROM {target.text}\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")
