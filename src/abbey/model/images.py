"""Images: every one that the lab's hosts pull, in which version, for which services."""

from __future__ import annotations

from dataclasses import dataclass, replace

from abbey.catalog.container import Image
from abbey.catalog.pins import Held, key_of
from abbey.model.condition import conditions
from abbey.model.lab import Lab
from abbey.model.service import own_tag

# Where data files differ about an image, the first of these counts.
_CAREFUL = ("by-hand", "next-major", "patch", "minor", "major")


@dataclass(frozen=True, slots=True)
class Used:
    """One image of one version. `key` is its key among the pins; `own` says that abbey.yaml gives the tag."""

    key: str
    image: Image
    held: Held
    own: bool
    apps: tuple[str, ...]
    services: tuple[str, ...]

    @property
    def base(self) -> str:
        """Return the tag that abbey.yaml or the catalog gives."""
        return self.key.rpartition(":")[2]


def used(lab: Lab) -> tuple[Used, ...]:
    """Return the images that the lab's hosts pull, sorted by reference and tag; those that hosts build are left out."""
    found: dict[str, Used] = {}
    for app in lab.apps:
        for key, entry in app.entry.services.items():
            image = entry.image
            if image.build or not conditions(lab, app).issuperset(entry.when):
                continue
            own = own_tag(app, image)
            one = Used(
                key=key_of(image.ref, own or image.tag),
                image=image,
                held=lab.catalog.pins.held(image, own),
                own=own is not None,
                apps=(app.name,),
                services=(app.service_name(key),),
            )
            found[one.key] = _both(found[one.key], one) if one.key in found else one
    return tuple(found[key] for key in sorted(found))


def _both(first: Used, second: Used) -> Used:
    """Return one image that two services use: where their data files differ, the more careful one counts."""
    careful, other = sorted((first, second), key=lambda one: (not one.own, _CAREFUL.index(one.image.updates)))
    path = careful.image.path or other.image.path
    notes = careful.image.notes or other.image.notes
    return replace(
        careful,
        image=careful.image.model_copy(update={"path": path, "notes": notes}),
        apps=tuple(dict.fromkeys((*first.apps, *second.apps))),
        services=(*first.services, *second.services),
    )
