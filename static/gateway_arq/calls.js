// The table of calls in progress: one row per call id, newest first.

import { clock, euro, fill, say } from "./format.js";

const FLUSH_MS = 40; // at most 25 changes of the page per second; unlike animation frames, also in a hidden tab
const FADE_MS = 400; // as in dashboard.css
const NEW_MS = 1_500;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class CallTable {
  #body;
  #template;
  #states;
  #anonymous;
  #calls = new Map(); // by id: {row, revision, startedAt, text}
  #news = new Map(); // by id: the newest telling that is not shown yet
  #flushing = null;
  #needle = "";
  #changed;

  /** Takes over the rows that the server made; `changed()` is called when the number of rows may have. */
  constructor({ body, template, states, anonymous, changed }) {
    this.#body = body;
    this.#template = template;
    this.#states = states;
    this.#anonymous = anonymous;
    this.#changed = changed;
    for (const row of body.rows) this.#adopt(row);
  }

  get size() {
    return this.#calls.size;
  }

  /** How many calls the filter shows. */
  get matches() {
    return [...this.#calls.values()].filter(({ row }) => !row.hidden).length;
  }

  /** Take a call as an event or the API tells it; one older than what is known is ignored. */
  put(call) {
    const known = this.#news.get(call.id) ?? this.#calls.get(call.id);
    if (known && call.revision < known.revision) return;
    this.#news.set(call.id, call);
    this.#flushing ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  /** Show exactly these calls. */
  replace(calls) {
    this.#news.clear();
    const ids = new Set(calls.map(({ id }) => id));
    for (const id of [...this.#calls.keys()]) if (!ids.has(id)) this.#remove(id);
    for (const call of calls) this.#show(call);
    this.#changed();
  }

  /** Show only the calls that have `text` somewhere. */
  filter(text) {
    this.#needle = text.trim().toLowerCase();
    for (const known of this.#calls.values()) this.#sift(known);
    this.#changed();
  }

  /** Move the timers; `now` in seconds since 1970 by the server's clock. */
  tick(now) {
    for (const { elapsed, startedAt } of this.#calls.values()) say(elapsed, clock(now - startedAt));
  }

  #adopt(row) {
    const { id, revision, started } = row.dataset;
    const elapsed = row.querySelector("[data-field=elapsed]");
    const known = { row, elapsed, revision: Number(revision), startedAt: Number(started), text: "" };
    known.text = row.textContent.toLowerCase();
    this.#calls.set(id, known);
    return known;
  }

  #flush() {
    this.#flushing = null;
    for (const call of this.#news.values()) {
      if (this.#hasEnded(call)) this.#remove(call.id);
      else this.#show(call);
    }
    this.#news.clear();
    this.#changed();
  }

  #hasEnded(call) {
    return this.#states[call.state]?.ended ?? call.endedAt !== null;
  }

  #show(call) {
    const known = this.#calls.get(call.id) ?? this.#insert(call);
    known.revision = call.revision;
    fill(known.row, {
      line: call.lineNumber || call.called || call.lineID,
      lineType: call.lineType,
      caller: call.caller || this.#anonymous,
      operator: call.callerOperator,
      state: this.#states[call.state]?.label ?? call.state,
      cost: euro(call.cost),
    });
    known.text = known.row.textContent.toLowerCase();
    this.#sift(known);
  }

  #insert(call) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    row.dataset.id = call.id;
    row.dataset.started = call.timestamp;
    row.dataset.revision = call.revision;
    row.classList.add("new");
    setTimeout(() => row.classList.remove("new"), NEW_MS);
    this.#body.insertBefore(row, this.#body.rows[this.#placeOf(call.timestamp)] ?? null);
    return this.#adopt(row);
  }

  /** The index of the first row that began at `startedAt` or earlier. */
  #placeOf(startedAt) {
    const { rows } = this.#body;
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Number(rows[middle].dataset.started) > startedAt) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #remove(id) {
    const known = this.#calls.get(id);
    if (!known) return;
    this.#calls.delete(id);
    if (calm.matches || known.row.hidden || document.hidden) {
      known.row.remove();
    } else {
      known.row.classList.add("leaving");
      setTimeout(() => known.row.remove(), FADE_MS);
    }
  }

  #sift(known) {
    known.row.hidden = !known.text.includes(this.#needle);
  }
}
