"""The image of a service: pulled, or built from a copied folder."""

from __future__ import annotations

import re

from abbey.catalog.compose import build
from abbey.catalog.compose.ledger import Loss
from abbey.catalog.compose.work import Part
from abbey.spec.yaml import shown

_IMAGE = re.compile(r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def convert(part: Part) -> bool:
    """Carry over the image, and return whether there is one."""
    node = part.take("image")
    made = part.take("build")
    if made is not None:
        name = build.convert(part, made)
        if name:
            part.made["image"] = {"ref": f"abbey/{name}", "build": name, "source": "built from the copied folder"}
            if node:
                part.ledger.changed(
                    part.way("image"),
                    node.mark,
                    f"{part.name}: image {shown(node.text)}",
                    f"it is called abbey/{name} here",
                )
            return True
    if node is None:
        return False
    ref, tag, digest = _reference(node.text)
    if not _IMAGE.fullmatch(ref) or not _TAG.fullmatch(tag or "latest") or (digest and not _DIGEST.fullmatch(digest)):
        part.lost("image", "this is no name of an image that an app file can hold")
        return False
    image: dict[str, object] = {"ref": ref, "tag": tag or "latest"}
    part.made["image"] = image | ({"digest": digest} if digest else {})
    part.ledger.carried(part.way("image"), "images")
    if tag in ("", "latest") and not digest:
        what = f"{part.name}: image {shown(ref)}"
        why = "it has no version" if not tag else "`latest` is another version every month"
        part.ledger.losses.append(Loss(node.mark, "changed", what, f"{why}; the tag is `latest`", "pin the version"))
    return True


def _reference(text: str) -> tuple[str, str, str]:
    """Return repository with its registry, tag and digest of an image as people write it."""
    rest, _, digest = text.strip().partition("@")
    ref, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        ref, tag = rest, ""
    first = ref.partition("/")[0]
    if "/" not in ref:
        ref = f"docker.io/library/{ref}"
    elif "." not in first and ":" not in first and first != "localhost":
        ref = f"docker.io/{ref}"
    return ref, tag, digest
