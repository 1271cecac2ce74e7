// The past of one or more hosts in a dialog: eight measures over five minutes, an hour or a day.

import { chart, moment, percent, round } from "./chart.js";
import { all, bytes, find, lab, list, locale, say, t } from "./portal.js";
import { make, sheet } from "./sheet.js";

// How many values a range has, seconds between them, how often to ask again, and values in a row of the table.
const RANGES = {
  "5m": { count: 300, step: 1, pace: 5_000, row: 10 },
  "1h": { count: 360, step: 10, pace: 10_000, row: 12 },
  "24h": { count: 1440, step: 60, pace: 60_000, row: 60 },
};
const TIMEOUT = 8_000;
const QUIET = 5; // seconds without a value that are no gap yet: other hosts are heard every two

const number = (options) => {
  const words = new Intl.NumberFormat(locale, options);
  return (value) => words.format(value);
};
const part = number({ style: "percent", maximumFractionDigits: 0 });
const degrees = number({ style: "unit", unit: "celsius", maximumFractionDigits: 0 });
const rate = { scale: (values) => round(values, { least: 1000 }), format: (value) => `${bytes(value)}/s` };
const share = { scale: percent, format: (value) => part(value / 100) };
const MEASURES = {
  cpu: share,
  memory: share,
  load: { scale: (values) => round(values), format: number({ maximumFractionDigits: 2 }) },
  celsius: { scale: (values) => round(values, { low: Math.floor(Math.min(...values) / 10) * 10, least: 10 }), format: degrees },
  rx: rate,
  tx: rate,
  read: rate,
  write: rate,
};

let range = "1h"; // kept from one opening to the next
let view = null;

// Open the dialog with the past of a host. Nothing runs, and no question is under way, once it is closed.
export function open(host) {
  if (view) return;
  const names = (lab.hosts ?? []).map((one) => one.name);
  const parts = sheet("history", t("history.title"), close);
  view = {
    ...parts,
    names: names.includes(host) ? names : [host, ...names],
    chosen: new Set([host]),
    asking: null,
    timer: 0,
    shown: [],
    charts: Object.entries(MEASURES).map(([name, measure]) => ({
      name,
      ...chart({ title: t(`history.${name}`), ...measure, onPoint: point }),
    })),
  };
  view.status = make("p", { class: "small", role: "status" }, t("history.waiting"));
  view.moment = make("output", { class: "moment" });
  view.gaps = make("p", { class: "small gaps", hidden: true });
  view.table = make("details", { class: "table", toggle: drawTables }, make("summary", {}, t("history.table")), make("div"));
  const charts = make("div", { class: "charts" }, ...view.charts.map((one) => one.element));
  const bar = make("div", { class: "bar-of-choices" }, ranges(), hosts(), view.moment);
  view.body.append(bar, charts, view.gaps, view.status, make("p", { class: "small" }, t("history.keys")), view.table);
  for (const one of view.charts) one.element.hidden = true;
  document.addEventListener("visibilitychange", wake);
  load();
}

function close() {
  clearTimeout(view.timer);
  view.asking?.abort();
  document.removeEventListener("visibilitychange", wake);
  view = null;
}

// ---------------------------------------------------------------- what to show

function ranges() {
  const radio = (name) => {
    const choose = () => {
      range = name;
      load();
    };
    return make("label", {}, make("input", { type: "radio", name: "range", value: name, checked: name === range, autofocus: name === range, change: choose }), make("span", {}, t(`history.${name}`)));
  };
  return make("fieldset", { class: "segments" }, make("legend", { class: "unseen" }, t("history.range")), ...Object.keys(RANGES).map(radio));
}

// At least one host stays chosen. A host keeps its colour, whichever others are shown.
function hosts() {
  const button = (name, look) => {
    const choose = () => {
      if (!view.chosen.delete(name)) view.chosen.add(name);
      if (!view.chosen.size) view.chosen.add(name);
      for (const one of all("button", box)) one.setAttribute("aria-pressed", view.chosen.has(one.dataset.name));
      load();
    };
    return make("button", { type: "button", class: `key look-${look % 4}`, "data-name": name, "aria-pressed": String(view.chosen.has(name)), click: choose }, name);
  };
  const box = make("div", { class: "hosts-shown", role: "group", "aria-label": t("history.hosts") }, ...view.names.map(button));
  return box;
}

// ---------------------------------------------------------------- figures

async function load() {
  clearTimeout(view.timer);
  view.asking?.abort();
  const mine = (view.asking = new AbortController());
  view.dialog.setAttribute("aria-busy", "true");
  const asked = range;
  const names = view.names.filter((name) => view.chosen.has(name));
  const pasts = await Promise.all(names.map((name) => ask(name, asked, mine.signal)));
  if (mine.signal.aborted) return;
  view.dialog.removeAttribute("aria-busy");
  const known = pasts.filter((past) => past.columns);
  if (known.length) draw(known, asked);
  const silent = names.filter((_, at) => !pasts[at].columns);
  say(view.status, silent.length ? t(pasts.some((past) => past.signedOut) ? "fresh.signed-out" : "history.silent", { hosts: list(silent) }) : "");
  view.timer = setTimeout(load, RANGES[asked].pace);
  if (document.hidden) clearTimeout(view.timer);
}

