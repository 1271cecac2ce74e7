// Draws the hosts, with lines over the last five minutes, and the platform that the applications stand on.

import { all, bytes, find, lab, past, say, span, t, when } from "./portal.js";

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

const percent = (value) => `${Math.round(value)} %`;
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
      const after = values[at - 1] != null;
      drawn += `${after ? "L" : "M"}${first + at} ${(HEIGHT - (HEIGHT * Math.min(value, top)) / top).toFixed(1)}`;
      begin ??= first + at;
    });
    paths[number].setAttribute("d", drawn);
    // Under a line without gaps there is a field.
    if (number === 0) find(".area", spark).setAttribute("d", drawn && drawn.indexOf("M", 1) < 0 ? `${drawn}V${HEIGHT}H${begin}Z` : "");
  });
}

// ---------------------------------------------------------------- platform

// Draw what every host says of the platform, a line per part that is configured.
export function drawPlatforms() {
  const views = (lab.platforms ?? []).filter(({ platform }) => platform);
  const lines = {
    tunnel: links(views, "tunnel"),
    tailnet: links(views, "tailnet"),
    database: databases(views).map(server),
    backups: backups(views),
    containers: containers(views),
  };
  for (const [name, chips] of Object.entries(lines)) drawLine(name, chips);
  find("#platform").hidden = !Object.values(lines).some((chips) => chips.length);
  drawList(views);
}

const links = (views, part) =>
  views.filter(({ platform }) => platform[part]).map(({ name, platform: { [part]: link } }) => ({ name, is: link.state, text: t(`platform.${word(link.state)}`) }));

const word = (state) => (["up", "down"].includes(state) ? state : "unknown");

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

function server({ host, state, role, lag, connections, most }) {
  const words = [
    state === "up" ? role && t(`platform.${role === "primary" ? "primary" : "standby"}`) : t(`platform.${word(state)}`),
    state === "up" && lag != null && (lag < 1 ? t("platform.in-step") : t("platform.behind", { span: span(lag) })),
    state === "up" && connections != null && most != null && t("platform.connections", { count: connections, most }),
  ];
  return { name: host, is: state, text: words.filter(Boolean).join(", ") };
}

function backups(views) {
  const now = Date.now() / 1000;
  return views.filter(({ platform }) => platform.backups).map(({ name, platform: { backups: { list: receipts = [], error } } }) => {
    if (!receipts.length) return { name, is: "unknown", text: error || t("platform.no-backups") };
    const well = receipts.filter((receipt) => receipt.ok).length;
    const oldest = roughly(Math.max(...receipts.map((receipt) => now - receipt.at)));
    const proofs = receipts.map((receipt) => receipt.proven_at).filter((at) => at != null);
    const proven = proofs.length ? t("platform.proven", { span: roughly(now - Math.max(...proofs)) }) : t("platform.unproven");
    return { name, is: well < receipts.length ? "down" : "up", text: `${t("platform.backups-of", { well, total: receipts.length, span: oldest })}, ${proven}` };
  });
}

// "2 d", without the hours.
const roughly = (seconds) => span(seconds).split(" ", 2).join(" ");

function containers(views) {
  return views.filter(({ platform }) => platform.containers).map(({ name, platform: { containers: { list: found = [], error } } }) => {
    const well = found.filter((container) => container.state === "up").length;
    if (error && !found.length) return { name, is: "unknown", text: error };
    return { name, is: well < found.length ? "unhealthy" : "up", text: t("platform.well", { well, total: found.length }) };
  });
}

function drawLine(name, chips) {
  const body = find("#platform dl");
  let line = find(`[data-part="${name}"]`, body);
  if (!line && chips.length) {
    line = add(body, "div");
    line.dataset.part = name;
    add(line, "dt", t(`platform.${name}`));
    add(line, "dd").className = "on";
  }
  if (!line) return;
  line.hidden = !chips.length;
  const says = JSON.stringify(chips);
  if (line.dataset.says === says) return;
  line.dataset.says = says;
  find("dd", line).replaceChildren();
  for (const { name: host, is, text } of chips) {
    const chip = add(find("dd", line), "span", `${host} `);
    chip.dataset.is = is;
    add(chip, "b", text);
  }
}

// The containers one by one, for those who are told of them; drawn while it is open.
function drawList(views) {
  const panel = find("#platform .panel");
  const rows = views.flatMap(({ name, platform }) => (platform.containers?.list ?? []).map((container) => ({ host: name, ...container })));
  let details = find("details", panel);
  if (!rows.length) return details?.remove();
  if (!details) {
    details = add(panel, "details");
    add(details, "summary", t("platform.list"));
    details.addEventListener("toggle", () => drawPlatforms());
  }
  if (!details.open) return;
  const box = find(".scroller", details) ?? scroller(details);
  const body = find("tbody", box);
  body.replaceChildren(...rows.map(({ host, name, state, cpu, memory }) => {
    const row = document.createElement("tr");
    add(row, "th", name).scope = "row";
    const where = add(add(row, "td"), "span", `${host} `);
    where.dataset.is = state;
    add(where, "b", t(`on.${state}`));
    add(row, "td", cpu == null ? "–" : percent(cpu));
    add(row, "td", memory == null ? "–" : bytes(memory));
    return row;
  }));
}

function scroller(details) {
  const box = add(details, "div");
  Object.assign(box, { className: "scroller on", tabIndex: 0, role: "region", ariaLabel: t("platform.list") });
  const table = add(box, "table");
  const head = add(add(table, "thead"), "tr");
  for (const name of ["name", "state", "cpu", "memory"]) add(head, "th", t(`platform.${name}`)).scope = "col";
  add(table, "tbody");
  return box;
}

function add(parent, name, text = "") {
  const element = document.createElement(name);
  element.textContent = text;
  parent.append(element);
  return element;
}
