"""What a user did in Forgejo lately, and on which days of the last year."""

from __future__ import annotations

import asyncio
import errno
import re
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx2

from abbey_metrics.activity import MOST, entries
from abbey_metrics.aside import Aside
from abbey_metrics.clock import Clock
from abbey_metrics.documents import Forge, HeatDay
from abbey_metrics.feed import Feed, Pace
from abbey_metrics.fetch import StatusError, get
from abbey_metrics.heatmap import days, zone_named
from abbey_metrics.settings import ForgejoSettings

# Forgejo counts a year's actions anew for each question, so it is asked for them less often.
HEAT_PACE = Pace(every=900.0, retry=60.0, slowest=900.0, timeout=4.0, keep=24 * 3600.0)
# Enough for both, one after the other.
PACE = Pace(every=60.0, retry=10.0, slowest=600.0, timeout=2 * HEAT_PACE.timeout + 1.0, keep=24 * 3600.0)
# An entry holds its whole repository and up to five commits; a busy year has tens of thousands of quarters of an hour.
LARGEST = 1_048_576
LARGEST_HEAT = 2_097_152
LONGEST_TOKEN = 1024


def forgejo_feed(
    client: httpx2.AsyncClient, settings: ForgejoSettings, timezone: str, *, clock: Clock | None = None
) -> Feed[Forge]:
    """Given a user of a Forgejo and the lab's time zone, return the feed of what that user did.

    Of the year there is a feed in the feed: it is asked for less often, and entries come also while it fails.
    """
    clock = clock or Clock()
    user = f"{settings.url}/api/v1/users/{quote(settings.user, safe='')}"
    zone = zone_named(timezone)
    aside = Aside()

    async def ask(path: str, largest: int) -> bytes:
        headers = {"Host": settings.host} if settings.host else {}
        if settings.token_file:
            # In a header, never in the query: addresses end up in logs.
            headers["Authorization"] = f"token {await aside(partial(_token, settings.token_file))}"
        return await get(client, f"{user}/{path}", headers=headers, largest=largest)

    async def fetch_heat() -> tuple[HeatDay, ...] | None:
        try:
            body = await ask("heatmap", LARGEST_HEAT)
        except StatusError as error:
            if error.status == 404:  # switched off there
                return None
            raise
        return await aside(partial(days, body, zone, now=clock.wall()))

    heat = Feed(fetch_heat, HEAT_PACE, clock=clock)
    due = clock.monotonic()

    async def fetch() -> Forge:
        nonlocal due
        async with asyncio.timeout(HEAT_PACE.timeout):
            newest = entries(await ask(f"activities/feeds?only-performed-by=true&limit={MOST}", LARGEST))
        if clock.monotonic() >= due:
            await heat.step()
            due = clock.monotonic() + heat.wait()
        return Forge(newest, heat.value)

    return Feed(fetch, PACE, clock=clock)


def _token(file: Path) -> str:
    with file.open("rb") as opened:
        token = opened.read(LONGEST_TOKEN).strip()
    if not re.fullmatch(rb"[\x21-\x7e]+", token):
        raise OSError(errno.EINVAL, "it holds no token")
    return token.decode()
