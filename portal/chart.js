// Draws one measure over time, a line per host: gaps where nothing was known, a cursor, axes in the visitor's locale.
// Time runs from left to right in every language, as it does on instruments.

import { locale, say } from "./portal.js";
import { make } from "./sheet.js";

const SVG = "http://www.w3.org/2000/svg";
const LOOKS = 4; // colours and dashes of style.css
const MINUTE = 60;
const HOUR = 3600;

// ---------------------------------------------------------------- axes

// Given the values that must fit, return {low, high, ticks}: round numbers, at most four steps.
export function round(values, { low = 0, least = 1 } = {}) {
  const most = Math.max(low + least, ...values);
  const raw = (most - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((part) => part * power).find((part) => part >= raw * 0.999);
  const count = Math.ceil((most - low) / step - 0.001);
  return { low, high: low + count * step, ticks: Array.from({ length: count + 1 }, (_, at) => low + at * step) };
}

export const percent = () => ({ low: 0, high: 100, ticks: [0, 25, 50, 75, 100] });

// Moments that are round on the visitor's clock, and how to write them.
function moments({ start, step, count }) {
  const length = step * (count - 1);
  const every = length <= 10 * MINUTE ? MINUTE : length <= 2 * HOUR ? 15 * MINUTE : 6 * HOUR;
  const offset = new Date(start * 1000).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((start - offset) / every) * every + offset;
  const found = [];
  for (let at = first; at <= start + length; at += every) found.push(at);
  return { found, length };
}

const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", second: "2-digit" });
const dated = new Intl.DateTimeFormat(locale, { weekday: "short", hour: "numeric", minute: "2-digit" });

// Write the moment of value number `at`, as exactly as the step allows.
export function moment({ start, step, count }, at) {
  const words = step < MINUTE ? exact : count * step > 12 * HOUR ? dated : clock;
  return words.format(new Date((start + at * step) * 1000));
}

// ---------------------------------------------------------------- lines

// Cut values into runs of known ones. `bridge` is how many steps may lie between two neighbours.
export function runs(values, bridge) {
  const found = [];
  let last = -Infinity;
  values.forEach((value, at) => {
    if (value == null) return;
    if (at - last > bridge) found.push([]);
    found.at(-1).push([at, value]);
    last = at;
  });
  return found;
}

function drawing(lines, axis, time) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${time.count - 1} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  const y = (value) => (100 - (100 * (Math.min(axis.high, Math.max(axis.low, value)) - axis.low)) / (axis.high - axis.low)).toFixed(2);
  const add = (name, d) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", d);
    svg.append(path);
  };
  add("grid", axis.ticks.map((tick) => `M0 ${y(tick)}H${time.count - 1}`).join(""));
  for (const { values, look } of [...lines].reverse()) {
    const parts = runs(values, time.bridge).map((run) => run.map(([at, value]) => `${at} ${y(value)}`));
    const ends = (part) => [part[0], part.at(-1)].map((point) => point.split(" ")[0]);
    if (lines.length === 1) add("area", parts.map((part) => `M${ends(part)[0]} 100L${part.join("L")}L${ends(part)[1]} 100Z`).join(""));
    // A run of one value is a dot: a line without length has round ends.
    add(`line look-${look % LOOKS}`, parts.map((part) => `M${part[0]}h0L${part.join("L")}`).join(""));
  }
  return svg;
}

// ---------------------------------------------------------------- a chart

