// Whether what is shown is live: one word in the header, and a banner when it has not been for a while.

import { moment } from "./format.js";
import { byId } from "./live.js";

const STALE_AFTER_MS = 5_000;
const LOGGED_OUT = new Set([4401, 4403]); // close codes for a caller who is not logged in

export class Link {
  #offline = new Set(); // the sockets that are not connected
  #lostAt = Date.now();

  get isLive() {
    return this.#offline.size === 0;
  }

  expect(path) {
    this.#offline.add(path);
  }

  live(path) {
    this.#offline.delete(path);
    if (!this.isLive) return;
    document.body.dataset.link = "live";
    byId("stale").hidden = true;
  }

  lost(path, code) {
    if (this.isLive) this.#lostAt = Date.now();
    this.#offline.add(path);
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
