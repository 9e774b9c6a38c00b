// A WebSocket that comes back by itself and misses nothing.
//
// `position` is the last place in the server's log (epoch and seq) up to which everything is shown, or null
// when that is unknown. After every loss we ask for what came after it. When the server no longer has that,
// it says `resync`: then the state is loaded anew, and events that come meanwhile wait until it is shown.

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 30_000;
const RETRY_REFUSED_MS = 10_000;
const ASK_AFTER_MS = 15_000; // of silence
const GIVE_UP_AFTER_MS = 25_000;

export class LiveSocket {
  #path;
  #types;
  #position;
  #on;
  #socket = null;
  #retry = null;
  #failures = 0;
  #heardAt = 0;
  #held = null; // events that wait for the state
  #loads = 0;

  /**
   * `on.live(serverTime)`, `on.lost(code)`, `on.event(message)`, and for a resync `on.load()`, which
   * fetches the state, and `on.show(state)`, which replaces with it all that is shown.
   */
  constructor(path, types, position, on) {
    this.#path = path;
    this.#types = types;
    this.#position = position;
    this.#on = on;
  }

  connect() {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#address());
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#lose(code);
  }

  /** Connect at once instead of waiting for the next try. */
  hurry() {
    if (this.#socket === null) this.connect();
  }

  /** To be called every second: notices a connection that is open but dead. */
  tick() {
    const silence = Date.now() - this.#heardAt;
    if (this.#socket === null || silence < ASK_AFTER_MS) return;
    if (silence > GIVE_UP_AFTER_MS) {
      this.#socket.close();
      this.#lose(1006); // a dead peer does not answer the close either
    } else if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send('{"type":"ping"}');
    }
  }

  #address() {
    const address = new URL(this.#path, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("types", this.#types.join());
    address.searchParams.set("since", this.#position?.seq ?? 0); // 0 is always too long ago: resync
    if (this.#position) address.searchParams.set("epoch", this.#position.epoch);
    return address;
  }

  #hear(message) {
    this.#heardAt = Date.now();
    switch (message.type) {
      case "system":
        // Its seq is where the server starts, not yet what we know: a resync may follow.
        if (message.source) return this.#take(message); // about an upstream: an event like others
        this.#failures = 0;
        this.#on.live(message.timestamp);
        break;
      case "resync":
        this.#load(message);
        break;
      case "heartbeat":
        this.#reach(message);
        break;
      default:
        if ("seq" in message) this.#take(message);
    }
  }

  #take(message) {
    if (this.#held !== null) {
      this.#held.push(message);
    } else {
      this.#on.event(message);
      this.#reach(message);
    }
  }

  #reach({ epoch, seq }) {
    if (this.#held === null) this.#position = { epoch, seq };
  }

  async #load(resync) {
    const turn = ++this.#loads;
    this.#position = null;
    this.#held = [];
    const state = await this.#on.load().catch(() => null);
    if (turn !== this.#loads) return; // another resync or a lost connection came between
    if (state === null) {
      this.#socket.close(); // and so try again
      return;
    }
    this.#on.show(state);
    const held = this.#held;
    this.#held = null;
    this.#reach(resync);
    held.forEach((message) => this.#take(message));
  }

  #lose(code) {
    this.#socket = null;
    this.#held = null;
    this.#loads += 1;
    const longest = Math.min(RETRY_FIRST_MS * 2 ** this.#failures, RETRY_MOST_MS);
    const delay = longest * (0.5 + Math.random() / 2);
    const least = code >= 4400 && code < 4500 ? RETRY_REFUSED_MS : 0; // who asks at once is refused again
    this.#failures += 1;
    this.#retry = setTimeout(() => this.connect(), Math.max(delay, least));
    this.#on.lost(code);
  }
}