// Return a chart: {element, draw(lines, time, gaps), point(at)}. `lines` are {name, look, values}, `time` is {start, step,
// count, bridge}, `gaps` are {from, to, look}. `scale(values)` gives the axis, `format(value)` writes a value,
// `onPoint(at)` is called when the visitor points at value number `at`, or at nothing (null).
export function chart({ title, scale, format, onPoint }) {
  const keys = make("span", { class: "keys" });
  const plot = make("div", { class: "plot", dir: "ltr", role: "slider", tabindex: 0, "aria-label": title, "aria-valuemin": 0 });
  const element = make("figure", { class: "chart" }, make("figcaption", {}, make("span", { class: "measure" }, title), keys), plot);
  let shown = { lines: [], time: { start: 0, step: 1, count: 2, bridge: 1 }, axis: percent() };
  let pointed = null;

  function draw(lines, time, gaps) {
    const known = lines.flatMap((line) => line.values.filter((value) => value != null));
    const axis = scale(known);
    shown = { lines, time, axis };
    element.hidden = !known.length;
    element.classList.toggle("compared", lines.length > 1);
    const field = make("div", { class: "field" }, ...gaps.map(gap), drawing(lines, axis, time), ...pointers(lines));
    const { found, length } = moments(time);
    const below = found.map((at) => label("tick-x", (at - time.start) / length, clock.format(new Date(at * 1000))));
    const beside = axis.ticks.map((tick) => label("tick-y", (tick - axis.low) / (axis.high - axis.low), format(tick)));
    plot.replaceChildren(field, ...beside, ...below);
    plot.setAttribute("aria-valuemax", time.count - 1);
    keys.replaceChildren(...lines.map((line) => make("span", { class: `key look-${line.look % LOOKS}` }, line.name, " ", make("b"))));
    point(pointed == null ? null : Math.min(pointed, time.count - 1));
  }

  // Nothing pointed at shows what is newest.
  function point(at) {
    pointed = at;
    const { lines, time, axis } = shown;
    const here = at ?? time.count - 1;
    plot.classList.toggle("pointed", at != null);
    plot.style.setProperty("--at", here / (time.count - 1));
    const words = lines.map((line, number) => {
      const value = at == null ? line.values.findLast((one) => one != null) : nearest(line.values, here, time.bridge);
      const text = value == null ? "–" : format(value);
      const dot = plot.querySelectorAll(".dot")[number];
      dot.hidden = value == null;
      dot.style.setProperty("--high", ((value ?? 0) - axis.low) / (axis.high - axis.low));
      say(keys.children[number].querySelector("b"), text);
      return `${line.name} ${text}`;
    });
    plot.setAttribute("aria-valuenow", here);
    plot.setAttribute("aria-valuetext", `${moment(time, here)}: ${words.join(", ")}`);
  }

  plot.addEventListener("pointermove", (event) => {
    const box = plot.querySelector(".field").getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    onPoint(Math.round(Math.min(1, Math.max(0, part)) * (shown.time.count - 1)));
  });
  plot.addEventListener("pointerleave", () => document.activeElement === plot || onPoint(null));
  plot.addEventListener("blur", () => onPoint(null));
  plot.addEventListener("keydown", (event) => {
    const most = shown.time.count - 1;
    const from = pointed ?? most;
    const leap = Math.round(most / 10);
    const to = {
      ArrowLeft: from - (event.shiftKey ? leap : 1),
      ArrowRight: from + (event.shiftKey ? leap : 1),
      PageDown: from - leap,
      PageUp: from + leap,
      Home: 0,
      End: most,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onPoint(Math.min(most, Math.max(0, to)));
  });
  return { element, draw, point };
}

function nearest(values, at, bridge) {
  for (let away = 0; away < bridge; away++) {
    const value = values[at - away] ?? values[at + away];
    if (value != null) return value;
  }
  return null;
}

function label(name, at, text) {
  const element = make("span", { class: name, "aria-hidden": "true" }, text);
  element.style.setProperty("--at", at);
  return element;
}

function gap({ from, to, look }) {
  const element = make("div", { class: `gap look-${look % LOOKS}` });
  element.style.setProperty("--from", from);
  element.style.setProperty("--to", to);
  return element;
}

const pointers = (lines) => [make("div", { class: "cursor" }), ...lines.map((line) => make("div", { class: `dot look-${line.look % LOOKS}`, hidden: true }))];
