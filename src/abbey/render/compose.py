"""compose.yaml of a host: the file that is the documentation, and that a person can run without Abbey."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from abbey.catalog.container import Publish
from abbey.emit import MERGE, Alias, Anchor, Flow, Note, yaml_text
from abbey.files import Effect, File, FileTree, OnChange, Quoted, digest, quoted
from abbey.model.database import DOOR_PART
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.model.network import DATABASE, EDGE
from abbey.model.promise import promise
from abbey.model.secret_file import secret_file
from abbey.model.service import Service, services
from abbey.plan.state import CONFIG_LABEL
from abbey.secrets import SecretRef

PATH = "compose.yaml"
_CAREFUL = {
    "restart": "unless-stopped",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
}


def render(lab: Lab, host: Host, others: FileTree) -> FileTree:
    """Return compose.yaml and the secret files of a host. `others` are its other files, which services look at."""
    here = services(lab, host)
    document: dict[str, object] = {
        "name": Note(_title(lab, host), lab.name),
        "x-careful": Note(
            "What every container gets; Compose fills it in at each `<<`.", Anchor("careful", _CAREFUL), gap=True
        ),
        "services": Note("", _services(lab, host, here, others), gap=True),
        "networks": Note(
            "One network per app: apps see the gateway and what they were given, not each other.",
            _networks(lab, here),
            gap=True,
        ),
    }
    volumes = sorted(f"{service.app.name}_{volume.name}" for service in here for volume in service.volumes)
    if volumes:
        document["volumes"] = Note(
            "What outlives the containers.", {name: {} for name in dict.fromkeys(volumes)}, gap=True
        )
    secrets = _secret_files(here)
    if secrets:
        listed = {
            name: Flow({"file": f"./{path}"})
            for name, path in sorted((path.removeprefix("secrets/"), path) for path in secrets)
        }
        document["secrets"] = Note("Files that Abbey fills from the encrypted vault.", listed, gap=True)
    files = _files(secrets, here) | _env_files(here)
    return FileTree([(PATH, File(yaml_text(document))), *sorted(files.items())])


def labels(lab: Lab, host: Host, others: FileTree) -> dict[str, str]:
    """Return the label of every service of a host, by its Compose name."""
    here = services(lab, host)
    return {
        service.name: config_digest(service, _service(host, service, here), subnets=lab.subnets, others=others)
        for service in here
    }


def _title(lab: Lab, host: Host) -> str:
    return (
        f"{lab.portal.title} on {host.name} ({host.place}, {host.tailnet}). Written by Abbey from abbey.yaml.\n"
        "Run it by hand as you would any other: docker compose up -d, ps, logs -f, down.\n"
        "Changes made here are found and undone by `abbey up`; make them in abbey.yaml."
    )


def _services(lab: Lab, host: Host, here: tuple[Service, ...], others: FileTree) -> dict[str, object]:
    primary = lab.database.primary.name if lab.database else None
    names = tuple(known.name for known in lab.hosts)
    listed: dict[str, object] = {}
    for service in here:
        entry = _service(host, service, here)
        label = config_digest(service, entry, subnets=lab.subnets, others=others)
        text = f"{service.title}: {service.app.entry.summary}."
        if service.app.entry.kind == "app":
            text += f"\n{promise(service.app, hosts=names, primary=primary)}"
        listed[service.name] = Note(text, {**entry, "labels": {CONFIG_LABEL: label}}, gap=True)
    return listed


def config_digest(
    service: Service, entry: Mapping[str, object], *, subnets: Mapping[str, str], others: FileTree
) -> str:
    """Return a digest of a service's definition, of the addresses of its networks and of the files it sees.

    Files that the service can reread by itself do not count. Addresses do, because a container keeps the old ones
    until it is made again.
    """
    parts = [yaml_text({**_CAREFUL, **entry, MERGE: "careful"})]
    parts += [f"{network}:{subnets[network]}" for network, _ in service.networks]
    if not service.entry.reload:
        parts += [
            f"{path}:{digest(others[path].shown())}"
            for path in others
            if service.sees(path) and not others[path].secret
        ]
    return digest("\n".join(parts).encode())[:12]


def _service(host: Host, service: Service, here: tuple[Service, ...]) -> dict[str, object]:
    entry = service.entry
    made: dict[str, object] = {MERGE: Alias("careful"), "image": service.image}
    if entry.image.build:
        made["build"] = f"./build/{entry.image.build}"
    optional: dict[str, object] = {
        "entrypoint": _escaped(service.entrypoint),
        "command": _escaped(service.command),
        "user": entry.user,
        "init": True if entry.init else None,
        "hostname": entry.hostname,
        "working_dir": entry.working_dir,
        "read_only": True if entry.read_only else None,
        "cap_add": list(entry.cap_add) or None,
        "devices": list(entry.devices) or None,
        "env_file": [f"./{_env_file(service)}"] if service.secret_env else None,
        "environment": {name: _escape(text) for name, text in service.env} or None,
        "secrets": [secret_file(ref) for ref in service.secrets] or None,
        "volumes": _mounts(service) or None,
        "tmpfs": list(entry.tmpfs) or None,
        "network_mode": _network_mode(service),
        "pid": "host" if entry.host_pid else None,
        "networks": _joined(service) or None,
        "extra_hosts": [f"{name}={address}" for name, address in entry.extra_hosts.items()] or None,
        "ports": [_port(host, port) for port in entry.publish] or None,
        "mem_limit": service.memory,
        "shm_size": entry.shm,
        "stop_grace_period": entry.stop_grace,
        "depends_on": _depends(service, here) or None,
        "healthcheck": _health(service),
    }
    return made | {key: value for key, value in optional.items() if value is not None}


def _mounts(service: Service) -> list[str]:
    return [
        *(f"{service.app.name}_{volume.name}:{volume.path}" for volume in service.volumes),
        *(f"./{mount.file}:{mount.path}:ro" for mount in service.entry.mounts),
        *(f"./{file.file}:{file.path}:ro" for file in service.files),
        *(f"{path.host}:{path.path}{'' if path.write else ':ro'}" for path in service.entry.host_paths),
    ]


def _joined(service: Service) -> list[str] | dict[str, object]:
    if any(aliases for _, aliases in service.networks):
        return {network: {"aliases": list(aliases)} if aliases else {} for network, aliases in service.networks}
    return [network for network, _ in service.networks]


def _network_mode(service: Service) -> str | None:
    """Return the mode of a container that joins no network: without a word, Compose would give it one."""
    if service.entry.host_network:
        return "host"
    return None if service.networks else "none"


def _port(host: Host, port: Publish) -> str:
    address = {"tailnet": f"{host.tailnet}:", "loopback": "127.0.0.1:", "everywhere": ""}[port.at]
    return f"{address}{port.port}:{port.to}{'' if port.protocol == 'tcp' else f'/{port.protocol}'}"


def _depends(service: Service, here: tuple[Service, ...]) -> dict[str, object]:
    """Return what must be healthy first when a person runs Compose by hand; Abbey keeps the order across hosts."""
    own = [service.app.service_name(key) for key in service.entry.needs]
    needs = dict(service.needs).values()
    door = [other.name for other in here if other.app.name == DOOR_PART or other.name in needs]
    wanted = {*own, *(door if service.app.database else ())} - {service.name}
    conditions = {other.name: "service_healthy" if other.health else "service_started" for other in here}
    return {name: Flow({"condition": conditions[name]}) for name in conditions if name in wanted}


def _health(service: Service) -> dict[str, object] | None:
    health = service.health
    if health is None:
        return None
    return {
        "test": _escaped(health.test),
        "interval": health.interval,
        "timeout": health.timeout,
        "retries": health.retries,
        "start_period": health.start,
    }


def _networks(lab: Lab, here: tuple[Service, ...]) -> dict[str, object]:
    names = {network for service in here for network, _ in service.networks}
    why = {EDGE: "where the tunnel meets the gateway", DATABASE: "where apps meet the door to the database"}
    listed: dict[str, object] = {}
    for name in sorted(names):
        value = Flow({"ipam": {"config": [{"subnet": lab.subnets[name]}]}})
        listed[name] = Note(why[name], value) if name in why else value
    return listed


def _secret_files(here: tuple[Service, ...]) -> dict[str, SecretRef]:
    return {f"secrets/{secret_file(ref)}": ref for service in here for ref in service.secrets}


def _files(secrets: Mapping[str, SecretRef], here: tuple[Service, ...]) -> dict[str, File]:
    """Return the secret files: readable by the container's user, whoever that is; the folder shields them."""
    return {
        path: File(
            (ref,),
            mode=0o444,
            on_change=tuple(OnChange(service.name, Effect.RECREATE) for service in here if ref in service.secrets),
        )
        for path, ref in secrets.items()
    }


def _env_file(service: Service) -> str:
    return f"secrets/env/{service.name}.env"


def _env_files(here: tuple[Service, ...]) -> dict[str, File]:
    """Return the environment that holds secrets: Compose reads the files, and no container sees them."""
    found: dict[str, File] = {}
    for service in here:
        if service.secret_env:
            content: list[str | Quoted] = []
            for name, pieces in service.secret_env:
                content.append(f'{name}="')
                content += [
                    quoted(piece, "env") if isinstance(piece, str) else Quoted(piece, "env") for piece in pieces
                ]
                content.append('"\n')
            effects = (OnChange(service.name, Effect.RECREATE),)
            found[_env_file(service)] = File(tuple(content), mode=0o400, on_change=effects)
    return found


def _escape(text: str) -> str:
    return text.replace("$", "$$")  # Compose would take it for a variable


def _escaped(words: Iterable[str] | None) -> list[str] | None:
    return None if words is None else [_escape(word) for word in words]
