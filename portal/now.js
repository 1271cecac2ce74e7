// Draws how the hosts do, with lines over the last five minutes, and on each tile how its application does on each host;
// and says for the banner what is away and what that means.

import { all, bytes, find, lab, list, past, say, span, t, tiles, when } from "./portal.js";

// ---------------------------------------------------------------- hosts

const POINTS = 60;
const HEIGHT = 20; // of the drawing's own units
const QUIET = 2_000; // bytes per second that a line of the network reaches at least

const STATES = {
  up: () => t("host.up"),
  stale: (host) => t("host.stale", { span: span(host.age ?? 0) }),
  away: (host) => t("host.away", { when: when(host.away_since) }),
  unknown: () => t("host.unknown"),
};

let seen = "";

// Draw every host. What depends on which of them are there is drawn again when that changes.
export function drawHosts(drawAlso) {
  const hosts = lab.hosts ?? [];
  hosts.forEach(drawHost);
  const now = hosts.map(({ name, state, away_since }) => `${name} ${state} ${away_since}`).join();
  if (now !== seen) drawAlso("apps");
  seen = now;
}

function drawHost(host) {
  const card = find(`.host[data-host="${CSS.escape(host.name)}"]`);
  if (!card) return;
  const state = Object.hasOwn(STATES, host.state) ? host.state : "unknown";
  if (card.dataset.state !== state) card.dataset.state = state;
  say(find(".state", card), STATES[state](host));
  const { cpu, memory, disks = [], network, temperatures = [], uptime } = host.figures ?? {};
  const lines = past.get(host.name);
  drawCell(card, "cpu", cpu && percent(cpu.percent), cpu?.percent, [lines?.columns.cpu]);
  drawCell(card, "memory", memory && part(memory.used, memory.total), memory?.percent, [lines?.columns.memory]);
  drawCell(card, "network", network && `↓ ${rate(network.rx)}  ↑ ${rate(network.tx)}`, null, [lines?.columns.rx, lines?.columns.tx]);
  const frozen = disks.find((disk) => disk.frozen_since != null);
  const fullest = disks.reduce((most, disk) => ((disk.percent ?? 0) > (most?.percent ?? -1) ? disk : most), null);
  const fill = fullest && t("host.disk", { percent: percent(fullest.percent ?? 0), mount: fullest.mount });
  const hangs = frozen && t("host.frozen", { mount: frozen.mount, when: when(frozen.frozen_since) });
  drawCell(card, "disk", hangs || fill, fullest?.percent);
  const warmest = Math.max(...temperatures.map((sensor) => sensor.celsius));
  drawCell(card, "temperature", Number.isFinite(warmest) && `${Math.round(warmest)} °C`);
  drawCell(card, "uptime", uptime != null && span(uptime));
}

export const percent = (value) => `${Math.round(value)} %`;
const rate = (value) => (value == null ? "–" : `${bytes(value)}/s`);

// "9.6 of 16 GB": the unit once where it is the same.
function part(used, total) {
  const [some, whole] = [bytes(used), bytes(total)];
  const [number, unit] = some.split(" ");
  return t("host.part", { some: whole.endsWith(` ${unit}`) ? number : some, all: whole });
}

function drawCell(card, name, text, full, lines) {
  const cell = find(`[data-figure="${name}"]`, card);
  say(find(".value", cell), text || "–");
  if (lines) drawLines(find(".spark", cell), lines, full === null ? null : 100);
  const bar = find(".bar", cell);
  if (!bar || bar.ariaValueText === text) return;
  bar.style.setProperty("--part", (full ?? 0) / 100);
  bar.ariaValueNow = Math.round(full ?? 0);
  bar.ariaValueText = text || t("host.unknown");
  bar.classList.toggle("high", full >= 90);
}

// The newest values are at the end of the drawing, whatever came before them. `most` is its top, null the highest value.
function drawLines(spark, lines, most) {
  const known = lines.map((values) => values?.slice(-POINTS) ?? []);
  const top = most ?? Math.max(QUIET, ...known.flat()) * 1.1;
  const paths = all(".line", spark);
  known.forEach((values, number) => {
    const first = POINTS - values.length;
    let drawn = "";
    let begin = null;
    values.forEach((value, at) => {
      if (value == null) return;
      const point = `${first + at} ${(HEIGHT - (HEIGHT * Math.min(value, top)) / top).toFixed(1)}`;
      drawn += values[at - 1] == null ? `M${point}h0` : `L${point}`; // a line without length has round ends: a dot
      begin ??= first + at;
    });
    paths[number].setAttribute("d", drawn);
    // Under a line without gaps there is a field.
    if (number === 0) find(".area", spark).setAttribute("d", drawn && drawn.indexOf("M", 1) < 0 ? `${drawn}V${HEIGHT}H${begin}Z` : "");
  });
}

// ---------------------------------------------------------------- applications

const WAYS = ["up", "starting", "unhealthy", "restarting", "paused", "down"];
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
  const found = names.map((host) => [host, gone.has(host) ? "away" : WAYS.includes(states[host]) ? states[host] : "unknown"]);
  for (const [host, state] of found) mark(find(`[data-on="${CSS.escape(host)}"]`, tile), state);
  const needs = tile.dataset.needs?.split(" ") ?? [];
  const out = names.every((host) => gone.has(host)) || (needs.length > 0 && !served(needs, gone, database));
  const dead = found.every(([, state]) => state === "away" || DEAD.includes(state));
  tile.classList.toggle("out", out || dead);
  return { name: find(".name", tile).textContent, out, dead, unwell: found.filter(([, state]) => UNWELL.includes(state)) };
}

// What is to be written onto tiles, by chip. A few are done per frame, because each makes its tile be laid out anew.
const marks = new Map();
const AT_ONCE = 12;

// Nothing is known before the first answer; then what is not known is called so.
function mark(chip, state) {
  if (!lab.apps && state !== "away") return;
  if (!marks.size) requestAnimationFrame(drawMarks);
  marks.set(chip, state);
}

function drawMarks() {
  let left = AT_ONCE;
  for (const [chip, state] of marks) {
    if (!left) return requestAnimationFrame(drawMarks);
    marks.delete(chip);
    if (chip.dataset.is === state) continue;
    chip.dataset.is = state;
    say(find("b", chip), t(`on.${state}`));
    left--;
  }
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

// Every host asks every server. One that answered anybody is there; else the host that is asked itself knows best.
export function databases(views) {
  const servers = new Map();
  for (const { name, platform } of views) {
    for (const found of platform.databases ?? []) {
      const known = servers.get(found.host);
      if (!known || (known.state !== "up" && (found.state === "up" || name === lab.host))) servers.set(found.host, found);
    }
  }
  return [...servers.values()];
}

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
