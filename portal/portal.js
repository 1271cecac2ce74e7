// Brings the page to life: search over the tiles that are there, and the lab's figures as they come.

import { follow } from "./live.js";

const OLD = 5_000; // milliseconds without news after which the page says so

const find = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const tiles = all(".tile");

// ---------------------------------------------------------------- words

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function when(seconds) {
  const date = new Date(seconds * 1000);
  return (Date.now() - date < 20 * 3_600_000 ? clock : day).format(date);
}

function span(seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return `${Math.round(seconds)} s`;
  if (hours < 1) return `${minutes} min`;
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  for (; count >= 999.5 && unit < units.length - 1; unit++) count /= 1000;
  return `${count < 9.95 && unit ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

// "9.6 of 16 GB": the unit once where it is the same.
function part(used, total) {
  const [some, all] = [bytes(used), bytes(total)];
  const [number, unit] = some.split(" ");
  return all.endsWith(` ${unit}`) ? `${number} of ${all}` : `${some} of ${all}`;
}

const rate = (value) => (value == null ? "–" : `${bytes(value)}/s`);
const list = (words) => new Intl.ListFormat("en").format(words);

function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// ---------------------------------------------------------------- search

function startSearch() {
  const query = find("#query");
  const texts = new Map(tiles.map((tile) => [tile, tile.textContent.toLowerCase()]));
  const shown = () => tiles.filter((tile) => !tile.parentElement.hidden);

  function filter() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const tile of tiles) tile.parentElement.hidden = !words.every((word) => texts.get(tile).includes(word));
    for (const group of all(".group")) group.hidden = !find("li:not([hidden])", group);
    const count = shown().length;
    for (const tile of tiles) tile.classList.toggle("first", words.length > 0 && tile === shown()[0]);
    say(find("#found"), words.length ? `${count} of ${tiles.length} applications match` : "");
    tellNothing(count ? "" : `No application matches “${query.value.trim()}”.`);
  }

  // Arrows move the focus itself, so Enter, a middle click and a screen reader do what they do on any link.
  function walk(step) {
    const line = [query, ...shown()];
    const next = line.indexOf(document.activeElement) + step;
    line[Math.max(0, Math.min(line.length - 1, next))].focus();
  }

  query.addEventListener("input", filter);
  if (query.value) filter(); // typed before this script was here
  document.addEventListener("keydown", (event) => {
    const from = document.activeElement;
    const onTile = from?.classList.contains("tile");
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "/" && from !== query) query.focus();
    else if (event.key === "Escape" && (from === query || onTile)) {
      query.value = "";
      filter();
      query.focus();
    } else if (event.key === "Enter" && from === query) {
      if (query.value.trim()) shown()[0]?.click();
    } else if (event.key === "ArrowDown" && (from === query || onTile)) walk(1);
    else if (event.key === "ArrowUp" && onTile) walk(-1);
    else if (event.key === "ArrowRight" && onTile) walk(1);
    else if (event.key === "ArrowLeft" && onTile) walk(-1);
    else return;
    event.preventDefault();
  });
}

function tellNothing(text) {
  const nothing = find("#nothing");
  say(nothing, text);
  nothing.hidden = !text;
}

// ---------------------------------------------------------------- hosts

const STATES = {
  up: () => "up",
  stale: (host) => `figures are ${span(host.age)} old`,
  away: (host) => `away since ${when(host.away_since)}`,
  unknown: () => "not heard of yet",
};

function drawHost(host) {
  const card = find(`[data-host="${CSS.escape(host.name)}"]`);
  if (!card) return;
  card.dataset.state = host.state in STATES ? host.state : "unknown";
  say(find(".state", card), STATES[card.dataset.state](host));
  const { cpu, memory, disks = [], network, temperatures = [], uptime } = host.figures ?? {};
  const warmest = Math.max(...temperatures.map((sensor) => sensor.celsius));
  drawRow(card, "cpu", cpu && `${Math.round(cpu.percent)} %${warmest > 0 ? ` · ${Math.round(warmest)} °C` : ""}`, cpu?.percent);
  drawRow(card, "memory", memory && part(memory.used, memory.total), memory?.percent);
  const frozen = disks.find((disk) => disk.frozen_since != null);
  const fullest = disks.reduce((most, disk) => ((disk.percent ?? 0) > (most?.percent ?? -1) ? disk : most), null);
  const fill = fullest && `${Math.round(fullest.percent ?? 0)} % of ${fullest.mount}`;
  drawRow(card, "disk", frozen ? `${frozen.mount} frozen since ${when(frozen.frozen_since)}` : fill, fullest?.percent);
  drawRow(card, "in", network && rate(network.rx));
  drawRow(card, "out", network && rate(network.tx));
  drawRow(card, "uptime", uptime != null && span(uptime));
}

function drawRow(card, name, text, percent) {
  const row = find(`[data-figure="${name}"]`, card);
  const bar = find(".bar", row);
  say(find(".value", row), text || "–");
  if (!bar) return;
  bar.style.setProperty("--part", (percent ?? 0) / 100);
  bar.setAttribute("aria-valuenow", Math.round(percent ?? 0));
  bar.setAttribute("aria-valuetext", text || "unknown");
  bar.classList.toggle("high", percent >= 90);
}

// ---------------------------------------------------------------- what works

function drawReach(hosts) {
  const away = hosts.filter((host) => host.state === "away");
  const gone = new Set(away.map((host) => host.name));
  const out = tiles.filter((tile) => !works(tile, gone));
  for (const tile of tiles) tile.classList.toggle("out", out.includes(tile));
  document.documentElement.classList.toggle("host-away", gone.size > 0);
  return gone.size ? reach(away, out) : "";
}

function works(tile, gone) {
  const hosts = tile.dataset.hosts?.split(" ") ?? [];
  const needs = tile.dataset.needs?.split(" ") ?? [];
  return (!hosts.length || hosts.some((host) => !gone.has(host))) && !needs.some((host) => gone.has(host));
}

function reach(away, out) {
  const who = list(away.map((host) => `${host.name} has been away since ${when(host.away_since)}`));
  const without = away.length > 1 ? "them" : "it";
  const names = out.map((tile) => find(".name", tile).textContent);
  if (!names.length) return `${who}. All ${tiles.length} applications work without ${without}.`;
  const few = names.length > 6 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  const left = `${tiles.length - names.length} of ${tiles.length} applications work without ${without}`;
  return `${who}. ${left}; out of reach: ${list(few)}.`;
}

// ---------------------------------------------------------------- weather and Forgejo

function drawWeather(weather) {
  const section = find("#weather");
  section.hidden = !weather;
  if (!weather) return;
  const { data, age, error } = weather;
  const feels = data?.feels_like != null ? `, feels like ${Math.round(data.feels_like)}°` : "";
  say(find(".degrees", section), data ? `${Math.round(data.celsius)}°` : "");
  say(find(".sky", section), data ? [data.text, data.place].filter(Boolean).join(" in ") + feels : "No weather yet.");
  say(find(".note", section), fetched(age, error));
  say(find("a", section), data?.attribution ?? "");
}

function drawActivity(forgejo) {
  const section = find("#activity");
  section.hidden = !forgejo;
  if (!forgejo) return;
  const entries = forgejo.data ?? [];
  const key = JSON.stringify(entries);
  if (section.dataset.drawn !== key) {
    section.dataset.drawn = key;
    find("ul", section).replaceChildren(...entries.slice(0, 6).map(drawEntry));
  }
  say(find(".note", section), entries.length || forgejo.error ? fetched(forgejo.age, forgejo.error) : "Nothing happened lately.");
}

// What users wrote reaches the page as text only.
function drawEntry(entry) {
  const item = document.createElement("li");
  const repository = document.createElement(/^https?:/.test(entry.url) ? "a" : "span");
  if (repository.localName === "a") repository.href = entry.url;
  repository.textContent = entry.repository;
  const moment = Date.parse(entry.at) / 1000;
  const rest = [entry.subject && `: ${entry.subject}`, moment && ` · ${when(moment)}`];
  item.append(`${entry.who} ${entry.what} `, repository, rest.filter(Boolean).join(""));
  return item;
}

const fetched = (age, error) =>
  [age != null && `${span(age)} old`, error && `the source ${error}`].filter(Boolean).join("; ");

// ---------------------------------------------------------------- freshness

const HOW = { live: "Live, every second.", polling: "Refreshed every two seconds." };
const TROUBLE = {
  silent: "The figures do not answer",
  "signed-out": "You are signed out: reload the page to sign in again",
};

let news = { at: 0, wall: 0, how: "", reach: "" };
let trouble = "";

function onLab(lab, how) {
  news = { at: performance.now(), wall: Date.now() / 1000, how, reach: drawReach(lab.hosts) };
  trouble = "";
  for (const host of lab.hosts) drawHost(host);
  drawWeather(lab.weather);
  drawActivity(lab.forgejo);
  say(find("#answered"), `Answered by ${lab.host}.`);
  drawFreshness();
}

function drawFreshness() {
  const waiting = !news.wall;
  const old = waiting ? Boolean(trouble) : performance.now() - news.at > OLD;
  const shown = waiting ? "the links work without them" : `the ones shown are from ${when(news.wall)}`;
  const problem = old ? `${TROUBLE[trouble || "silent"]}; ${shown}.` : "";
  document.documentElement.classList.toggle("stale", old);
  say(find("#freshness"), problem || (waiting ? "Waiting for figures." : HOW[news.how]));
  const banner = find("#banner");
  say(banner, [problem, news.reach].filter(Boolean).join(" "));
  banner.hidden = !banner.textContent;
}

startSearch();
if (!tiles.length) tellNothing("No application yet. Name one in abbey.yaml and run abbey up.");
setInterval(() => document.hidden || drawFreshness(), 1_000);
follow(onLab, (what) => {
  trouble = what;
  drawFreshness();
});
