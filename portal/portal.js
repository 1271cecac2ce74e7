// Brings the page to life: search over the tiles that are there, and the lab's news as it comes. What draws the news
// is loaded with the first of it.

import { follow } from "./live.js";

export { past } from "./live.js";

export const find = (selector, from = document) => from.querySelector(selector);
export const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// Everything that is known of the lab: the parts of LabFigures as they came in.
export const lab = {};

// ---------------------------------------------------------------- words

const language = document.documentElement.lang || "en";
// The visitor's own form of the page's language: a page in English is dated the British way for a Briton.
export const locale = navigator.languages.find((name) => name.split("-")[0] === language) ?? language;

const messages = JSON.parse(find("#messages").content.textContent);

// Return a message with its parameters filled in; the key itself where there is no such message.
export function t(key, parameters = {}) {
  return (messages[key] ?? key).replace(/{(\w+)}/g, (whole, name) => parameters[name] ?? whole);
}

// What is shown at first does without Intl: its first use costs more time than all other scripts together.
const two = (number) => String(number).padStart(2, "0");
let day = null;

export function when(seconds) {
  const date = new Date(seconds * 1000);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (Math.abs(Date.now() - date) < 20 * 3_600_000) return clock;
  day ??= new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  return `${day.format(date)}, ${clock}`;
}

export function span(seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return `${Math.round(seconds)} s`;
  if (hours < 1) return `${minutes} min`;
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  for (; count >= 999.5 && unit < units.length - 1; unit++) count /= 1000;
  return `${count < 9.95 && unit ? count.toFixed(1).replace(".", t("number.point")) : Math.round(count)} ${units[unit]}`;
}

export const list = (words) => new Intl.ListFormat(locale).format(words);

// Set an element's text if it is another: what says the same costs nothing and is not read out again.
export function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// ---------------------------------------------------------------- search

export const tiles = () => all(".tile");
const texts = new WeakMap();

// Letters without their accents, so that "moebel" is not needed to find what "möbel" finds.
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

function textsOf(tile) {
  if (!texts.has(tile)) {
    const group = find("h2", tile.closest(".group"))?.textContent ?? "";
    const title = plain(find(".name", tile).textContent);
    const { app, hosts = "" } = tile.dataset;
    texts.set(tile, { title, whole: plain([title, find(".summary", tile).textContent, app, hosts, group].join(" ")) });
  }
  return texts.get(tile);
}

// How well a tile answers: its title begins so, a word of the title does, the title has it, only the rest does.
function rank(tile, words) {
  const { title, whole } = textsOf(tile);
  if (!words.every((word) => whole.includes(word))) return 0;
  if (title.startsWith(words[0])) return 4;
  if (title.includes(` ${words[0]}`)) return 3;
  return title.includes(words[0]) ? 2 : 1;
}

function startSearch() {
  const query = find("#query");
  const shown = () => tiles().filter((tile) => !tile.parentElement.hidden);
  let best = null;

  function filter() {
    const words = plain(query.value).split(/\s+/).filter(Boolean);
    const every = tiles();
    const ranks = every.map((tile) => (words.length ? rank(tile, words) : 1));
    every.forEach((tile, at) => (tile.parentElement.hidden = !ranks[at]));
    for (const group of all(".group")) group.hidden = !find("li:not([hidden])", group);
    const count = ranks.filter(Boolean).length;
    best = words.length && count ? every[ranks.indexOf(Math.max(...ranks))] : null;
    for (const tile of every) tile.classList.toggle("first", tile === best);
    say(find("#found"), words.length ? t("search.found", { count, total: every.length }) : "");
    const nothing = find("#nothing");
    if (every.length) say(nothing, words.length ? t("search.nothing", { text: query.value.trim() }) : "");
    nothing.hidden = count > 0;
  }

  function clear() {
    query.value = "";
    filter();
    query.focus();
  }

  // Arrows move the focus itself, so Enter, a middle click and a screen reader do what they do on any link.
  function walk(from, key) {
    const boxes = shown().map((tile) => ({ tile, box: tile.getBoundingClientRect() }));
    const next = neighbour(boxes, from, key);
    if (next) next.focus();
    else if (key === "ArrowUp") query.focus();
  }

  query.addEventListener("input", filter);
  if (query.value) filter(); // typed before this script was here
  document.addEventListener("keydown", (event) => {
    const from = event.target;
    const onTile = from.matches?.(".tile");
    if (event.altKey || event.isComposing || from.closest?.("dialog")) return;
    if (event.key === "Enter" && from === query) {
      if (best && (event.ctrlKey || event.metaKey)) open(best.href, "_blank", "noopener");
      else best?.click();
    } else if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    else if (event.key === "/" && !from.matches?.("input, textarea, select, [contenteditable]")) query.select();
    else if (event.key === "Escape" && (from === query || onTile)) clear();
    else if (event.key === "ArrowDown" && from === query) (best ?? shown()[0])?.focus();
    else if (event.key.startsWith("Arrow") && onTile) walk(from, event.key);
    else return;
    event.preventDefault();
  });
}

// Up and down go to the nearest tile of the next row, left and right along the row and on to the next one.
function neighbour(boxes, from, key) {
  const here = boxes.find(({ tile }) => tile === from)?.box;
  if (!here) return null;
  const above = (one, other) => one.bottom <= other.top + 1;
  const middle = (box) => (box.left + box.right) / 2;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const mirrored = getComputedStyle(document.documentElement).direction === "rtl" ? -1 : 1;
    const line = boxes.sort(({ box: one }, { box: other }) => {
      if (above(one, other) || above(other, one)) return one.top - other.top;
      return (one.left - other.left) * mirrored;
    });
    const step = (key === "ArrowRight" ? 1 : -1) * mirrored;
    return line[line.findIndex(({ tile }) => tile === from) + step]?.tile ?? from;
  }
  const down = key === "ArrowDown";
  const beyond = boxes.filter(({ box }) => (down ? above(here, box) : above(box, here)));
  const gap = (box) => (down ? box.top - here.bottom : here.top - box.bottom);
  const closest = Math.min(...beyond.map(({ box }) => gap(box)));
  const row = beyond.filter(({ box }) => gap(box) < closest + here.height / 2);
  row.sort((one, other) => Math.abs(middle(one.box) - middle(here)) - Math.abs(middle(other.box) - middle(here)));
  return row[0]?.tile ?? (down ? from : null);
}

