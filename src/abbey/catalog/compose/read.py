"""Compose files of one project to one resolved whole: variables, include, extends, overrides, env files, profiles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from abbey.catalog.compose.dotenv import EnvFileError, parse_env
from abbey.catalog.compose.forms import HEALTH, SERVICE, TOP, in_form
from abbey.catalog.compose.interpolate import RequiredError, substitute
from abbey.catalog.compose.merge import merged, once, without_resets
from abbey.catalog.compose.node import Node, parse
from abbey.catalog.compose.project import Project, Variable
from abbey.catalog.compose.refer import references
from abbey.errors import Fault, FileErrors, Mark
from abbey.spec.yaml import MAX_BYTES, shown

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDES = ("compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml",
             "docker-compose.override.yml")  # fmt: skip
_PARTS = ("services", "networks", "volumes", "secrets", "configs")
_MAX_CHAIN = 20


def files_of(folder: Path) -> list[Path]:
    """Return the files that Compose would read in a folder: the first of its names, and the override beside it."""
    found = [path for names in (NAMES, OVERRIDES) for path in [_first(folder, names)] if path]
    return found if _first(folder, NAMES) else []


def _first(folder: Path, names: Iterable[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read(paths: list[Path], *, name: str = "", profiles: Collection[str] = ()) -> Project:
    """Return the project of these files, each laid over those before it. Raise FileErrors with all their faults.

    Variables come from `.env` beside the first file, and from nowhere else, so that every machine reads the same.
    """
    reader = Reader()
    folder = paths[0].parent
    known = reader.env_of(folder)
    known = {**known, "COMPOSE_PROJECT_NAME": name or known.get("COMPOSE_PROJECT_NAME", folder.absolute().name)}
    whole = reader.together(paths, folder, known)
    chosen = {*profiles, *filter(None, known.get("COMPOSE_PROFILES", "").split(","))}
    services: dict[str, Node] = {}
    left: dict[str, Node] = {}
    listed = whole.get("services")
    for key, service in (listed.map if listed else {}).items():
        wanted = {part.text for part in (service.get("profiles") or service).list}
        (services if not wanted or wanted & chosen or "*" in chosen else left)[key] = service
    environment = {key: reader.environment(key, service, known) for key, service in services.items()}
    called = (whole.get("name") or whole.but("")).text
    project = Project(
        name or called or known["COMPOSE_PROJECT_NAME"], folder, whole, services, left, environment, known,
        dict(reader.empty), tuple(reader.absent), tuple(dict.fromkeys(reader.files)),
    )  # fmt: skip
    if not listed or not listed.map:
        reader.faults.append(Fault(whole.mark, "there are no services in this file", "is this a Compose file?"))
    reader.faults += references(project)
    if reader.faults:
        raise FileErrors(reader.faults)
    return project


@dataclass(slots=True)
class Reader:
    """Reads files, and gathers what is wrong with them."""

    faults: list[Fault] = field(default_factory=list)
    empty: dict[str, Mark] = field(default_factory=dict)
    absent: list[tuple[str, Mark]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def together(
        self, paths: list[Path], folder: Path, known: Mapping[str, str], depth: int = 0, asked: Mark | None = None
    ) -> Node:
        """Return several files as one, each over those before it."""
        start = Mark(str(paths[0]), 1, 1)
        whole = Node({}, start, folder)
        for path in paths:
            for document in self.documents(path, folder, known, asked or start):
                own = self._extended(document, path, known)
                whole = merged(whole, self._included(own, known, depth))
        return without_resets(whole)

    def documents(self, path: Path, folder: Path, known: Mapping[str, str], asked: Mark) -> list[Node]:
        """Return the documents of a file with variables filled in and every value in its one form."""
        content = self.content(path, asked)
        if content is None:
            return []
        try:
            nodes = parse(content, str(path), folder)
        except FileErrors as error:
            self.faults += error.faults
            return []
        found: list[Node] = []
        for node in nodes:
            if not isinstance(node.value, dict):
                self.faults.append(Fault(node.mark, "a Compose file is a mapping", "is this a Compose file?"))
            else:
                found.append(self._formed(self.filled(node, known)))
        return found

    def content(self, path: Path, asked: Mark) -> bytes | None:
        """Return a file's bytes, or None after adding a fault at the place that asks for it."""
        try:
            if not path.is_file():
                self.faults.append(Fault(asked, f"there is no file {shown(path)}"))
                return None
            with path.open("rb") as file:
                self.files.append(path)
                return file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.faults.append(Fault(asked, f"{shown(path)} cannot be read: {reason}"))
            return None

    def env_of(self, folder: Path) -> dict[str, str]:
        """Return the variables of `.env` in a folder."""
        path = folder / ".env"
        return self._variables(path, {}, Mark(str(path), 1, 1)) if path.is_file() else {}

    def _variables(self, path: Path, known: Mapping[str, str], asked: Mark) -> dict[str, str]:
        found = self._env_lines(path, known, asked, before={}, raw=False)
        return {name: variable.value for name, variable in found.items() if variable.value is not None}

    def _env_lines(
        self, path: Path, known: Mapping[str, str], asked: Mark, *, before: Mapping[str, str], raw: bool
    ) -> dict[str, Variable]:
        content = self.content(path, asked)
        if content is None:
            return {}
        try:
            lines = parse_env(
                content[:MAX_BYTES].decode("utf-8", errors="surrogateescape"), known, before=before, raw=raw
            )
        except EnvFileError as error:
            self.faults.append(Fault(Mark(str(path), error.line, 1), str(error)))
            return {}
        return {line.name: Variable(line.value, Mark(str(path), line.line, 1)) for line in lines}

    def filled(self, node: Node, known: Mapping[str, str]) -> Node:
        """Return the value with every variable filled in."""
        if isinstance(node.value, dict):
            return node.but({key: self.filled(part, known) for key, part in node.map.items()})
        if isinstance(node.value, list):
            return node.but([self.filled(part, known) for part in node.list])
        if not isinstance(node.value, str):
            return node
        try:
            return node.but(substitute(node.value, known.get, lambda name: self._missing(name, node.mark)))
        except RequiredError as error:
            hint = f"write {error}=… into the file .env beside the Compose file"
            self.faults.append(Fault(node.mark, f"{error} must have a value, says the file", hint))
        except ValueError as error:
            self.faults.append(Fault(node.mark, str(error)))
        return node.but("")

    def _missing(self, name: str, mark: Mark) -> None:
        self.empty.setdefault(name, mark)

    def _formed(self, node: Node) -> Node:
        node = in_form(node, TOP, "the file", self.faults)
        listed = node.get("services")
        if listed is None:
            return node
        services: dict[str, Node] = {}
        for key, service in listed.map.items():
            if isinstance(service.value, dict):
                services[key] = self._service(key, service)
            elif service.value is None and service.tag:
                services[key] = service
            else:
                self.faults.append(Fault(service.mark, f"the service {shown(key)} must be a mapping"))
        return node.but({**node.map, "services": listed.but(services)})

    def _service(self, key: str, node: Node) -> Node:
        service = in_form(node, SERVICE, f"the service {shown(key)}", self.faults)
        if (health := service.get("healthcheck")) is not None:
            form = in_form(health, HEALTH, "`healthcheck`", self.faults)
            service = service.but({**service.map, "healthcheck": form})
        lists = {name: part.but(once(part.list, name)) for name, part in service.map.items() if part.list}
        return service.but({**service.map, **lists})

    def _extended(self, document: Node, path: Path, known: Mapping[str, str]) -> Node:
        listed = document.get("services")
        if listed is None:
            return document
        services = {key: self._base(key, listed.map, path, known, ()) for key in listed.map}
        return document.but({**document.map, "services": listed.but(services)})

    def _base(
        self, key: str, services: Mapping[str, Node], path: Path, known: Mapping[str, str], chain: tuple[str, ...]
    ) -> Node:
        """Return a service laid over the one that it extends, and that over its own."""
        service = services[key]
        extends = service.get("extends")
        if extends is None:
            return service
        own = service.but({name: part for name, part in service.map.items() if name != "extends"})
        name = (extends.get("service") or extends.but("")).text
        here = f"{path}:{key}"
        if here in chain or len(chain) > _MAX_CHAIN:
            self.faults.append(Fault(extends.mark, f"{shown(key)} would extend itself"))
            return own
        file = extends.get("file")
        if file:
            path = extends.base / file.text
            found = self.documents(path, path.parent, known, file.mark)
            listed = found[0].get("services") if found else None
            services = listed.map if listed else {}
        if name not in services:
            self.faults.append(Fault(extends.mark, f"there is no service {shown(name)} to extend in {shown(path)}"))
            return own
        return merged(self._base(name, services, path, known, (*chain, here)), own)

    def _included(self, document: Node, known: Mapping[str, str], depth: int) -> Node:
        include = document.get("include")
        if include is None:
            return document
        if depth > _MAX_CHAIN:
            self.faults.append(Fault(include.mark, "more than 20 files include each other"))
            return document
        whole = document
        for entry in include.list or [include]:
            paths = [part for part in self._paths(entry if entry.scalar else entry.get("path")) if part.text]
            if not paths:
                self.faults.append(Fault(entry.mark, "`include` must name files"))
                continue
            first = entry.base / paths[0].text
            at = entry.get("project_directory")
            folder = entry.base / at.text if at else first.parent
            variables = {**self.env_of(folder), **known}
            for file in self._paths(entry.get("env_file")):
                variables = {**self._variables(entry.base / file.text, known, file.mark), **variables}
            part = self.together([entry.base / path.text for path in paths], folder, variables, depth + 1, entry.mark)
            whole = self._joined(whole, part)
        return whole

    def _paths(self, node: Node | None) -> list[Node]:
        return [] if node is None else [part for part in node.list or [node] if part.scalar]

    def _joined(self, whole: Node, part: Node) -> Node:
        """Return the file with what it includes. One name must not mean two things."""
        pairs = dict(whole.map)
        for name in _PARTS:
            mine, theirs = pairs.get(name), part.get(name)
            if theirs is None:
                continue
            for key in theirs.map.keys() & (mine.map.keys() if mine else set()):
                what = f"{name}.{shown(key)} stands in this file and in an included one"
                self.faults.append(Fault(mine.key_mark(key) if mine else theirs.mark, what, "rename one of them"))
            pairs[name] = merged(theirs, mine) if mine and mine.map else theirs
        return whole.but(pairs)

    def environment(self, key: str, service: Node, known: Mapping[str, str]) -> dict[str, Variable]:
        """Return the environment of a service: its env files in order, and over them what stands in the file."""
        found: dict[str, Variable] = {}
        own = service.get("environment")
        said = {name: node.text for name, node in (own.map if own else {}).items() if node.value is not None}
        for entry in (service.get("env_file") or service.but([])).list:
            path = entry if entry.scalar else entry.get("path")
            if path is None or not path.scalar:
                self.faults.append(Fault(entry.mark, "`env_file` must name a file"))
                continue
            required = (entry.get("required") or entry.but("true")).text.lower() != "false"
            if not required and not (path.base / path.text).is_file():
                self.absent.append((key, path.mark))
                continue
            raw = (entry.get("format") or entry.but("")).text == "raw"
            before = {name: variable.value for name, variable in found.items() if variable.value is not None}
            found |= self._env_lines(path.base / path.text, {**said, **known}, path.mark, before=before, raw=raw)
        for name, node in (own.map if own else {}).items():
            if not node.scalar:
                self.faults.append(Fault(node.mark, f"the variable {shown(name)} must be one value"))
            elif own:
                found[name] = Variable(None if node.value is None else node.text, own.key_mark(name))
        return {
            name: Variable(known.get(name), variable.mark) if variable.value is None else variable
            for name, variable in found.items()
        }
