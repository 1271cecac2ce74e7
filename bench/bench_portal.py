"""The portal's first view in a real browser, slowed down four times, against its limits and a bare page.

The page of the reference lab behind its own nginx, with a metrics API that streams; cold cache, loopback, the median of
some runs. The floor in the same runs is a page with the same links and nothing else. Bytes are those on the wire, of
everything in the first seconds. The icon of the tab is not counted as a request: peers without one have none.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from figures import REPOSITORY, tell
from playwright.sync_api import Browser, CDPSession, sync_playwright
from process import found, started

from abbey.emit import json_text
from abbey.render.portal import document, nginx, site
from abbey.sim.portal import around
from abbey.sim.programs import find_nginx

sys.path.insert(0, str(REPOSITORY / "tests"))
from labs import lab_of

HOST, PORT, API, BARE = "127.0.0.1", 19_201, 19_202, 19_203
RUNS = 5
SLOWER = 4
AFTER = 4.0  # seconds after the first tile during which long tasks count
OPEN = 20.0
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
QUIET += ["--disable-background-networking", "--disable-component-update"]

# Runs before the page does: notes when the first tile is painted, and every task that blocks.
WATCH = """
window.bench = {tile: 0, lcp: 0, blocked: 0, shift: 0};
const look = () => {
  const tile = document.querySelector('.tile, body > p > a');
  if (!tile || !tile.getBoundingClientRect().height) requestAnimationFrame(look);
  else requestAnimationFrame(() => { bench.tile ||= performance.now(); });
};
look();
const watch = (type, note) =>
  new PerformanceObserver(list => list.getEntries().forEach(note)).observe({type, buffered: true});
watch('largest-contentful-paint', one => { bench.lcp = one.startTime; });
watch('longtask', one => { bench.blocked += Math.max(0, one.duration - 50); });
watch('layout-shift', one => { if (!one.hadRecentInput) bench.shift += one.value; });
"""


@dataclass(frozen=True, slots=True)
class View:
    """What one first view took."""

    requests: float
    kilobytes: float
    tile: float
    lcp: float
    blocked: float
    shift: float
    heap: float
    later: float
    busy: float


def median(views: list[View]) -> View:
    """Return the median of each figure."""
    return View(*(statistics.median(getattr(view, one.name) for view in views) for one in fields(View)))


def first_view(browser: Browser, url: str, *, stay: float) -> View:
    """Open a page for the first time, and return what it took; `stay` is how long it is watched afterwards."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    asked: list[str] = []
    weight = Weight(cdp)
    cdp.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    cdp.send("Network.enable")
    cdp.send("Performance.enable")
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(WATCH)
    page.goto(url)
    page.wait_for_function("bench.tile > 0")
    page.wait_for_timeout(AFTER * 1000)
    seen: dict[str, float] = page.evaluate("bench")
    # Until what draws the first figures has come: only what shows the page can be asked for before it.
    names = [urlsplit(url).path for url in asked]
    drawn = 1 + names.index("/now.js") if "/now.js" in names else len(names)
    first, kilobytes = len(set(names[:drawn]) - {"/icon.svg"}), weight.bytes / 1000
    before_watching = len(asked)
    cdp.send("HeapProfiler.collectGarbage")
    heap = metrics(cdp)["JSHeapUsedSize"] / 1e6
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    before, begun = metrics(cdp)["TaskDuration"], time.monotonic()
    page.wait_for_timeout(stay * 1000)
    busy = 100 * (metrics(cdp)["TaskDuration"] - before) / (time.monotonic() - begun)
    context.close()
    later = sum("/api/" in url and not url.endswith("/me") for url in asked[before_watching:])
    return View(first, kilobytes, seen["tile"], seen["lcp"], seen["blocked"], seen["shift"], heap, later, busy)


class Weight:
    """Bytes on the wire of everything that was answered, the stream as far as it has come."""

    def __init__(self, cdp: CDPSession) -> None:
        self.bytes = 0.0
        cdp.on("Network.dataReceived", self._part)
        cdp.on("Network.responseReceived", self._head)

    def _part(self, event: dict[str, Any]) -> None:
        self.bytes += event.get("encodedDataLength", 0)

    def _head(self, event: dict[str, Any]) -> None:
        self.bytes += event["response"].get("encodedDataLength", 0)


