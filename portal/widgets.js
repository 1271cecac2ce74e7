// Own widgets of the lab's owner. Name them in abbey.yaml; each is one ES module and gets a panel of its own:
//
//     // own/clock.js
//     export default {
//       title: "Clock",
//       start(element, { lab, onLab, t, language }) {
//         const time = document.createElement("p");
//         element.append(time);
//         const words = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
//         onLab((lab) => (time.textContent = `${words.format(lab.at * 1000)}, ${lab.hosts.length} hosts`));
//       },
//     };
//
// `element`        an empty <div> of the panel; a widget stays inside it.
// `lab()`          a copy of what the page knows: LabFigures of the API's openapi.json.
// `onLab(listen)`  calls listen(copy) now and with all that comes, about once per second.
// `t(key, words)`  the portal's own words; `language` is the visitor's form of the page's language ("en-GB").
//
// `start` may be async. The policy of the page holds for widgets too: scripts, styles, pictures and connections are the
// lab's own, and there are no style attributes (element.style.setProperty works). Text from outside is set as
// textContent. What a widget throws, a module that is missing, or that does not load in time, shows as one line in its
// panel; the page and the other widgets go on.

import { find, lab, locale, t } from "./portal.js";
import { make } from "./sheet.js";

const PATIENCE = 10_000; // milliseconds to load and to start
const MOST = 12;
const LONGEST = 160; // characters of an error

// Start the widgets at these addresses, each in its panel in `#own`.
export function start(urls) {
  const section = find("#own");
  if (!section || !urls.length) return;
  section.hidden = false;
  for (const url of urls.slice(0, MOST)) run(url, section);
}

async function run(url, section) {
  const name = decodeURI(url.split("/").at(-1)).replace(/\.m?js$/, "");
  const heading = make("h3", {}, name);
  const element = make("div", { class: "widget-body" });
  const panel = make("article", { class: "panel widget", "aria-label": name }, heading, element);
  section.append(panel);
  const stop = new AbortController();

  // The first fault ends a widget: its line stays, and it hears no more.
  const fail = (error) => {
    if (stop.signal.aborted) return;
    stop.abort();
    const why = String(error?.message || error || "").slice(0, LONGEST);
    element.replaceChildren(make("p", { class: "small widget-fault", role: "status" }, t("widgets.fault", { why })));
  };

  try {
    const widget = (await inTime(import(url))).default;
    if (typeof widget?.start !== "function") throw new TypeError(t("widgets.no-start"));
    if (stop.signal.aborted) return;
    if (typeof widget.title === "string" && widget.title) heading.textContent = widget.title;
    panel.setAttribute("aria-label", heading.textContent);
    await inTime(widget.start(element, { lab: copy, onLab: (listen) => hear(listen, stop.signal, fail), t, language: locale }));
  } catch (error) {
    fail(error);
  }
}

// Widgets get copies, so that none can change what the page or another one reads.
const copy = () => structuredClone(lab);

function hear(listen, signal, fail) {
  const call = async () => {
    try {
      await listen(copy());
    } catch (error) {
      fail(error);
    }
  };
  document.addEventListener("abbey:lab", call, { signal });
  call();
}

function inTime(promise) {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error(t("widgets.late"))), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
