// Stand-ins for what a browser has and Node.js lacks, as far as the scripts need it.

const SCRIPTS = new URL("../../static/gateway_arq/dashboard/", import.meta.url);
const FRAME_MS = 16;
let loads = 0;

/** A fresh copy of a script; what it imports is shared. */
export const load = (name) => import(`${new URL(name, SCRIPTS)}?${++loads}`);

/** Makes a page with its data and elements by id. To be called once, before a script is loaded. */
export function openPage({ lang = "it", languages = [lang], live = {}, elements = {} } = {}) {
  const pageData = {
    state: {}, addresses: {}, ended: [], atWork: [], csrf: "", timeZone: "Europe/Rome", now: Date.now() / 1000,
    words: { groups: {}, texts: {} }, ...live,
  };
  const page = new EventTarget();
  Object.assign(page, {
    hidden: false,
    body: { dataset: {} },
    documentElement: { lang },
    getElementById: (id) => (id === "live" ? { textContent: JSON.stringify(pageData) } : (elements[id] ?? null)),
  });
  globalThis.document = page;
  Object.defineProperty(globalThis, "navigator", { value: { languages }, configurable: true });
  return page;
}

/** A clock that only the test moves: for dates, timers and frames. */
export class Clock {
  #now;
  #timers = new Map(); // by id: {at, run}
  #last = 0;

  constructor(now = Date.parse("2026-03-10T12:00:00+01:00")) {
    this.#now = now;
    const began = now;
    Date.now = () => this.#now;
    performance.now = () => this.#now - began;
    globalThis.setTimeout = (run, ms = 0) => this.#set(this.#now + ms, run);
    globalThis.clearTimeout = globalThis.cancelAnimationFrame = (id) => this.#timers.delete(id);
    globalThis.requestAnimationFrame = (run) =>
      this.#set(this.#now + FRAME_MS - ((this.#now - began) % FRAME_MS), () => run(performance.now()));
  }

  /** When the next timer is due, in milliseconds from now; null without any. */
  get next() {
    const times = [...this.#timers.values()].map(({ at }) => at);
    return times.length ? Math.min(...times) - this.#now : null;
  }

  /** Lets `ms` pass: what is due meanwhile happens in order. */
  async pass(ms) {
    const until = this.#now + ms;
    await settled();
    while (this.next !== null && this.#now + this.next <= until) {
      this.#now += this.next;
      const [id, { run }] = [...this.#timers].find(([, { at }]) => at === this.#now);
      this.#timers.delete(id);
      run();
      await settled();
    }
    this.#now = until;
  }

  #set(at, run) {
    this.#timers.set(++this.#last, { at, run });
    return this.#last;
  }
}

/** Resolves when all pending microtasks and immediates have run. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
