// A WebSocket that reconnects by itself and misses nothing.
//
// `position` is the last place in the server's log (epoch and seq) up to which everything is shown, or null
// when that is unknown. After every loss we resume from there. When the server no longer has what followed,
// it says `resync`: then the state is loaded again, and events that come meanwhile wait until it is shown.

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 30_000;
const RETRY_REFUSED_MS = 10_000;
const PING_AFTER_MS = 15_000; // of silence
const GIVE_UP_AFTER_MS = 25_000;

export class LiveSocket {
  #path;
  #types;
  #position;
  #on;
  #socket = null;
  #retry = null;
  #failures = 0;
  #receivedAt = 0;
  #queue = null; // events that wait for the state
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
    this.#receivedAt = Date.now();
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#disconnect(code);
  }

  /** Connect at once instead of waiting for the next retry. */
  retryNow() {
    if (this.#socket === null) this.connect();
  }

  /** To be called every second: notices a connection that is open but dead. */
  tick() {
    const silence = Date.now() - this.#receivedAt;
    if (this.#socket === null || silence < PING_AFTER_MS) return;
    if (silence > GIVE_UP_AFTER_MS) {
      this.#socket.close();
      this.#disconnect(1006); // a dead peer does not complete the close handshake either
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

  #receive(message) {
    this.#receivedAt = Date.now();
    switch (message.type) {
      case "system":
        // Its seq is where the server starts, not yet what we know: a resync may follow.
        if (message.source) return this.#noteUpstream(message);
        this.#failures = 0;
        this.#on.live(message.timestamp);
        break;
      case "resync":
        this.#load(message);
        break;
      case "heartbeat":
        this.#advance(message);
        break;
      default:
        if ("seq" in message) this.#handle(message);
    }
  }

  #handle(message) {
    if (this.#queue !== null) {
      this.#queue.push(message);
    } else {
      this.#on.event(message);
      this.#advance(message);
    }
  }

  /** An event like others, and but for a loss the end of a gap: what happened meanwhile did not come. */
  #noteUpstream(message) {
    this.#handle(message);
    if (message.status !== "lost") this.#load(message);
  }

  #advance({ epoch, seq }) {
    if (this.#queue === null) this.#position = { epoch, seq };
  }

  async #load(resync) {
    const turn = ++this.#loads;
    this.#position = null;
    this.#queue = [];
    const state = await this.#on.load().catch(() => null);
    if (turn !== this.#loads) return; // another resync or a lost connection came between
    if (state === null) {
      this.#socket.close(); // and so try again
      return;
    }
    this.#on.show(state);
    const queued = this.#queue;
    this.#queue = null;
    this.#advance(resync);
    queued.forEach((message) => this.#handle(message));
  }

  #disconnect(code) {
    this.#socket = null;
    this.#queue = null;
    this.#loads += 1;
    const backoff = Math.min(RETRY_MIN_MS * 2 ** this.#failures, RETRY_MAX_MS);
    const delay = backoff * (0.5 + Math.random() / 2);
    const minimum = code >= 4400 && code < 4500 ? RETRY_REFUSED_MS : 0; // an immediate retry is refused again
    this.#failures += 1;
    this.#retry = setTimeout(() => this.connect(), Math.max(delay, minimum));
    this.#on.lost(code);
  }
}
