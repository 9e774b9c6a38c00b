// Which calls are in progress, the carrier's and the switchboards' together: what is known of them, without the page.

const SETTLED_S = 3; // a switchboard's state is stored at most this long after its event

export class Calls {
  #drawn = new Map(); // by key: the call as it was given to be drawn last
  #news = new Map(); // by key: the call of the last update, null when it is over; not drawn yet
  #heard = new Map(); // by key: when the last event about a switchboard's call came; those of late
  #beyond;
  #ended;
  #now;
  #changed;

  /** What the page was drawn from. `ended`: states of calls that are over; `changed()` says that there are news. */
  constructor({ rows, beyond }, { ended, now, changed }) {
    this.#beyond = beyond;
    this.#ended = new Set(ended);
    this.#now = now;
    this.#changed = changed;
    for (const call of rows) this.#drawn.set(call.key, call);
  }

  /** How many there are, with those that did not fit into the page. */
  get count() {
    return this.#drawn.size + this.#beyond;
  }

  /** What is to be drawn, once: calls by key, null for those that are over. */
  takeNews() {
    const news = this.#news;
    this.#news = new Map();
    for (const [key, call] of news) {
      if (call === null) this.#drawn.delete(key);
      else this.#drawn.set(key, call);
    }
    return news;
  }

  /** A call of the carrier, from its event. */
  onCall(event) {
    const known = this.#news.get(event.id) ?? this.#drawn.get(event.id);
    if (known && event.revision < known.revision) return; // it comes late
    const over = this.#ended.has(event.state) || event.endedAt !== null;
    this.#update(event.id, over ? null : carrierCall(event));
  }

  /** A call of a switchboard, from its event. */
  onPbxCall(event) {
    this.#heard.set(event.key, this.#now());
    this.#update(event.key, event.ended ? null : pbxCall(event));
  }

  /**
   * What the server has stored of the switchboards' calls. It is some moments behind the events, so it counts only
   * for calls that have been quiet for longer: those it lacks are over, those it alone has were missed.
   */
  reconcile(calls) {
    const settled = this.#now() - SETTLED_S;
    for (const [key, at] of this.#heard) if (at < settled) this.#heard.delete(key);
    this.#replace("pbx", calls);
  }

  /** There are exactly these calls of a source, `webcom` or `pbx`, whatever its events said before. */
  replace(source, { rows, beyond }) {
    if (source === "webcom") this.#beyond = beyond;
    else this.#heard.clear();
    this.#replace(source, rows.filter((call) => call.source === source));
  }

  #replace(source, calls) {
    const wanted = new Map(calls.map((call) => [call.key, call]));
    const known = new Map([...this.#drawn, ...this.#news]);
    for (const [key, call] of known) if (call?.source === source && !wanted.has(key)) this.#correct(key, null);
    for (const [key, call] of wanted) if (!isSame(known.get(key), call)) this.#correct(key, call);
  }

  #correct(key, call) {
    if (!this.#heard.has(key)) this.#update(key, call);
  }

  #update(key, call) {
    this.#news.set(key, call);
    this.#changed();
  }
}

function carrierCall(event) {
  return {
    key: event.id,
    source: "webcom",
    line: event.lineNumber || event.called || event.lineID,
    tag: event.lineType,
    caller: event.caller,
    operator: event.callerOperator,
    state: event.state,
    started: event.timestamp,
    cost: event.cost,
    revision: event.revision,
  };
}

function pbxCall({ key, line, caller, operator, state, started }) {
  return { key, source: "pbx", line, tag: "PBX", caller, operator, state, started, cost: null, revision: 0 };
}

const isSame = (known, call) => Boolean(known) && Object.keys(call).every((name) => known[name] === call[name]);

/** The place of a call that began at `started` among `count` calls, newest first; `startOf(n)` is the nth one's. */
export function placeAmong(count, startOf, started) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(middle) > started) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The digits of a whole telephone number in any notation, without Italy's +39; "" where it is none. */
function digitsOf(text) {
  const number = text.replace(/[\s()./-]/g, "");
  return /^\+?\d{7,}$/.test(number) ? number.replace(/^(\+|00)(39)?/, "") : "";
}

/** Whether the text that somebody searches for is in one of these; a number in any notation. */
export function isFound(wanted, texts) {
  const needle = wanted.trim().toLowerCase();
  const digits = digitsOf(needle);
  return texts.some((text) => text.toLowerCase().includes(needle) || (digits && digitsOf(text).includes(digits)));
}
