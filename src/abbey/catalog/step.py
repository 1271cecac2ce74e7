"""What a data file says must be done inside an app after it has started, because no setting can do it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from abbey.catalog.container import Condition, Duration, Fact, Port, Words
from abbey.spec.value import Flag, Line, Name

Request = Annotated[str, StringConstraints(pattern=r"^(GET|POST|PUT|PATCH|DELETE) /[^\s\"'<>`\\]*$")]
Kept = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Status = Annotated[int, Field(ge=100, le=599, strict=True)]


class Call(Fact):
    """One HTTP request to the app.

    In `request`, `headers`, `json` and `form`, `{{kept.x}}` is what an earlier call kept.
    """

    request: Request
    """Method and path, e.g. `POST /api/auth`."""
    when: Line | None = None
    """JMESPath expression over what was kept; the call is left out when it is false."""
    headers: dict[str, str] = {}
    json_: Annotated[Any, Field(alias="json")] = None
    """Body, sent as JSON. A string that is nothing but `{{kept.x}}` becomes the kept value itself."""
    form: dict[str, str] | None = None
    """Body, sent as a form."""
    onto: Kept | None = None
    """A kept document; `json` is merged onto it, so that what the app knows besides stays."""
    expect: Annotated[tuple[Status, ...], Field(min_length=1)] = (200, 201, 202, 204)
    """Status codes that are right."""
    keep: dict[Kept, str] = {}
    """What later calls need: name → JMESPath expression over `{status, headers, body, kept}` of the answer."""
    check: str | None = None
    """JMESPath expression over the same that must be true: the read-back."""
    says: Line | None = None
    """What is wrong when `check` is false."""

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.form is not None and self.json_ is not None:
            raise ValueError("a call has one body: `json` or `form`")
        if self.onto and self.json_ is None:
            raise ValueError("`onto` needs `json`, which is merged onto it")
        if self.says and not self.check:
            raise ValueError("`says` belongs to `check`")
        return self


class Step(Fact):
    """Something done after the app is up: a script inside its container, or calls to its HTTP interface.

    It must be safe to repeat: it runs when its service is new or recreated, and when what it says has changed.
    """

    name: Name
    title: Line
    """For people: what is true afterwards, e.g. `its login`."""
    service: Name
    """Key of the service that it concerns."""
    when: tuple[Condition, ...] = ()
    """Only where all of this is true."""
    guards: Flag = False
    """Until it has ended well, a stranger could make the app their own: where it fails, its service is stopped."""
    run: str | None = None
    """Script for `shell` inside the container, given on its standard input. It ends with a read-back, and with an exit
    code other than 0 when that fails. Secrets are read from files: `{{secret.x}}` is a path."""
    shell: Annotated[Words, Field(min_length=1)] = ("sh", "-eu", "-s")
    user: Annotated[str, StringConstraints(pattern=r"^[0-9]+(:[0-9]+)?$")] | None = None
    """User id for `run`; the container's own when absent."""
    calls: tuple[Call, ...] = ()
    """HTTP requests in order, made from a container in the app's network. `{{text.x}}` is a secret itself."""
    port: Port | None = None
    """Where `calls` go; the route's port when absent."""
    patience: Duration = "2m"
    """How long the first call may be refused while the app comes up."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.run is None) == (not self.calls):
            raise ValueError("a step has either `run` or `calls`")
        if self.user and self.calls:
            raise ValueError("`user` belongs to `run`")
        return self
