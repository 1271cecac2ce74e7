// Makes the page installable and useful offline, together with sw.js: registers it, says when a kept page is shown, and
// forgets what was kept as soon as it is not this person's any more.

import { start as startChoices, who } from "./choices.js";
import { find, say, t, when } from "./portal.js";
import { make } from "./sheet.js";

const KEPT = "abbey-kept"; // of sw.js
const LEAVING = /(sign|log)[-_]?out/i; // as in sw.js

const kept = Number(document.documentElement.dataset.kept); // when, in a kept page
let started = false;

// Register the service worker, after the first figures; in a kept page it is called by itself.
export function start() {
  if (started || !("serviceWorker" in navigator)) return;
  started = true;
  navigator.serviceWorker.register("/sw.js").catch(() => {}); // a private window may forbid it: then nothing is kept
  document.addEventListener("abbey:me", ({ detail }) => (detail ? belong(who()) : forget()));
  if (who() !== null) belong(who());
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (link && LEAVING.test(link.pathname)) forget();
  });
}

// A page differs by who asks for it, so what was kept for somebody else goes.
async function belong(name) {
  const cache = await caches.open(KEPT);
  const note = new URL("/.person", location.href);
  const before = await (await cache.match(note))?.text();
  const another = before !== undefined && before !== name;
  if (another) await forget();
  await (await caches.open(KEPT)).put(note, new Response(name));
  if (another && kept) location.reload(); // the page on show is not this person's
}

const forget = () => caches.delete(KEPT);

// ---------------------------------------------------------------- a kept page

function tell() {
  const words = make("span", {}, t("offline.kept", { when: when(kept) }));
  const again = make("button", { type: "button", click: () => location.reload() }, t("offline.again"));
  const line = make("p", { id: "offline", role: "status" }, words, " ", again);
  find("#banner").before(line);
  document.addEventListener("abbey:lab", () => say(words, t("offline.back", { when: when(kept) })), { once: true });
}

if (kept) {
  start();
  startChoices();
  tell();
}
