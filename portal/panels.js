// Draws what is beside the hosts: the platform that the applications stand on, the weather, and what happened in Forgejo.

import { databases, percent } from "./now.js";
import { bytes, find, lab, say, span, t, when } from "./portal.js";

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

// ---------------------------------------------------------------- weather

const CLOUD = "M7 18h10a3.6 3.6 0 0 0 .6-7.1A5.5 5.5 0 0 0 7 10a4 4 0 0 0 0 8Z";
const HIGH_CLOUD = "M7 14.5h10a3.6 3.6 0 0 0 .6-7.1A5.5 5.5 0 0 0 7 6.5a4 4 0 0 0 0 8Z";
// Drawn by hand on 24 by 24.
const SKIES = {
  sun: "M12 7.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9ZM12 1.5v2.5M12 20v2.5M1.5 12h2.5M20 12h2.5M4.6 4.6l1.8 1.8M17.6 17.6l1.8 1.8M4.6 19.4l1.8-1.8M17.6 6.4l1.8-1.8",
  moon: "M19.5 14.5A8.5 8.5 0 1 1 9.5 4.5a6.8 6.8 0 0 0 10 10Z",
  cloud: CLOUD,
  partly: `${CLOUD}M4 8.5a4.2 4.2 0 0 1 5-3.6M7 1v1.5M1.8 4.2l1.1 1M12 2.6l-1 1.1`,
  fog: `${HIGH_CLOUD}M4 18h13M7 21.5h13`,
  rain: `${HIGH_CLOUD}M8 17.5l-1 3.5M12.5 17.5l-1 3.5M17 17.5l-1 3.5`,
  snow: `${HIGH_CLOUD}M8 18v.1M12 20v.1M16 18v.1M8 22v.1M16 22v.1`,
  storm: `${HIGH_CLOUD}M13 16l-3 3.5h3.5L11 23`,
};

// Which of them a WMO code is.
function sky(code, light = true) {
  if (!(code >= 0)) return "cloud";
  if (code <= 1) return light ? "sun" : "moon";
  if (code === 2) return "partly";
  if (code === 45 || code === 48) return "fog";
  if (code >= 95) return "storm";
  if ((code >= 71 && code <= 77) || code === 85 || code === 86) return "snow";
  return code >= 51 ? "rain" : "cloud";
}

const degrees = (value) => (value == null ? "–" : `${Math.round(value)}°`);

// What the lab cannot say in the visitor's language it says in English.
const words = ({ code, text }) => {
  const known = t(`sky.${code}`);
  return known.startsWith("sky.") ? text ?? "" : known;
};

export function drawWeather() {
  const section = find("#weather");
  section.hidden = !lab.weather;
  if (!lab.weather) return;
  const { data, age, error } = lab.weather;
  find(".sky", section).toggleAttribute("hidden", !data);
  if (data) find(".sky path", section).setAttribute("d", SKIES[sky(data.code, data.day)]);
  const feels = data?.feels_like != null && t("weather.feels", { degrees: degrees(data.feels_like) });
  say(find(".degrees", section), data ? degrees(data.celsius) : "");
  say(find(".words", section), data ? [t("weather.at", { sky: words(data), place: data.place }), feels].filter(Boolean).join(", ") : t("weather.none"));
  say(find(".note", section), fetched(age, error));
  say(find("a", section), data?.attribution ?? "");
  drawOnce(find(".days", section), data?.days ?? [], (days) => days.slice(0, 5).map(drawDay));
}

function drawDay({ date, low, high, rain, code }) {
  const item = document.createElement("li");
  const [year, month, day] = date.split("-").map(Number);
  const picture = find("#weather .sky").cloneNode(true);
  find("path", picture).setAttribute("d", SKIES[sky(code)]);
  picture.toggleAttribute("hidden", false);
  const name = document.createElement("span");
  name.textContent = t("weather.weekdays").split(" ")[new Date(year, month - 1, day).getDay()];
  const said = document.createElement("span");
  said.className = "unseen";
  said.textContent = t(`sky.${code}`).replace(/^sky\..*/, "");
  const range = document.createElement("b");
  range.textContent = `${degrees(high)} ${degrees(low)}`;
  const wet = document.createElement("span");
  wet.textContent = rain == null ? "" : `${Math.round(rain)} %`;
  item.append(name, picture, said, range, wet);
  return item;
}

// ---------------------------------------------------------------- Forgejo

const ENTRIES = 6;

export function drawActivity() {
  const section = find("#activity");
  section.hidden = !lab.forgejo;
  if (!lab.forgejo) return;
  const { data, age, error } = lab.forgejo;
  const entries = data?.entries ?? [];
  drawOnce(find("ul", section), entries, () => entries.slice(0, ENTRIES).map(drawEntry));
  say(find(".note", section), entries.length || error ? fetched(age, error) : t("forge.none"));
  if (data?.heat) whenSeen(section, () => import("./heat.js").then((heat) => heat.draw(section, lab.forgejo.data), () => {}));
}

// A year of days is drawn for who comes to see it.
let seen = false;
function whenSeen(section, draw) {
  if (seen) return draw();
  const watch = new IntersectionObserver((entries) => {
    if (seen || !entries.some((entry) => entry.isIntersecting)) return;
    seen = true;
    watch.disconnect();
    draw();
  });
  watch.observe(section);
}

// What users wrote reaches the page as text only.
function drawEntry(entry) {
  const item = document.createElement("li");
  const repository = document.createElement(/^https?:/.test(entry.url) ? "a" : "span");
  if (repository.localName === "a") repository.href = entry.url;
  repository.textContent = entry.repository;
  const known = t(`did.${entry.kind}`);
  const did = known.startsWith("did.") ? t("did.other") : known;
  const [before, after = ""] = did.split("{repository}").map((piece) => piece.replace("{who}", () => entry.who));
  const moment = Date.parse(entry.at) / 1000;
  const rest = [entry.subject && `: ${entry.subject}`, moment && ` · ${when(moment)}`];
  item.append(before, repository, after, rest.filter(Boolean).join(""));
  return item;
}

const fetched = (age, error) =>
  [age != null && t("fresh.at", { when: when(Date.now() / 1000 - age) }), error && t("fresh.error", { error })].filter(Boolean).join("; ");

// Lists are made anew only when they say something else.
function drawOnce(element, data, make) {
  const says = JSON.stringify(data);
  if (element.dataset.says === says) return;
  element.dataset.says = says;
  element.replaceChildren(...make(data));
}
