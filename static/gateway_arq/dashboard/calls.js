// Which calls are in progress, the carrier's and the switchboards' together: what is known of them, without the page.

const SETTLED_S = 3; // a switchboard's state is stored at most this long after its event

export class Calls {
  #drawn = new Map(); // by key: the call as it was given to be drawn last
  #news = new Map(); // by key: the call of the last update, null when it is over; not drawn yet
  #pbx = new Map(); // by key: {call, changedAt}: the switchboards' calls of the last update
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
    for (const call of rows) {
      this.#drawn.set(call.key, call);
      if (call.source === "pbx") this.#pbx.set(call.key, { call, changedAt: 0 });
    }
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

  /** A channel of a switchboard, from its event; the channels of one `linkedid` are one call. */
  onChannel(event) {
    const linkedid = event.linkedid || event.uniqueid;
    const key = `${event.server}:${linkedid}`;
    if (event.event === "Hangup") {
      this.#hangUp(event, key);
    } else if (event.event === "Newchannel" || this.#pbx.has(key)) {
      const known = this.#pbx.get(key)?.call;
      const call = { ...(known ?? newPbxCall(key, event)) };
      call.channels = { ...call.channels, [event.uniqueid]: event.channel };
      if (event.uniqueid === linkedid) {
        call.line ||= event.exten; // what was dialled: later the channel stands anywhere in the dialplan
        call.caller ||= event.calleridnum;
        if (event.state === "Up") call.state = "Pending";
      }
      this.#updatePbx(key, call, linkedid);
    }
  }

  #hangUp(event, key) {
    const known = this.#pbx.get(key);
    if (!known) return;
    const { [event.uniqueid]: gone, ...channels } = known.call.channels;
    if (gone === undefined) return;
    if (Object.keys(channels).length) this.#updatePbx(key, { ...known.call, channels }, event.linkedid);
    else this.#endPbx(key);
  }

  #updatePbx(key, call, linkedid) {
    const others = Object.entries(call.channels).filter(([uniqueid]) => uniqueid !== linkedid);
    call.operator = [...new Set(others.map(([, name]) => peer(name)))].sort().join(", ");
    this.#pbx.set(key, { call, changedAt: this.#now() });
    this.#update(key, call);
  }

  #endPbx(key) {
    this.#pbx.delete(key);
    this.#update(key, null);
  }

  /**
   * What the server has stored of the switchboards' calls. It is some moments behind the events, so it counts only
   * for calls that have been quiet for longer: those it lacks are over, those it alone has were missed.
   */
  reconcile(calls) {
    const stored = new Set(calls.map(({ key }) => key));
    const settled = this.#now() - SETTLED_S;
    for (const [key, { changedAt }] of this.#pbx) if (!stored.has(key) && changedAt < settled) this.#endPbx(key);
    for (const call of calls) {
      const known = this.#pbx.get(call.key);
      if (known ? known.changedAt < settled : call.started < settled) this.#applyStored(call);
    }
  }

  #applyStored(call) {
    const same = JSON.stringify(this.#pbx.get(call.key)?.call) === JSON.stringify(call);
    if (same) return;
    this.#pbx.set(call.key, { call, changedAt: 0 });
    this.#update(call.key, call);
  }

  /** There are exactly these calls. */
  replace({ rows, beyond }) {
    this.#beyond = beyond;
    const wanted = new Set(rows.map(({ key }) => key));
    const known = [...this.#drawn.keys(), ...this.#news.keys()];
    for (const key of known) if (!wanted.has(key)) this.#update(key, null);
    this.#pbx.clear();
    for (const call of rows) {
      if (call.source === "pbx") this.#pbx.set(call.key, { call, changedAt: 0 });
      this.#update(call.key, call);
    }
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

function newPbxCall(key, { exten, calleridnum, timestamp }) {
  return {
    key, source: "pbx", line: exten, tag: "PBX", caller: calleridnum, operator: "", state: "Ringing",
    started: timestamp, cost: null, revision: 0, channels: {},
  };
}

/** "PJSIP/201-0000002a" is "201". */
const peer = (channel) => channel.match(/\/(.*)-/)?.[1] ?? channel;

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

/** Whether the text that somebody searches for is in one of these. */
export function isFound(wanted, texts) {
  const needle = wanted.trim().toLowerCase();
  return texts.some((text) => text.toLowerCase().includes(needle));
}
