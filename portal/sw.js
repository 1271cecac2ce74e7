// Keeps the page for when the lab does not answer. The page itself comes from the lab whenever that is quick enough; its
// scripts and styles come from here while they are compared with the lab's by their tags, all together, so that no
// version meets files of another. The API and its stream never pass through here.
//
// What a person sees depends on who they are: all that was kept goes when the lab asks for a login, when somebody signs
// out, and (offline.js) when somebody else is here.

const KEPT = "abbey-kept";
const PAGE = new URL("/", location.href).href;
const SHELL = ["/style.css", "/portal.js", "/live.js", "/sheet.js", "/choices.js", "/offline.js", "/icon.svg"];
const STATIC = /^\/(?:own\/|icons\/)?[\w.-]+\.(?:css|js|svg|webmanifest|png|webp)$/;
const LEAVING = /(sign|log)[-_]?out/i; // as in offline.js
const PATIENCE = 3_000; // milliseconds that a visitor waits for the lab before a kept page is shown
const GRACE = 1_000; // and that a script waits for the comparison
const MOST = 80; // files
const LARGEST = 262_144; // bytes of one

let renewing = null;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(renew(SHELL).then(() => fetch(PAGE, { redirect: "manual", cache: "no-store" }).then(keepPage)));
});

addEventListener("activate", (event) => {
  const preload = registration.navigationPreload?.enable();
  event.waitUntil(Promise.all([clients.claim(), preload]));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (LEAVING.test(url.pathname)) event.waitUntil(forget());
    else if (url.pathname === "/") event.respondWith(page(event));
  } else if (STATIC.test(url.pathname) && url.pathname !== "/sw.js") {
    event.respondWith(file(event, url.pathname));
  }
});

const forget = () => caches.delete(KEPT);
const asksForLogin = (answer) => answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403;

// ---------------------------------------------------------------- the page

async function page(event) {
  const asked = askForPage(event);
  const kept = asked.then(keepPage).catch(() => {});
  event.waitUntil(kept);
  const answer = await Promise.race([asked.catch(() => null), rest(PATIENCE)]);
  if (answer && answer.status < 500) {
    if (answer.ok) event.waitUntil(renew());
    return answer;
  }
  const instead = await keptPage();
  if (!instead) return asked;
  event.waitUntil(asked.then((late) => kept.then(() => asksForLogin(late) && leave(event.resultingClientId))).catch(() => {}));
  return instead;
}

const askForPage = async (event) => (await event.preloadResponse) ?? fetch(event.request);

// A kept page is on show, and the lab now says that its visitor must sign in.
const leave = async (id) => (await clients.get(id))?.navigate(PAGE);

// Keep an answer with the moment it came, if it is the page; forget everything if it is a login.
async function keepPage(answer) {
  if (asksForLogin(answer)) return forget();
  const { headers } = answer;
  if (!answer.ok || answer.redirected || !headers.get("Content-Type")?.startsWith("text/html")) return;
  const copy = answer.clone();
  const text = await copy.text();
  const told = new Headers(headers);
  for (const name of ["Content-Encoding", "Content-Length", "Set-Cookie"]) told.delete(name);
  told.set("X-Abbey-Kept", String(Math.floor(Date.now() / 1000)));
  await (await caches.open(KEPT)).put(PAGE, new Response(text, { headers: told }));
}

// The kept page says since when: by an attribute that styles and scripts see, and by the script that tells it.
async function keptPage() {
  const kept = await (await caches.open(KEPT)).match(PAGE, { ignoreVary: true });
  if (!kept) return null;
  const at = Number(kept.headers.get("X-Abbey-Kept"));
  const script = '<script type="module" src="/offline.js"></script>';
  const text = (await kept.text()).replace("<html ", `<html data-kept="${at}" `).replace("</head>", `${script}</head>`);
  return new Response(text, { headers: kept.headers });
}

// ---------------------------------------------------------------- scripts, styles, icons

async function file(event, path) {
  if (renewing) await Promise.race([renewing, rest(GRACE)]);
  const kept = await (await caches.open(KEPT)).match(path, { ignoreVary: true, ignoreSearch: true });
  if (kept) return kept;
  const answer = await fetch(event.request);
  event.waitUntil(keepFile(path, answer.clone()));
  return answer;
}

async function keepFile(path, answer) {
  const cache = await caches.open(KEPT);
  if (fits(answer) && (await cache.keys()).length < MOST) await cache.put(path, answer);
}

const fits = (answer) => answer.ok && answer.type === "basic" && !answer.redirected && !(Number(answer.headers.get("Content-Length")) > LARGEST);

// Compare what is kept with the lab's, by tag; one comparison at a time. New files replace the old ones all at once.
function renew(paths = []) {
  renewing ??= compare(paths).finally(() => (renewing = null));
  return renewing;
}

async function compare(paths) {
  const cache = await caches.open(KEPT);
  const kept = (await cache.keys()).map((request) => new URL(request.url).pathname).filter((path) => STATIC.test(path));
  const answers = await Promise.all([...new Set([...paths, ...kept])].map(revalidate));
  if (answers.some(({ answer }) => answer && asksForLogin(answer))) return forget();
  if (answers.some(({ answer }) => !answer || answer.status >= 500)) return; // half a version is none
  const changes = answers.map(async ({ path, answer }) => {
    if (!fits(answer)) return cache.delete(path);
    const old = await cache.match(path, { ignoreVary: true });
    return old && tag(old) && tag(old) === tag(answer) ? undefined : cache.put(path, answer);
  });
  await Promise.all(changes);
}

const tag = (answer) => answer.headers.get("ETag") ?? answer.headers.get("Last-Modified");

// The browser's own cache asks with If-None-Match, so an unchanged file costs a 304.
async function revalidate(path) {
  const answer = await fetch(path, { cache: "no-cache", redirect: "manual" }).catch(() => null);
  return { path, answer };
}

const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds, null));
