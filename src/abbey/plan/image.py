"""Image references: the many ways to write one name, brought to a single form."""

from __future__ import annotations

DEFAULT_REGISTRY = "docker.io"


def long_form(reference: str) -> str:
    """Given a reference as a person writes it, return registry, path and tag in full.

    `x`, `x:latest`, `library/x` and `docker.io/library/x` all give `docker.io/library/x:latest`. A digest wins over
    a tag, because the engine forgets the tag of an image that was pulled by digest. An image id stays as it is.
    """
    if reference.startswith("sha256:"):
        return reference
    name, _, digest = reference.partition("@")
    head, _, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    path = f"{head}/{last}" if head else last
    first, slash, _rest = path.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        path = f"{DEFAULT_REGISTRY}/{path}"
    registry, _, repository = path.partition("/")
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        path = f"{registry}/library/{repository}"
    return f"{path}@{digest}" if digest else f"{path}:{tag or 'latest'}"
