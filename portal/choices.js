// What a person chose: favourites, the order of tiles and groups, theme and language. Kept in this browser under the
// person's name, and by the lab for everybody who signs in; of two versions the later one holds.

import { all, find, t } from "./portal.js";
import { make } from "./sheet.js";

const ME = "/api/v1/me";
const PREFERENCES = "/api/v1/me/preferences";
const LAST = "abbey:person"; // who was here last, so that nobody is shown what another chose
const TIMEOUT = 6_000;
const REST = 800; // milliseconds of quiet before what changed is sent
const FIRST_RETRY = 5_000;
const LAST_RETRY = 300_000;
const MOST = 500; // names in a list
const YEAR = 31_536_000;

const nothing = { at: 0, favourites: [], order: [], theme: "", language: "" };
let person = null; // null until it is known who this is; "" is a visitor without a login
let sure = false; // the lab itself said so
let choices = nothing;
let kept = 0; // the `at` that the lab has
let sending = false;
let timer = 0;
let retry = FIRST_RETRY;
let started = false;
let early = null; // what was changed before it was known whose it is

// Learn who this is, show what they chose, and listen to their stars. Called after the first figures.
export function start() {
  if (started) return;
  started = true;
  document.addEventListener("click", (event) => {
    const star = event.target.closest?.(".star");
    if (star && person !== null) toggle(star);
  });
  addEventListener("storage", (event) => {
    if (person !== null && event.key === place()) adopt(parse(event.newValue));
    if (event.key === LAST && person !== null && event.newValue !== person) location.reload();
  });
  addEventListener("online", soon);
  learn();
}

// The name of whoever the lab says is here, "" for a visitor without a login; null until it said so.
export const who = () => (sure ? person : null);

// Change some of what was chosen: {favourites, order, theme, language}. It shows at once, here and in other tabs.
export function choose(changes) {
  const at = Math.max(Date.now() / 1000, choices.at + 0.001);
  take({ ...choices, ...changes, at });
  if (person === null) early = { ...early, ...changes };
  else store();
  soon();
}

