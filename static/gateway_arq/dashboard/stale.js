// Whether what is shown is live: one word in the header, and a banner when it has not been for a while.

import { moment } from "./format.js";
import { byId } from "./live.js";

const STALE_AFTER_MS = 5_000;
const LOGGED_OUT = new Set([4401, 4403]); // how the server closes the socket of whoever it does not know

export class Link {
  #away = new Set(); // the sockets that are not there
  #lostAt = Date.now();

  get isLive() {
    return this.#away.size === 0;
  }

  expect(path) {
    this.#away.add(path);
  }

  live(path) {
    this.#away.delete(path);
    if (!this.isLive) return;
    document.body.dataset.link = "live";
    byId("stale").hidden = true;
  }

  lost(path, code) {
    if (this.isLive) this.#lostAt = Date.now();
    this.#away.add(path);
    document.body.dataset.link = "offline";
    byId("login").hidden = !LOGGED_OUT.has(code);
  }

  /** To be called every second. */
  tick() {
    if (this.isLive || Date.now() - this.#lostAt < STALE_AFTER_MS || !byId("stale").hidden) return;
    byId("stale-since").textContent = moment(this.#lostAt / 1000);
    byId("stale").hidden = false;
  }
}