// ---------------------------------------------------------------- news

const OLD = 5_000; // milliseconds without news after which the page says so

const waiting = new Set(); // names of what is to be drawn
let drawers = null; // functions by what they draw; null until they are loaded
let frame = 0;
let news = { wall: 0, how: "" };
let trouble = "";
let reach = []; // sentences on what is away
let old = 0;

function onNews(name, data, how) {
  if (name !== "past") Object.assign(lab, data);
  if (name === "figures" || name === "lab") {
    news = { wall: Date.now() / 1000, how };
    trouble = "";
    clearTimeout(old);
    old = setTimeout(drawFreshness, OLD);
    drawFreshness();
  }
  for (const key of Object.keys(data)) waiting.add(key);
  if (data.platforms) waiting.add("apps"); // what is away shows on the tiles and in the banner
  if (drawers) drawSoon();
  else load();
  document.dispatchEvent(new CustomEvent("abbey:lab", { detail: lab }));
}

const drawSoon = () => (frame ||= requestAnimationFrame(draw));

// One part per frame, so that a key press never waits for all of them. What cannot be drawn must not stop the rest.
function draw() {
  frame = 0;
  const part = Object.keys(drawers).find((name) => waiting.delete(name));
  if (!part) return waiting.clear();
  drawSoon();
  drawers[part](drawAlso);
}

const drawAlso = (part) => waiting.add(part);

let loading = null;
function load() {
  // Asked for again with the next news when it could not be had.
  loading ??= import("./now.js").then((now) => {
    drawers = { hosts: now.drawHosts, apps: () => drawReach(now.drawApps()) };
    drawSoon();
    whenIdle(startOthers);
  }, () => (loading = null));
}

function onTrouble(what) {
  trouble = what;
  drawFreshness();
}

function drawReach(sentences) {
  reach = sentences;
  drawBanner();
}

// ---------------------------------------------------------------- freshness

function problem() {
  if (news.wall && Date.now() / 1000 - news.wall < OLD / 1000) return "";
  if (!news.wall && !trouble) return "";
  const what = { problem: t(`fresh.${trouble || "silent"}`), when: when(news.wall) };
  return t(news.wall ? "fresh.old" : "fresh.without", what);
}

function drawFreshness() {
  const stale = Boolean(problem());
  document.documentElement.classList.toggle("stale", stale);
  say(find("#freshness"), stale ? `${t(`fresh.${trouble || "silent"}`)}.` : t(`fresh.${news.how || "waiting"}`));
  say(find("#answered"), lab.host ? t("pulse.answered", { host: lab.host }) : "");
  drawBanner();
}

function drawBanner() {
  const banner = find("#banner");
  const sentences = [problem(), ...reach].filter(Boolean);
  if (banner.dataset.says === sentences.join("\n")) return;
  banner.dataset.says = sentences.join("\n");
  banner.replaceChildren(...sentences.map((sentence) => Object.assign(document.createElement("p"), { textContent: sentence })));
  if (trouble === "signed-out") {
    banner.lastChild.append(" ", Object.assign(document.createElement("a"), { href: "/", textContent: t("fresh.sign-in") }));
  }
}

// ---------------------------------------------------------------- the rest, when there is time or need

const whenIdle = (work) => (globalThis.requestIdleCallback ?? setTimeout)(work);

// What does not show yet must not compete with what does: it waits until somebody moves, or so long.
const LATER = 5_000;
const MOVES = ["pointermove", "pointerdown", "keydown", "touchstart"];

function whenMoved(work) {
  let go = () => (go = () => {}, work());
  setTimeout(() => go(), LATER);
  for (const move of MOVES) addEventListener(move, () => go(), { passive: true, once: true });
}

// Whether somebody chose something in this browser before: then it must show at once.
function wasHere() {
  try {
    return localStorage.getItem("abbey:person") !== null;
  } catch {
    return false; // storage is forbidden
  }
}

// What cannot be had now is there when the page is opened the next time.
function startOthers() {
  const missing = () => {};
  import("./panels.js").then(({ drawPlatforms, drawWeather, drawActivity }) => {
    Object.assign(drawers, { platforms: drawPlatforms, weather: drawWeather, forgejo: drawActivity });
    for (const part of ["platforms", "weather", "forgejo"]) waiting.add(part);
    drawSoon();
  }, missing);
  const startChoices = () => import("./choices.js").then((choices) => choices.start(), missing);
  if (wasHere()) startChoices();
  else whenMoved(startChoices);
  setTimeout(() => import("./offline.js").then((offline) => offline.start(), missing), LATER);
  const widgets = find("#own").dataset.widgets.split(" ").filter(Boolean);
  if (widgets.length) import("./widgets.js").then((module) => module.start(widgets), missing);
}

startSearch();
const unreached = () => onTrouble("silent");
find("#settings-button").addEventListener("click", () => import("./settings.js").then((settings) => settings.open(), unreached));
document.addEventListener("click", (event) => {
  const host = event.target.closest?.(".more")?.closest("[data-host]").dataset.host;
  if (host) import("./history.js").then((history) => history.open(host), unreached);
});
follow(onNews, onTrouble);
