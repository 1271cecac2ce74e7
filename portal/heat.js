// A year of contributions as a map of days: a column per week, which begins on the day that it begins on where the
// visitor is. How much was done on a day shows in a square's size as well as in its colour.

import { find, locale, say, t } from "./portal.js";
import { make } from "./sheet.js";

const SVG = "http://www.w3.org/2000/svg";
const DAY = 86_400_000;
const WEEKS = 53;
const NARROW = 400; // below this many pixels the year stands in two rows
const LABELS = 34; // room for the names of weekdays
const HEAD = 16; // and for those of months
const SIZES = [0.22, 0.45, 0.6, 0.75, 0.9]; // of a cell, by level
const SUNDAY_FIRST = /-(US|CA|MX|BR|JP|KR|TW|HK|IL|IN|ZA|AU|PH|TH|CO|PE|VE|AR)$/; // for browsers that do not know

const utc = (options) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
const dayWords = utc({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const monthWords = utc({ month: "short" });
const monthAndYear = utc({ month: "long", year: "numeric" });
const weekday = utc({ weekday: "short" });
const whole = new Intl.NumberFormat(locale);

const drawn = new WeakMap(); // of each place: what it shows, and how to stop watching its width

// Draw the year of a Forge document into the section's `.heat`. The same year again costs nothing.
export function draw(section, forge) {
  const box = find(".heat", section);
  if (!box) return;
  const days = checked(forge?.heat);
  box.hidden = !days;
  if (!days) return;
  const key = JSON.stringify([...days]) + today();
  if (drawn.get(box)?.key === key) return;
  drawn.get(box)?.watch.disconnect();
  const year = lay(days);
  const parts = pieces(year);
  box.replaceChildren(parts.plot, parts.words, parts.months);
  const watch = new ResizeObserver(([entry]) => parts.paint(entry.contentRect.width));
  drawn.set(box, { key, watch });
  parts.paint(box.clientWidth);
  watch.observe(box);
}

// ---------------------------------------------------------------- days

// The counts by day (milliseconds of its midnight, as if it were in UTC), or null where there are none to be had.
function checked(heat) {
  if (!Array.isArray(heat)) return null;
  const days = new Map();
  for (const { date, count } of heat.slice(-WEEKS * 7)) {
    const at = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) : NaN;
    if (Number.isFinite(at) && count > 0) days.set(at, Math.min(1e6, Math.round(count)));
  }
  return days;
}

function today() {
  const now = new Date();
  return Date.UTC(now.getFullYear(), now.getMonth(), now.getDate());
}

function firstDay() {
  const known = new Intl.Locale(locale);
  const info = known.getWeekInfo?.() ?? known.weekInfo;
  return (info?.firstDay ?? (SUNDAY_FIRST.test(known.maximize().toString()) ? 7 : 1)) % 7; // 0 is Sunday
}

// Days, oldest first, from the first day of a week 52 weeks ago until the newest; levels are quarters of the most.
function lay(days) {
  const first = firstDay();
  const last = Math.max(today(), ...days.keys());
  const place = (new Date(last).getUTCDay() - first + 7) % 7;
  const start = last - (place + (WEEKS - 1) * 7) * DAY;
  const most = Math.max(0, ...days.values());
  const cells = [];
  for (let at = start; at <= last; at += DAY) {
    const count = days.get(at) ?? 0;
    cells.push({ at, count, level: count && Math.ceil((4 * count) / most) });
  }
  return { cells, first };
}

const said = ({ at, count }) => t("heat.day", { date: dayWords.format(at), count: whole.format(count) });

function summary(cells) {
  const total = cells.reduce((sum, cell) => sum + cell.count, 0);
  if (!total) return t("heat.none");
  const best = cells.reduce((most, cell) => (cell.count > most.count ? cell : most));
  const active = cells.filter((cell) => cell.count).length;
  const words = { total: whole.format(total), active: whole.format(active), best: dayWords.format(best.at), most: whole.format(best.count) };
  return t("heat.summary", words);
}

// ---------------------------------------------------------------- what is seen

// The map is one stop of the Tab key: arrow keys walk through its days and each says itself.
function pieces({ cells, first }) {
  const overview = summary(cells);
  const words = make("p", { class: "small" }, overview);
  const plot = make("div", { class: "map", role: "slider", tabindex: 0, "aria-label": t("heat.label"), "aria-valuemin": 0, "aria-valuemax": cells.length - 1 });
  const months = make("details", { class: "table" }, make("summary", {}, t("heat.months")), table(cells));
  let chosen = null;

  function choose(at) {
    find(".chosen", plot)?.classList.remove("chosen");
    chosen = at;
    if (at != null) find(`[data-at="${at}"]`, plot).classList.add("chosen");
    say(words, at == null ? overview : said(cells[at]));
    tell(at ?? cells.length - 1);
  }

  function tell(at) {
    plot.setAttribute("aria-valuenow", at);
    plot.setAttribute("aria-valuetext", chosen == null ? overview : said(cells[at]));
  }

  plot.addEventListener("pointermove", (event) => {
    const at = event.target.closest("[data-at]")?.dataset.at;
    if (at !== undefined) choose(Number(at));
  });
  plot.addEventListener("pointerleave", () => document.activeElement === plot || choose(null));
  plot.addEventListener("blur", () => choose(null));
  plot.addEventListener("keydown", (event) => {
    const week = rightToLeft() ? -7 : 7;
    const step = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -week, ArrowRight: week, PageUp: -28, PageDown: 28, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(Math.min(cells.length - 1, Math.max(0, (chosen ?? cells.length - 1) + (chosen == null && Math.abs(step) < 8 ? 0 : step))));
  });
  tell(cells.length - 1);
  const paint = (width) => {
    if (!width || plot.dataset.width === String(Math.round(width))) return;
    plot.dataset.width = Math.round(width);
    plot.replaceChildren(picture(cells, first, Math.round(width)));
    if (chosen != null) choose(chosen);
  };
  return { plot, words, months, paint };
}

const rightToLeft = () => getComputedStyle(document.documentElement).direction === "rtl";

function picture(cells, first, width) {
  const bands = width < NARROW ? 2 : 1;
  const columns = Math.ceil(WEEKS / bands);
  const cell = (width - LABELS) / columns;
  const band = HEAD + 7 * cell + 6;
  const mirrored = rightToLeft();
  const svg = shape("svg", { viewBox: `0 0 ${width} ${Math.ceil(band * bands)}`, "aria-hidden": "true" });
  const across = (left, size) => (mirrored ? width - left - size : left).toFixed(1);
  const words = (x, y, text) => {
    const element = shape("text", { x: across(x, 0), y: y.toFixed(1) });
    element.textContent = text;
    svg.append(element);
  };
  for (let row = 0; row < bands; row++) {
    for (const day of [0, 2, 4]) words(0, row * band + HEAD + (day + 0.75) * cell, weekday.format(Date.UTC(2023, 0, 1 + first + day)));
  }
  let month = null;
  let free = 0; // from where on there is room for the name of a month
  cells.forEach(({ at, level }, number) => {
    const week = Math.floor(number / 7);
    const row = Math.floor(week / columns);
    const left = LABELS + (week % columns) * cell;
    const top = row * band + HEAD + (number % 7) * cell;
    if (number % 7 === 0) {
      if (week % columns === 0) free = 0;
      const date = new Date(at);
      const name = date.getUTCMonth();
      // The rest of a month at the edge is no room for its name.
      if (name !== month && date.getUTCDate() < 15 && left >= free && left + 24 < width) {
        words(left, row * band + 10, monthWords.format(at));
        free = left + 32;
      }
      month = name;
    }
    const size = cell * SIZES[level];
    const inset = (cell - size) / 2;
    const square = { x: across(left + inset, size), y: (top + inset).toFixed(1), width: size.toFixed(1), height: size.toFixed(1), rx: 1 };
    svg.append(shape("rect", { class: `level-${level}`, ...square }));
    // What is pointed at is the whole cell.
    svg.append(shape("rect", { class: "day", "data-at": number, x: across(left, cell), y: top.toFixed(1), width: cell.toFixed(1), height: cell.toFixed(1) }));
  });
  return svg;
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function table(cells) {
  const months = new Map();
  for (const { at, count } of cells) {
    const name = monthAndYear.format(at);
    const known = months.get(name) ?? { count: 0, days: 0 };
    months.set(name, { count: known.count + count, days: known.days + (count > 0) });
  }
  const head = ["month", "contributions", "days"].map((name) => make("th", { scope: "col" }, t(`heat.${name}`)));
  const rows = [...months].reverse().map(([name, { count, days }]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, whole.format(count)), make("td", {}, whole.format(days))),
  );
  return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}
