"""Actions: what can be done to a host. A closed union, so that `assert_never` names what is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from abbey.files import OnChange
from abbey.plan.state import Step


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a WriteFiles action. `secret` files are shown by name only."""

    path: str
    change: Literal["create", "update", "remove", "mode"]
    cause: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class WriteFiles:
    """Send the changed files, then put them in place together; `owes` is written down first, for interruptions."""

    changes: tuple[FileChange, ...]
    owes: tuple[OnChange, ...]


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """One service of a ComposeUp, ComposeRemove, BuildImages or PullImages action."""

    service: str
    title: str
    change: Literal["create", "recreate", "start", "remove", "build", "pull"]
    cause: str


FRESH = ("create", "start")  # the service did not run before


@dataclass(frozen=True, slots=True)
class BuildImages:
    """Build the images of these services from the folders in the tree."""

    services: tuple[ServiceChange, ...]


@dataclass(frozen=True, slots=True)
class PullImages:
    """Pull the images of these services, because the host does not have them."""

    services: tuple[ServiceChange, ...]


@dataclass(frozen=True, slots=True)
class ComposeUp:
    """Bring these services up and wait until they are healthy. Those in `force` are recreated even if Compose
    sees no difference (a mounted secret changed)."""

    services: tuple[ServiceChange, ...]
    force: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComposeRemove:
    """Stop and remove the containers of services that are no longer wanted; named volumes stay."""

    services: tuple[ServiceChange, ...]


@dataclass(frozen=True, slots=True)
class Reload:
    """Make a running service reread its files."""

    service: str
    title: str
    argv: tuple[str, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class Run:
    """Run a declared step about its service. `fresh`: the service did not run before this apply."""

    step: Step
    cause: str
    fresh: bool = False


Act = WriteFiles | BuildImages | PullImages | ComposeUp | ComposeRemove | Reload | Run


@dataclass(frozen=True, slots=True)
class Action:
    """One node of the plan: `after` names the ids of actions that must end well first."""

    id: int
    host: str
    act: Act
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in an order that respects `after`. Empty means: nothing to do."""

    actions: tuple[Action, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.actions)