// Keep a word for the server that makes the page: `theme` or `lang`. An empty one is forgotten.
export function cookie(name, value) {
  const age = value ? YEAR : 0;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${age}; samesite=lax${secure}`;
}

// ---------------------------------------------------------------- who

const place = () => `abbey:choices:${person}`;

async function learn() {
  const answer = await ask(ME);
  if (!answer.body) {
    // A page that was kept for offline use belongs to whoever was here last; any other may be somebody else's.
    if (person === null && document.documentElement.dataset.kept) be(recall(LAST) ?? "");
    if (answer.signedOut) tell(null);
    else timer = setTimeout(learn, delay());
    return;
  }
  const me = answer.body;
  const name = nameOf(me);
  const before = recall(LAST);
  if (before && before !== name) for (const word of ["theme", "lang"]) cookie(word, "");
  retry = FIRST_RETRY;
  sure = true;
  const theirs = checked(me.preferences);
  kept = theirs.at;
  be(name, theirs);
  tell(me);
  soon();
}

const nameOf = (me) => (me.known && typeof me.name === "string" ? me.name : "");

function be(name, theirs = nothing) {
  person = name;
  remember(LAST, name);
  take(checked(parse(recall(place()))));
  adopt(theirs);
  if (early) choose(early);
  early = null;
  document.documentElement.classList.add("personal");
}

// Other modules hear who this is: `detail` is what /api/v1/me says, or null for somebody who is signed out.
const tell = (me) => document.dispatchEvent(new CustomEvent("abbey:me", { detail: me }));

// ---------------------------------------------------------------- keep and send

function adopt(found) {
  const next = checked(found);
  if (next.at <= choices.at) return;
  take(next);
  store();
}

const store = () => remember(place(), JSON.stringify(choices));

function take(next) {
  const { theme, language } = choices;
  choices = next;
  if (next.theme !== theme) showTheme(next.theme);
  if (next.language !== language) cookie("lang", next.language);
  arrange();
}

// Show a theme at once, and let the server begin with it next time. With none, next time is the lab's own.
function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  cookie("theme", theme);
}

function soon() {
  clearTimeout(timer);
  if (!sure) timer = setTimeout(learn, REST);
  else if (person && choices.at > kept) timer = setTimeout(send, REST);
}

// The lab keeps it for whoever is signed in now, which since this page was loaded may have become somebody else.
async function send() {
  if (sending || choices.at <= kept) return;
  sending = true;
  const now = await ask(ME);
  const sent = choices;
  const same = now.body && nameOf(now.body) === person;
  const answer = same ? await ask(PREFERENCES, put(sent)) : now;
  sending = false;
  if (now.body && !same) location.reload();
  else if (answer.body) {
    retry = FIRST_RETRY;
    const theirs = checked(answer.body);
    kept = Math.max(sent.at, theirs.at);
    adopt(theirs);
    soon();
  } else if (answer.signedOut) tell(null);
  else if (answer.refused) kept = sent.at; // asking again would be refused again; it stays in this browser
  else timer = setTimeout(send, delay());
}

const put = (body) => ({ method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

function delay() {
  retry = Math.min(retry * 2, LAST_RETRY);
  return (retry / 2) * (0.8 + 0.4 * Math.random());
}

async function ask(path, options = {}) {
  try {
    const answer = await fetch(path, { redirect: "manual", cache: "no-store", ...options, signal: AbortSignal.timeout(TIMEOUT) });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return { signedOut: true };
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return { refused: true };
    return answer.ok ? { body: await answer.json() } : {};
  } catch {
    return {}; // offline, or no answer in time
  }
}

// A browser may forbid storage; then choices last as long as the page.
function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch {
    return;
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function checked(found) {
  const names = (list) => [...new Set(Array.isArray(list) ? list.filter((name) => typeof name === "string").slice(0, MOST) : [])];
  const word = (text) => (/^[a-z0-9-]{1,32}$/.test(text ?? "") ? text : "");
  const { at, favourites, order, theme, language } = found ?? {};
  return { at: Number.isFinite(at) ? at : 0, favourites: names(favourites), order: names(order), theme: word(theme), language: word(language) };
}

// ---------------------------------------------------------------- show

const home = new Map(); // of each tile's item: its own list and its place there, as the page came
const groups = []; // in the order in which the page came
let top = null;

const named = (item) => find(".tile", item)?.dataset.app ?? "";

function survey() {
  if (top) return;
  top = make("section", { id: "favourites", class: "group", "aria-labelledby": "favourites-heading" }, make("h2", { id: "favourites-heading" }, t("choices.favourites")), make("ul", { class: "tiles" }));
  groups.push(...all("#apps .group"));
  groups[0]?.before(top);
  for (const group of groups) for (const item of all(".tiles > li", group)) home.set(item, { list: item.parentElement, number: home.size });
}

// The groups with their apps' names as they stand, favourites in their own groups: for the settings.
export function order() {
  survey();
  return sorted().map(({ group, items }) => ({ name: find("h2", group)?.textContent ?? "", apps: items.map((item) => ({ name: named(item), title: find(".name", item)?.textContent ?? "" })) }));
}

// A group stands where the first of its apps stands; what was never ordered keeps its place behind what was.
function sorted() {
  const wanted = new Map(choices.order.map((name, at) => [name, at]));
  const rank = (item) => wanted.get(named(item)) ?? MOST + home.get(item).number;
  const found = groups.map((group) => ({ group, items: [...home.keys()].filter((item) => group.contains(home.get(item).list)).sort((one, other) => rank(one) - rank(other)) }));
  const first = ({ items }) => Math.min(...items.map(rank));
  return found.sort((one, other) => first(one) - first(other));
}

function arrange() {
  survey();
  const starred = new Map(choices.favourites.map((name, at) => [name, at]));
  const found = sorted();
  const chosen = [...home.keys()].filter((item) => starred.has(named(item))).sort((one, other) => starred.get(named(one)) - starred.get(named(other)));
  fill(find(".tiles", top), chosen);
  for (const { group, items } of found) fill(find(".tiles", group), items.filter((item) => !starred.has(named(item))));
  inOrder(found.map(({ group }) => group));
  for (const group of [top, ...groups]) group.hidden = !find("li:not([hidden])", group);
  for (const item of home.keys()) mark(item, starred.has(named(item)));
}

// Only what stands elsewhere is moved, so that the focus and what is pointed at stay.
function fill(list, items) {
  items.forEach((item, at) => list.children[at] === item || list.insertBefore(item, list.children[at] ?? null));
}

function inOrder(wanted) {
  let before = top;
  for (const group of wanted) {
    if (before.nextElementSibling !== group) before.after(group);
    before = group;
  }
}

function mark(item, pressed) {
  find(".star", item)?.setAttribute("aria-pressed", String(pressed));
}

function toggle(star) {
  const name = named(star.closest("li"));
  const { favourites } = choices;
  choose({ favourites: favourites.includes(name) ? favourites.filter((one) => one !== name) : [...favourites, name] });
  star.focus({ preventScroll: true }); // an element that moves loses it
}