def metrics(cdp: CDPSession) -> dict[str, float]:
    """Return the browser's own figures of a page."""
    return {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}


def lay_out(folder: Path) -> int:
    """Write the reference lab's portal and the bare page with nginx's configuration; return the count of tiles."""
    lab = lab_of((REPOSITORY / "examples" / "reference" / "abbey.yaml").read_text())
    about = document(lab)
    for name, text in site(about, lab).items():
        (folder / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "site" / name).write_text(text)
    (folder / "portal.json").write_text(json_text(about))
    apps = [app for group in about["groups"] for app in group["apps"]]
    links = "".join(f'<p><a href="{app["url"]}">{app["title"]}</a></p>' for app in apps)
    (folder / "bare").mkdir()
    (folder / "bare" / "index.html").write_text(f"<!doctype html><title>Bare</title>{links}")
    server = nginx(
        about,
        host="monk",
        listen=f"{HOST}:{PORT}",
        metrics=f"{HOST}:{API}",
        gateways="127.0.0.0/8",
        assets=str(REPOSITORY / "portal"),
        site=str(folder / "site"),
        cache=str(folder),
    )
    bare = f"server {{ listen {HOST}:{BARE}; gzip on; gzip_min_length 1; root {folder}/bare; }}"
    (folder / "nginx.conf").write_text(around(f"{server}\n{bare}", folder))
    return len(re.findall("<p>", links))


def main() -> int:
    chromium = found("chromium")
    if not chromium:
        print("Chromium is not installed (Debian: chromium); nothing was measured")
        return 1
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        tiles = lay_out(folder)
        env = {"ABBEY_HOST": "monk", "ABBEY_LISTEN": f"{HOST}:{API}", "ABBEY_GATEWAYS": "127.0.0.1/32"}
        env |= {"ABBEY_PORTAL": str(folder / "portal.json"), "ABBEY_STATE": str(folder)}
        api = (sys.executable, "-m", "abbey_metrics")
        web = (str(find_nginx()), "-c", f"{folder}/nginx.conf", "-e", "stderr", "-p", name)
        portal, bare = f"http://{HOST}:{PORT}/", f"http://{HOST}:{BARE}/"
        with started(api, asks=f"http://{HOST}:{API}/healthz", env=env), started(web, asks=bare):
            time.sleep(3)  # so that there is a past to draw
            browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
            views: dict[str, list[View]] = {portal: [], bare: []}
            for run in range(RUNS):
                for url, into in views.items():
                    into.append(first_view(browser, url, stay=OPEN if run == 0 and url == portal else 2))
            browser.close()
        own, floor = median(views[portal]), median(views[bare])
        watched = views[portal][0]
    print(
        f"{tiles} tiles, processor {SLOWER} times slower, cold cache, median of {RUNS}; bare page: {tiles} links alone"
    )
    print(f"{'':<24}{'requests':>9}{'KB':>8}{'tile ms':>9}{'LCP ms':>8}{'blocked ms':>12}{'heap MB':>9}")
    for what, view in (("the portal", own), ("a bare page", floor)):
        print(
            f"{what:<24}{view.requests:>9.0f}{view.kilobytes:>8.1f}{view.tile:>9.0f}{view.lcp:>8.0f}"
            f"{view.blocked:>12.0f}{view.heap:>9.1f}"
        )
    print(f"tile: {own.tile / floor.tile:.2f} times the bare page; KB: {own.kilobytes / floor.kilobytes:.1f} times")
    good = tell("requests until the first figures, the stream with them", own.requests, limit=6, unit="")
    good &= tell("on the wire, the first four seconds of the stream with it", own.kilobytes, limit=30, unit="KB")
    good &= tell("first tile (best peer: 559)", own.tile, limit=500, unit="ms")
    good &= tell("largest contentful paint (best peer: 776)", own.lcp, limit=500, unit="ms")
    good &= tell("blocked (best peer: 0; others 200 to 823)", own.blocked, limit=50, unit="ms")
    good &= tell("layout shift", own.shift, limit=0.01, unit="")
    good &= tell("heap", own.heap, limit=4, unit="MB")
    good &= tell(f"requests to the API in the next {OPEN:.0f} s", watched.later, limit=0.5, unit="")
    good &= tell("a visible tab, of one core, not slowed", watched.busy, limit=1, unit="%")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
