"""What a user did in Forgejo lately."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2
from pydantic import BaseModel, TypeAdapter

from abbey_metrics.documents import Activity
from abbey_metrics.feed import Feed, Pace
from abbey_metrics.fetch import get
from abbey_metrics.settings import ForgejoSettings

PACE = Pace(every=60.0, retry=10.0, slowest=600.0, timeout=5.0, keep=24 * 3600.0)
MOST = 8
LONGEST = 160

DONE = {
    "create_repo": "created",
    "rename_repo": "renamed",
    "star_repo": "starred",
    "commit_repo": "pushed to",
    "create_issue": "opened an issue in",
    "close_issue": "closed an issue in",
    "reopen_issue": "reopened an issue in",
    "comment_issue": "commented in",
    "create_pull_request": "proposed a change to",
    "merge_pull_request": "merged a change into",
    "close_pull_request": "closed a change of",
    "comment_pull": "commented in",
    "approve_pull_request": "approved a change to",
    "push_tag": "tagged",
    "delete_tag": "removed a tag from",
    "delete_branch": "removed a branch from",
    "publish_release": "released",
    "mirror_sync_push": "mirrored",
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
    act_user: _User | None = None
    repo: _Repository | None = None


class _Commit(BaseModel):
    Message: str = ""


class _Push(BaseModel):
    Commits: list[_Commit] | None = None


_ENTRIES = TypeAdapter(list[_Entry])


def parse(body: bytes) -> tuple[Activity, ...]:
    """Given the answer of Forgejo, return its newest entries. Raise ValueError when it is something else."""
    return tuple(_activity(entry) for entry in _ENTRIES.validate_json(body)[:MOST])


def _activity(entry: _Entry) -> Activity:
    repository = entry.repo or _Repository()
    safe = urlsplit(repository.html_url).scheme in ("http", "https")
    return Activity(
        at=entry.created[:40],
        who=(entry.act_user or _User()).login[:LONGEST],
        what=DONE.get(entry.op_type, "worked on"),
        repository=repository.full_name[:LONGEST],
        subject=_subject(entry)[:LONGEST],
        url=repository.html_url if safe else "",
    )


def _subject(entry: _Entry) -> str:
    if entry.op_type == "commit_repo":
        # The content of a push is JSON inside the JSON; an empty push has none.
        try:
            commits = _Push.model_validate_json(entry.content).Commits or []
        except ValueError:
            return ""
        return commits[0].Message.partition("\n")[0] if commits else ""
    number, bar, title = entry.content.partition("|")
    return title.partition("\n")[0] if bar and number.isdecimal() else ""


def forgejo_feed(client: httpx2.AsyncClient, settings: ForgejoSettings) -> Feed[tuple[Activity, ...]]:
    """Given a user of a Forgejo, return the feed of that user's activity."""
    user = quote(settings.user, safe="")
    url = f"{settings.url}/api/v1/users/{user}/activities/feeds?only-performed-by=true&limit={MOST}"

    async def fetch() -> tuple[Activity, ...]:
        headers = await asyncio.to_thread(_credentials, settings.token_file)
        return parse(await get(client, url, headers=headers))

    return Feed(fetch, PACE)


def _credentials(token_file: Path | None) -> dict[str, str]:
    # In a header, never in the query: addresses end up in logs.
    return {"Authorization": f"token {token_file.read_text().strip()}"} if token_file else {}
