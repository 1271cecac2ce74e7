// Follows the lab: a stream of events where one gets through, polling where none does.

const STREAM = "/api/v1/stream";
const LAB = "/api/v1/lab";
const SILENCE = 5_000; // a stream that is quiet this long is held up somewhere
const POLL = 2_000;
const POLL_TIMEOUT = 4_000;
const FIRST_RETRY = 1_000;
const LAST_RETRY = 30_000;

// Call onLab(document, how) for each new document; how is "live" or "polling". Call onTrouble(what) when there is
// none to be had: "silent" (no answer), or "signed-out". Nothing runs while the page is hidden.
export function follow(onLab, onTrouble) {
  let source = null;
  let polling = null; // an AbortController while polling
  let watchdog = 0;
  let retry = 0;
  let delay = FIRST_RETRY;

  function openStream() {
    clearTimeout(retry);
    source?.close();
    const mine = new EventSource(STREAM);
    source = mine;
    mine.addEventListener("lab", (event) => {
      const lab = parse(event.data);
      if (!lab || mine !== source) return;
      stopPolling();
      delay = FIRST_RETRY;
      watch();
      onLab(lab, "live");
    });
    // The browser repairs a broken connection itself, but never an answer that was not a stream (a 502, a login).
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
    while (!mine.signal.aborted) {
      const answer = await ask(mine.signal);
      if (mine.signal.aborted) return;
      if (answer.lab) onLab(answer.lab, "polling");
      else onTrouble(answer.trouble);
      await new Promise((resolve) => setTimeout(resolve, POLL));
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
    const lab = answer.ok ? parse(await answer.text()) : null;
    return lab ? { lab } : { trouble: "silent" };
  } catch {
    return { trouble: "silent" };
  }
}

function parse(text) {
  try {
    const lab = JSON.parse(text);
    return Array.isArray(lab?.hosts) ? lab : null;
  } catch {
    return null;
  }
}
