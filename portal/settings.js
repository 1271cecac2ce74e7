// The visitor's settings in a dialog: theme, language, the order of groups and tiles.

import * as choices from "./choices.js";
import { all, find, say, t } from "./portal.js";
import { make, sheet } from "./sheet.js";

// Each language by its own name; the empty one leaves it to the browser, then to the lab.
const LANGUAGES = { "": null, en: "English", de: "Deutsch" };
const COLOURS = ["accent", "magenta", "yellow", "green"]; // shown in a preview
let dialog = null;
let told = null; // says what a key or a drag did

// Open the dialog.
export function open() {
  if (dialog) return;
  const parts = sheet("settings", t("settings.title"), () => (dialog = null));
  dialog = parts.dialog;
  told = make("p", { class: "unseen", role: "status" });
  parts.body.append(themes(), languages(), places(), reset(), told);
}

const section = (name, ...children) => make("section", { "aria-labelledby": `settings-${name}` }, make("h3", { id: `settings-${name}` }, t(`settings.${name}`)), ...children);

// ---------------------------------------------------------------- theme

// The themes are those that the style sheets have, the lab's own sheet included.
function names() {
  const found = new Set();
  const read = (rules) => {
    for (const rule of rules) {
      for (const [, name] of (rule.selectorText ?? "").matchAll(/\[data-theme=["']?([a-z0-9-]+)/g)) found.add(name);
      if (rule.cssRules) read(rule.cssRules);
    }
  };
  for (const styles of document.styleSheets) read(styles.cssRules);
  return found.add(document.documentElement.dataset.theme);
}

function themes() {
  const now = document.documentElement.dataset.theme;
  const radio = (name) => {
    const known = t(`theme.${name}`);
    const preview = make("span", { class: "preview", "data-theme": name, "aria-hidden": "true" }, "Aa", ...COLOURS.map((colour) => make("i", { class: `is-${colour}` })));
    const input = make("input", { type: "radio", name: "theme", value: name, checked: name === now, change: () => choices.choose({ theme: name }) });
    return make("label", {}, input, preview, make("span", {}, known === `theme.${name}` ? name : known));
  };
  return section("theme", make("div", { class: "themes", role: "radiogroup", "aria-labelledby": "settings-theme" }, ...[...names()].map(radio)));
}

// ---------------------------------------------------------------- language

// Buttons, because a page that loads anew must not follow from an arrow key.
function languages() {
  const now = /(?:^|; )lang=(\w*)/.exec(document.cookie)?.[1] ?? "";
  const button = ([language, name]) => {
    const choose = () => {
      choices.cookie("lang", language);
      choices.choose({ language });
      location.reload();
    };
    return make("button", { type: "button", lang: language || null, "aria-pressed": String(language === now), click: choose }, name ?? t("settings.automatic"));
  };
  return section("language", make("div", { class: "segments" }, ...Object.entries(LANGUAGES).map(button)), make("p", { class: "small" }, t("settings.reloads")));
}

// ---------------------------------------------------------------- order

function places() {
  const lists = choices.order().map(({ name, apps }) => {
    const tiles = make("ol", { class: "order" }, ...apps.map((app) => movable(app.title, { "data-app": app.name })));
    const inside = make("details", {}, make("summary", {}, t("settings.tiles", { count: apps.length, group: name })), tiles);
    return movable(name, { class: "of-group" }, inside);
  });
  return section("order", make("p", { class: "small" }, t("settings.order-how")), make("ol", { class: "order groups-order" }, ...lists));
}

function movable(name, attributes, more) {
  const button = (words, arrow, step) => make("button", { type: "button", class: "move", "aria-label": t(words, { name }), click: (event) => move(event.currentTarget, step) }, arrow);
  const grip = make("span", { class: "grip", "aria-hidden": "true" }, "⠿");
  const row = make("div", { class: "order-row" }, grip, make("span", { class: "order-name" }, name), button("settings.up", "↑", -1), button("settings.down", "↓", 1));
  row.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(event.target, step);
  });
  const item = make("li", attributes, row, more);
  grip.addEventListener("pointerdown", (event) => drag(event, item, grip));
  return item;
}

function move(button, step) {
  const item = button.closest("li");
  if (!swap(item, step)) return;
  const line = [...item.parentElement.children];
  say(told, t("settings.moved", { name: find(".order-name", item).textContent, place: line.indexOf(item) + 1, total: line.length }));
  item.scrollIntoView({ block: "nearest" });
  keep();
}

// It is the neighbour that moves, so that focus and pointer stay with the item.
function swap(item, step) {
  const neighbour = step < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!neighbour) return false;
  if (step < 0) item.after(neighbour);
  else item.before(neighbour);
  return true;
}

function drag(start, item, grip) {
  if (start.button !== 0) return;
  start.preventDefault();
  grip.setPointerCapture(start.pointerId);
  item.classList.add("dragged");
  const follow = ({ clientY }) => {
    const middle = (one) => one && one.getBoundingClientRect().top + one.getBoundingClientRect().height / 2;
    while (clientY < middle(item.previousElementSibling) && swap(item, -1));
    while (clientY > middle(item.nextElementSibling) && swap(item, 1));
  };
  const end = () => {
    grip.removeEventListener("pointermove", follow);
    item.classList.remove("dragged");
    keep();
  };
  grip.addEventListener("pointermove", follow);
  grip.addEventListener("lostpointercapture", end, { once: true });
}

const keep = () => choices.choose({ order: all("[data-app]", dialog).map((item) => item.dataset.app) });

// ---------------------------------------------------------------- reset

// Asks once more, in its own place.
function reset() {
  const ask = make("button", { type: "button", click: () => show(true) }, t("settings.reset"));
  const yes = make("button", { type: "button", class: "danger", click: forget }, t("settings.reset-yes"));
  const no = make("button", { type: "button", click: () => show(false) }, t("settings.reset-no"));
  const sure = make("div", { class: "segments", hidden: true }, yes, no);
  const show = (asking) => {
    ask.hidden = asking;
    sure.hidden = !asking;
    (asking ? no : ask).focus();
  };
  return section("reset-all", make("p", { class: "small" }, t("settings.reset-what")), ask, sure);
}

function forget() {
  for (const name of ["theme", "lang"]) choices.cookie(name, "");
  choices.choose({ favourites: [], order: [], theme: "", language: "" });
  location.reload();
}
