"""`abbey import`: Compose files of other stacks become app files beside abbey.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from abbey.catalog.coherence import incoherences
from abbey.catalog.compose.convert import Imported, convert
from abbey.catalog.compose.read import OVERRIDES, files_of, read
from abbey.catalog.compose.work import Around
from abbey.catalog.compose.write import text_of
from abbey.catalog.load import Catalog, load_catalog
from abbey.catalog.schema import App
from abbey.cli import output, written
from abbey.cli.session import open_vault
from abbey.errors import AbbeyError, Fault, FileErrors, UsageError
from abbey.model.database import PORT
from abbey.model.metrics import METRICS_PORT
from abbey.secrets import SecretRef
from abbey.spec.load import load
from abbey.spec.yaml import parse


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for besides the files."""

    name: str = ""
    service: str = ""
    profiles: tuple[str, ...] = ()
    force: bool = False
    dry_run: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """One app to be written, and the text of its file."""

    app: Imported
    text: str
    file: Path
    notes: tuple[str, ...]


def run(paths: Sequence[Path], lab_file: Path, wishes: Wishes) -> int:
    """Import every project in these files and folders. Return 0, with what was lost listed.

    Raise FileErrors with all faults of all files, UsageError when something is in the way; then nothing is written.
    """
    try:
        made = _made(paths, lab_file, wishes)
    except FileErrors as errors:
        if not wishes.as_json:
            raise
        output.document({"apps": [], "faults": [asdict(fault) for fault in errors.faults]})
        return errors.exit_code
    folder = lab_file.parent / "apps"
    for one in made:
        _require_free(one, folder, lab_file, wishes)
    if not wishes.dry_run:
        _write(made, folder, lab_file)
    if wishes.as_json:
        output.document({"apps": [_document(one, wishes) for one in made], "faults": []})
    else:
        for one in made:
            _tell(one, folder, wishes)
        _tell_next(made, lab_file)
    return 0


def _made(paths: Sequence[Path], lab_file: Path, wishes: Wishes) -> list[Made]:
    projects = [project for path in paths for project in _projects(path)]
    if len(projects) > 1 and (wishes.name or wishes.service):
        raise UsageError("--name and --service are for one project", hint="import them one by one")
    catalog = load_catalog()
    faults: list[Fault] = []
    made: dict[str, Made] = {}
    for files in projects:
        try:
            one = _one(files, lab_file, catalog, wishes)
        except FileErrors as errors:
            faults += errors.faults
            continue
        if one.app.name in made:
            raise UsageError(f"two of these projects would be called {one.app.name}", hint="import one with --name")
        if shared := {name for other in made.values() for name in other.app.contexts} & one.app.contexts.keys():
            raise UsageError(f"two of these projects would build from {min(shared)}", hint="import one with --name")
        made[one.app.name] = one
    if faults:
        raise FileErrors(faults)
    return list(made.values())


def _projects(path: Path) -> list[list[Path]]:
    """Return the files of every project: of a file, of a folder, or of the folders in it."""
    if not path.is_dir():
        return [[path]]
    if own := files_of(path):
        return [own]
    inner = sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith("."))
    found = [files for child in inner if (files := files_of(child))]
    loose = sorted(child for child in path.iterdir() if child.suffix in (".yaml", ".yml") and child.is_file())
    found += [[file] for file in loose if file.name not in OVERRIDES]
    if not found:
        raise UsageError(f"there is no Compose file in {path}", hint="name the file itself")
    return found


def _one(files: list[Path], lab_file: Path, catalog: Catalog, wishes: Wishes) -> Made:
    generic = any(files[0].name.startswith(word) for word in ("compose", "docker-compose"))
    project = read(files, name=wishes.name, profiles=wishes.profiles)
    name = wishes.name or (project.name if generic or project.whole.get("name") else files[0].stem.partition(".")[0])
    app = convert(project, around=_around(catalog), name=name, service=wishes.service)
    text = text_of(app, [str(file) for file in files])
    file = lab_file.parent / "apps" / f"{app.name}.yaml"
    document = parse(text, str(file))
    if faults := incoherences(load(App, document), document, folders={*catalog.contexts, *app.contexts}):
        raise FileErrors(faults)
    notes = []
    known = catalog.apps.get(app.name)
    if known and known.kind == "part":
        raise UsageError(f"{app.name} is a part of the platform", hint="give the app another name with --name")
    if known:
        notes.append(f"{app.name} is also in Abbey's catalog, and this file takes its place; --name gives another name")
    beside = [files[0].parent / name for name in OVERRIDES if (files[0].parent / name).is_file()]
    if len(files) == 1 and beside and files[0] not in beside:
        notes.append(f"{beside[0]} was not read; name the folder to take it too")
    return Made(app, text, file, tuple(notes))


