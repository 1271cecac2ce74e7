// Draws the weather, and what happened in Forgejo.

import { find, lab, say, t, when } from "./portal.js";

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
