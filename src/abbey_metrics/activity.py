"""What Forgejo tells of what a user did: written by people, so cut to lines and cleaned here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError

from abbey_metrics.documents import Activity

MOST = 20
LONGEST = 160
LONGEST_LINK = 500
CENTURY = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
JOINER = "\u200d"  # holds emoji together

DONE = {
    "create_repo": "created",
    "rename_repo": "renamed",
    "star_repo": "starred",
    "watch_repo": "watches",
    "transfer_repo": "handed over",
    "commit_repo": "pushed to",
    "create_issue": "opened an issue in",
    "close_issue": "closed an issue in",
    "reopen_issue": "reopened an issue in",
    "comment_issue": "commented in",
    "create_pull_request": "proposed a change to",
    "merge_pull_request": "merged a change into",
    "auto_merge_pull_request": "merged a change into",
    "close_pull_request": "closed a change of",
    "reopen_pull_request": "reopened a change of",
    "comment_pull": "commented in",
    "approve_pull_request": "approved a change to",
    "reject_pull_request": "asked for changes in",
    "pull_review_dismissed": "dismissed a review in",
    "pull_request_ready_for_review": "finished a change to",
    "push_tag": "tagged",
    "delete_tag": "removed a tag from",
    "delete_branch": "removed a branch from",
    "publish_release": "released",
    "mirror_sync_push": "mirrored",
    "mirror_sync_create": "mirrored",
    "mirror_sync_delete": "mirrored",
}


class _User(BaseModel):
    login: str = ""


class _Repository(BaseModel):
    full_name: str = ""
    html_url: str = ""


class _Entry(BaseModel):
    op_type: str
    created: str = ""
    content: str = ""
    ref_name: str = ""
    act_user: _User | None = None
    repo: _Repository | None = None


class _Commit(BaseModel):
    Message: str = ""


class _Push(BaseModel):
    Commits: list[_Commit] | None = None


_LIST = TypeAdapter(list[Any])


def entries(body: bytes) -> tuple[Activity, ...]:
    """Given the answer of Forgejo, return its newest entries, without those that cannot be read.

    Raise ValueError when it is something else.
    """
    found = _LIST.validate_json(body)[:MOST]
    readable = tuple(_activity(entry) for entry in _readable(found))
    if found and not readable:
        raise ValueError("answered no entry that can be read")
    return readable


def _readable(found: list[Any]) -> Iterator[_Entry]:
    for entry in found:
        with suppress(ValidationError):
            yield _Entry.model_validate(entry, strict=True)


def _activity(entry: _Entry) -> Activity:
    repository = entry.repo or _Repository()
    return Activity(
        at=_time(entry.created),
        who=_line((entry.act_user or _User()).login),
        kind=entry.op_type if entry.op_type in DONE else "",
        what=DONE.get(entry.op_type, "worked on"),
        repository=_line(repository.full_name),
        subject=_line(_subject(entry)),
        url=_link(repository.html_url),
    )


def _subject(entry: _Entry) -> str:
    if entry.op_type in ("push_tag", "delete_tag", "delete_branch"):
        return entry.ref_name.removeprefix("refs/tags/").removeprefix("refs/heads/")
    if entry.op_type == "commit_repo":
        # The content of a push is JSON inside the JSON; an empty push has none.
        try:
            commits = _Push.model_validate_json(entry.content).Commits or []
        except ValueError:
            return ""
        return commits[0].Message if commits else ""
    number, bar, title = entry.content.partition("|")
    return title if bar and number.isdecimal() else ""


def _line(text: str) -> str:
    """Given what a user wrote, return its first line, without what would turn or hide the text around it."""
    line = text[: 4 * LONGEST].strip().partition("\n")[0]
    return "".join(letter for letter in line if letter.isprintable() or letter == JOINER)[:LONGEST]


def _time(text: str) -> str:
    try:
        time = datetime.fromisoformat(text[:40])
    except ValueError:
        return ""
    if time.tzinfo is None or not CENTURY[0] <= time <= CENTURY[1]:
        return ""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _link(url: str) -> str:
    plain = len(url) <= LONGEST_LINK and url.isascii() and url.isprintable() and not set(url) & set(' "<>\\@')
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if plain and parts.scheme in ("http", "https") and parts.netloc else ""
