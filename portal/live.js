// Follows the lab: a stream of events where one gets through, polling where none does. It remembers the last five
// minutes of each host.

const STREAM = "/api/v1/stream";
const LAB = "/api/v1/lab";
const SILENCE = 5_000; // a stream that is quiet this long is held up somewhere
const POLL = 2_000;
const SLOWEST_POLL = 10_000;
const POLL_TIMEOUT = 4_000;
const FIRST_RETRY = 1_000;
const LAST_RETRY = 30_000;

// Each event of the stream, and what its data must have to be taken.
const EVENTS = {
  past: ({ hosts }) => isObject(hosts),
  figures: ({ hosts }) => isListOfNamed(hosts),
  platform: ({ platforms }) => isListOfNamed(platforms),
  apps: ({ apps }) => isListOfNamed(apps) && apps.every((app) => isObject(app.hosts)),
  weather: ({ weather }) => weather === null || isObject(weather),
  forgejo: ({ forgejo }) => forgejo === null || isObject(forgejo),
};
const isObject = (value) => typeof value === "object" && value !== null;
const isListOfNamed = (list) => Array.isArray(list) && list.every((item) => typeof item?.name === "string");

// Call onNews(name, data, how) for each event, where polling gives one named "lab" with everything; how is "live" or
// "polling". Call onTrouble(what) when there is nothing to be had: "silent" (no answer), or "signed-out". Nothing runs
// while the page is hidden.
export function follow(onNews, onTrouble) {
  let source = null;
  let polling = null; // an AbortController while polling
  let watchdog = 0;
  let retry = 0;
  let delay = FIRST_RETRY;

  // The browser takes a cut stream up again by itself, and says how far it had come.
  function openStream() {
    clearTimeout(retry);
    source?.close();
    const mine = new EventSource(STREAM);
    source = mine;
    for (const [name, fits] of Object.entries(EVENTS)) {
      mine.addEventListener(name, (event) => {
        const data = parse(event.data, fits);
        if (!data || mine !== source) return;
        if (name === "past") remember(data.hosts);
        if (name === "figures") {
          data.hosts.forEach(extend);
          stopPolling();
          delay = FIRST_RETRY;
          watch();
        }
        onNews(name, data, "live");
      });
    }
    // It never repairs an answer that was not a stream (a 502, a login).
    mine.addEventListener("error", () => {
      if (mine === source && mine.readyState === EventSource.CLOSED) pollInstead();
    });
    watch();
  }

  function watch() {
    clearTimeout(watchdog);
    watchdog = setTimeout(pollInstead, SILENCE);
  }

  function pollInstead() {
    clearTimeout(watchdog);
    clearTimeout(retry);
    source?.close();
    source = null;
    startPolling();
    retry = setTimeout(openStream, delay * (0.8 + 0.4 * Math.random()));
    delay = Math.min(delay * 2, LAST_RETRY);
  }

  async function startPolling() {
    if (polling) return;
    const mine = new AbortController();
    polling = mine;
    let pause = POLL;
    while (!mine.signal.aborted) {
      const answer = await ask(mine.signal);
      if (mine.signal.aborted) return;
      if (answer.lab) {
        answer.lab.hosts.forEach(extend);
        onNews("lab", answer.lab, "polling");
      } else onTrouble(answer.trouble);
      pause = answer.lab ? POLL : Math.min(pause * 1.5, SLOWEST_POLL);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  function stopPolling() {
    polling?.abort();
    polling = null;
  }

  function stop() {
    clearTimeout(watchdog);
    clearTimeout(retry);
    source?.close();
    source = null;
    stopPolling();
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : openStream()));
  if (!document.hidden) openStream();
}

async function ask(signal) {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(POLL_TIMEOUT)]);
    const answer = await fetch(LAB, { signal: limit, redirect: "manual", cache: "no-cache" });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
      return { trouble: "signed-out" };
    }
    const lab = answer.ok ? parse(await answer.text(), EVENTS.figures) : null;
    return lab ? { lab } : { trouble: "silent" };
  } catch {
    return { trouble: "silent" };
  }
}

// What is no JSON, or not what it should be, counts as nothing.
function parse(text, fits) {
  try {
    const data = JSON.parse(text);
    return isObject(data) && fits(data) ? data : null;
  } catch {
    return null;
  }
}

// ---------------------------------------------------------------- the last five minutes

const MOST = 60; // values of a line
const STEP = 5; // seconds of each, where no event said otherwise

// By host: {start, step, length, columns}, of what events carried.
export const past = new Map();

// Take what a stream begins with: all of it, or, after a break, what was missed by the second.
function remember(hosts) {
  for (const [name, { start, step, columns }] of Object.entries(hosts)) {
    const names = Object.keys(columns ?? {}).filter((column) => Array.isArray(columns[column]));
    const length = Math.max(0, ...names.map((column) => columns[column].length));
    if (!(step > 0) || !Number.isFinite(start) || length > 1_000) continue;
    if (!past.has(name) || step >= STEP) past.delete(name);
    for (let at = 0; at < length; at++) {
      put(name, start + at * step, Object.fromEntries(names.map((column) => [column, columns[column][at]])), Math.max(step, STEP));
    }
  }
}

function extend({ name, figures }) {
  const { at, cpu, memory, network } = figures ?? {};
  if (Number.isFinite(at)) put(name, at, { cpu: cpu?.percent, memory: memory?.percent, rx: network?.rx, tx: network?.tx }, STEP);
}

// Add figures to the mean of the span that they fall into.
function put(name, at, figures, step) {
  let kept = past.get(name);
  const ahead = kept ? (at - kept.start) / kept.step - kept.length : 0;
  if (!kept || ahead > MOST) past.set(name, (kept = { start: at, step, length: 0, columns: {}, newest: 0, count: 0 }));
  if (at <= kept.newest) return;
  const place = Math.floor((at - kept.start) / kept.step);
  kept.count = place < kept.length ? kept.count + 1 : 1;
  kept.newest = at;
  kept.length = Math.max(kept.length, place + 1);
  for (const [column, value] of Object.entries(figures)) {
    const values = (kept.columns[column] ??= []);
    while (values.length < kept.length) values.push(null);
    if (Number.isFinite(value)) values[place] = values[place] == null ? value : values[place] + (value - values[place]) / kept.count;
  }
  while (kept.length > MOST) {
    for (const values of Object.values(kept.columns)) if (values.length >= kept.length) values.shift();
    kept.start += kept.step;
    kept.length--;
  }
}