def _around(catalog: Catalog) -> Around:
    """Return what the platform takes for itself on a host, and the names that its gateway asks for."""
    parts = {name: app for name, app in catalog.apps.items() if app.kind == "part"}
    ports = {
        port.port: name for name, app in parts.items() for service in app.services.values() for port in service.publish
    }
    names = {"gateway"}
    for name, app in parts.items():
        if app.route:
            key = app.route.service
            names.add(key if key == name else f"{name}-{key}")
    return Around(ports={METRICS_PORT: "metrics", PORT: "postgres", **ports}, names=names, home=Path.home())


def _require_free(one: Made, folder: Path, lab_file: Path, wishes: Wishes) -> None:
    """Raise UsageError when something that is there would be replaced."""
    if not lab_file.parent.is_dir():
        raise UsageError(f"there is no folder {lab_file.parent}", hint="-f names the lab's file")
    if wishes.force:
        return
    for path in (one.file, *(folder / name for name in one.app.contexts)):
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} is there already", hint="--force replaces it, --name gives the app another name")
    if wishes.dry_run or not one.app.secrets:
        return
    vault = open_vault(lab_file)
    for short, secret in one.app.secrets.items():
        there = vault.get(SecretRef(f"{one.app.name}/{short}"))
        if there is not None and secret is not None and there != secret:
            what = f"the vault holds another secret {one.app.name}/{short}"
            raise UsageError(what, hint="--force replaces it, --name gives the app another name")


def _write(made: Sequence[Made], folder: Path, lab_file: Path) -> None:
    """Write everything: beside its place first, the secrets then, and at last each into its place."""
    files = {one.file.name: one.text.encode() for one in made}
    folders = {name: context for one in made for name, context in one.app.contexts.items()}
    try:
        with written.beside(folder, files, folders) as put:
            vault = open_vault(lab_file)
            for one in made:
                for short, secret in one.app.secrets.items():
                    if secret is not None:
                        vault.put(f"{one.app.name}/{short}", secret)
            put()
    except OSError as error:
        raise AbbeyError(f"{folder} cannot be written: {error.strerror}") from None


def _document(one: Made, wishes: Wishes) -> dict[str, object]:
    return {
        "name": one.app.name,
        "file": str(one.file),
        "written": not wishes.dry_run,
        "contexts": {name: len(files) for name, files in one.app.contexts.items()},
        "secrets": {name: secret is not None for name, secret in one.app.secrets.items()},
        "route": one.app.route,
        "carried": dict(one.app.carried),
        "losses": [asdict(loss) for loss in one.app.losses],
        "notes": list(one.notes),
    }


def _tell(one: Made, folder: Path, wishes: Wishes) -> None:
    verb = "would write" if wishes.dry_run else "wrote"
    output.line(f"{verb} {one.file}")
    for name, files in one.app.contexts.items():
        output.line(f"{verb} {folder / name}: {len(files)} files that an image is built from")
    stored = [f"{one.app.name}/{name}" for name, secret in one.app.secrets.items() if secret is not None]
    if stored:
        put = "would go" if wishes.dry_run else "went"
        output.line(f"{put} into the vault: {', '.join(stored)}")
    output.line(f"carried over: {_counted(one.app.carried)}")
    if one.app.route:
        output.line(one.app.route)
    for note in one.notes:
        output.line(f"note: {note}")
    if not one.app.losses:
        output.line("nothing was lost")
        return
    output.line(f"\nnot as it was, {len(one.app.losses)} in all:")
    for loss in one.app.losses:
        head = "" if loss.kind == "needless" else f"{loss.kind}: "
        output.line(f"  {loss.mark}: {head}{loss.what}: {loss.why}")
        if loss.do:
            output.line(f"      do: {loss.do}")
    output.line()


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in counts.items()) or "nothing"


def _tell_next(made: Sequence[Made], lab_file: Path) -> None:
    if not lab_file.exists():
        output.line(f"There is no {lab_file} yet: `abbey init` writes one.")
    output.line(f"Add to {lab_file}, then `abbey check`:")
    output.line("  apps:")
    for one in made:
        output.line(f"    {one.app.name}: {{}}")
