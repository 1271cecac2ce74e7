// Says what works: on each tile how the application does on each host, and for the banner what is away and what that means.

import { databases } from "./panels.js";
import { all, find, lab, list, say, span, t, tiles, when } from "./portal.js";

const STATES = ["up", "starting", "unhealthy", "restarting", "paused", "down"];
const DEAD = ["restarting", "paused", "down"];
const UNWELL = ["unhealthy", ...DEAD];
const OLD_BACKUP = 2 * 86_400; // seconds
const BEHIND = 60; // seconds that a copy of the database may lag
const NAMES = 5; // in a sentence

// Draw how each application does, and return the banner's sentences, the worst first.
export function drawApps() {
  const away = (lab.hosts ?? []).filter((host) => host.state === "away");
  const gone = new Set(away.map((host) => host.name));
  const database = databaseState(gone);
  const known = new Map((lab.apps ?? []).map((app) => [app.name, app.hosts]));
  const apps = tiles().filter((tile) => tile.dataset.hosts).map((tile) => look(tile, gone, database, known));
  const well = apps.filter((app) => !app.out && !app.dead && !app.unwell.length).length;
  drawSummary(known.size ? well : null, apps.length);
  return [...cutOff(away, database, apps), ...unwell(apps), ...ways(gone), ...copies(gone), ...receipts()];
}

// Draw one tile and say how it does: {name, out, dead, unwell}. It is out where no host can serve it, and dead where
// nothing of it runs.
function look(tile, gone, database, known) {
  const names = tile.dataset.hosts.split(" ");
  const states = known.get(tile.dataset.app) ?? {};
  const found = names.map((host) => [host, gone.has(host) ? "away" : STATES.includes(states[host]) ? states[host] : "unknown"]);
  for (const [host, state] of found) mark(find(`[data-on="${CSS.escape(host)}"]`, tile), state);
  const needs = tile.dataset.needs?.split(" ") ?? [];
  const out = names.every((host) => gone.has(host)) || (needs.length > 0 && !served(needs, gone, database));
  const dead = found.every(([, state]) => state === "away" || DEAD.includes(state));
  tile.classList.toggle("out", out || dead);
  return { name: find(".name", tile).textContent, out, dead, unwell: found.filter(([, state]) => UNWELL.includes(state)) };
}

// Nothing is known before the first answer; then what is not known is called so.
function mark(chip, state) {
  if (!lab.apps && state !== "away") return;
  if (chip.dataset.is === state) return;
  chip.dataset.is = state;
  say(find("b", chip), t(`on.${state}`));
}

function drawSummary(well, total) {
  const hosts = lab.hosts ?? [];
  const up = hosts.filter((host) => host.state === "up").length;
  const parts = [t("pulse.hosts", { up, total: hosts.length }), well !== null && t("pulse.apps", { up: well, total })];
  const summary = find("#summary");
  say(summary, parts.filter(Boolean).join(" · "));
  summary.dataset.is = up < hosts.length ? "away" : well !== null && well < total ? "unhealthy" : "up";
}

// ---------------------------------------------------------------- what is away

// "up" while a server answers that can be written to, "down" when none does, else "unknown".
function databaseState(gone) {
  const servers = databases((lab.platforms ?? []).filter(({ name, platform }) => platform && !gone.has(name)));
  if (servers.some(({ state, role }) => state === "up" && role === "primary")) return "up";
  return servers.length && servers.every(({ state, role }) => state === "down" || role === "standby") ? "down" : "unknown";
}

// Where another server took over, the host that an application's file names is not needed any more.
const served = (needs, gone, database) => database === "up" || (database !== "down" && !needs.some((host) => gone.has(host)));

function cutOff(away, database, apps) {
  const causes = away.map((host) => t("banner.away", { host: host.name, when: when(host.away_since) }));
  if (database === "down") causes.push(t("banner.database"));
  if (!causes.length) return [];
  const out = apps.filter((app) => app.out).map((app) => app.name);
  const total = apps.length;
  const works = out.length ? t("banner.some-work", { count: total - out.length, total, names: few(out) }) : t("banner.all-work", { total });
  return [[...causes, works].join(" ")];
}

const few = (names) => list(names.length > NAMES + 1 ? [...names.slice(0, NAMES), t("banner.more", { count: names.length - NAMES })] : names);

function unwell(apps) {
  const names = apps.flatMap((app) => app.unwell.map(([host, state]) => t("banner.unwell-on", { app: app.name, host, state: t(`on.${state}`) })));
  return names.length ? [t("banner.unwell", { names: few(names) })] : [];
}

const platforms = (gone) => (lab.platforms ?? []).filter(({ name, platform }) => platform && !gone.has(name));

// The ways in: of the tunnel one connector is enough.
function ways(gone) {
  const found = [];
  const here = platforms(gone);
  const connectors = here.filter(({ platform }) => platform.tunnel);
  const down = connectors.filter(({ platform }) => platform.tunnel.state === "down").map(({ name }) => name);
  const others = connectors.filter(({ platform }) => platform.tunnel.state === "up").map(({ name }) => name);
  if (down.length && others.length) found.push(t("banner.tunnel", { hosts: list(down), others: list(others) }));
  else if (down.length && down.length === connectors.length) found.push(t("banner.tunnels"));
  const alone = here.filter(({ platform }) => platform.tailnet?.state === "down").map(({ name }) => name);
  if (alone.length) found.push(t("banner.tailnet", { hosts: list(alone) }));
  return found;
}

function copies(gone) {
  const late = databases(platforms(gone)).filter(({ state, lag }) => state === "up" && lag > BEHIND);
  return late.map(({ host, lag }) => t("banner.standby", { hosts: host, span: span(Math.floor(lag / 60) * 60) }));
}

function receipts() {
  const known = platforms(new Set()).flatMap(({ platform }) => platform.backups?.list ?? []);
  const names = (found) => list([...new Set(found.map((receipt) => receipt.name))]);
  const failed = known.filter((receipt) => !receipt.ok);
  const old = known.filter((receipt) => receipt.ok && Date.now() / 1000 - receipt.at > OLD_BACKUP);
  return [
    failed.length && t("banner.backup-failed", { names: names(failed) }),
    old.length && t("banner.backup-old", { names: names(old) }),
  ].filter(Boolean);
}