function wake() {
  clearTimeout(view.timer);
  if (!document.hidden) load();
}

async function ask(host, asked, signal) {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
  try {
    const answer = await fetch(`/api/v1/history?${new URLSearchParams({ host, range: asked })}`, { signal: limit, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return { signedOut: true };
    return answer.ok ? checked(host, await answer.json()) : {};
  } catch {
    return {}; // no answer, or no JSON: the same to a visitor
  }
}

// Take what is known of an answer, bounded.
function checked(host, { start, step, columns }) {
  if (!(step > 0) || !Number.isFinite(start) || typeof columns !== "object") return {};
  const most = Math.max(...Object.values(RANGES).map((one) => one.count));
  const column = (name) => (Array.isArray(columns?.[name]) ? columns[name].slice(0, most) : []).map((value) => (Number.isFinite(value) ? value : null));
  return { host, start, step, columns: Object.fromEntries(Object.keys(MEASURES).map((name) => [name, column(name)])) };
}

// Hosts may begin at different moments: all are put onto one axis, which ends where the newest does.
function draw(pasts, asked) {
  const { count, step } = RANGES[asked];
  const length = (past) => Math.max(...Object.values(past.columns).map((column) => column.length));
  const end = Math.max(...pasts.map((past) => past.start + length(past) * past.step));
  const time = { start: end - count * step, step, count, bridge: Math.max(1, QUIET / step) };
  view.time = time;
  view.shown = pasts.map((past) => {
    const first = Math.round((past.start - time.start) / step);
    const columns = Object.entries(past.columns).map(([name, column]) => [name, Array.from({ length: count }, (_, at) => column[at - first] ?? null)]);
    return { name: past.host, look: view.names.indexOf(past.host), columns: Object.fromEntries(columns) };
  });
  const gaps = view.shown.flatMap((host) => silences(host, time).map(([from, to]) => ({ from: from / count, to: to / count, look: host.look })));
  for (const one of view.charts) one.draw(view.shown.map((host) => ({ ...host, values: host.columns[one.name] })), time, gaps);
  drawGaps(time);
  drawTables();
  point(view.pointed ?? null);
}

// Spans [from, to) in which no measure of a host is known.
function silences(host, { count, bridge }) {
  const columns = Object.values(host.columns);
  const known = Array.from({ length: count }, (_, at) => columns.some((column) => column[at] != null));
  const found = [];
  for (let from = 0; from < count; from++) {
    if (known[from]) continue;
    let to = from;
    while (to < count && !known[to]) to++;
    if (to - from >= bridge) found.push([from, to]);
    from = to;
  }
  return found;
}

function drawGaps(time) {
  const words = view.shown.flatMap((host) => {
    const spans = silences(host, time).map(([from, to]) => `${moment(time, from)}–${moment(time, to)}`);
    const shown = spans.slice(-3).join(", ");
    return spans.length ? t("history.gaps", { host: host.name, spans: spans.length > 3 ? `… ${shown}` : shown }) : [];
  });
  say(view.gaps, words.join(" "));
  view.gaps.hidden = !words.length;
}

function point(at) {
  view.pointed = at;
  for (const one of view.charts) one.point(at);
  say(view.moment, view.time ? moment(view.time, at ?? view.time.count - 1) : "");
}

// ---------------------------------------------------------------- table

// Means of a few values each, newest first: the same figures for who cannot see lines.
function drawTables() {
  if (!view.table.open || !view.time) return;
  const measures = Object.keys(MEASURES).filter((name) => view.shown.some((host) => host.columns[name].some((value) => value != null)));
  const box = find("div", view.table);
  const places = all(".scroller", box).map((one) => one.scrollLeft);
  box.replaceChildren(...view.shown.map((host) => table(host, measures)));
  all(".scroller", box).forEach((one, at) => (one.scrollLeft = places[at] ?? 0));
}

function table(host, measures) {
  const { count } = view.time;
  const { row } = RANGES[range];
  const rows = [];
  for (let to = count; to > 0; to -= row) {
    const cells = measures.map((name) => {
      const values = host.columns[name].slice(Math.max(0, to - row), to).filter((value) => value != null);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return make("td", {}, values.length ? MEASURES[name].format(mean) : "–");
    });
    rows.push(make("tr", {}, make("th", { scope: "row" }, moment(view.time, Math.max(0, to - row))), ...cells));
  }
  const heads = ["time", ...measures].map((name) => make("th", { scope: "col" }, t(`history.${name}`)));
  const caption = make("caption", {}, t("history.caption", { host: host.name }));
  const figures = make("table", {}, caption, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
  return make("div", { class: "scroller", role: "region", tabindex: 0, "aria-label": caption.textContent }, figures);
}
