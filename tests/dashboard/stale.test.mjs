import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Clock, load, openPage } from "./stand_ins.mjs";

let clock = new Clock();
const stale = { hidden: true };
const since = { textContent: "" };
const login = { hidden: true };
const page = openPage({ elements: { stale, "stale-since": since, login } });
const { Link } = await load("stale.js");

let link;

beforeEach(() => {
  clock = new Clock();
  page.body.dataset.link = "connecting";
  stale.hidden = login.hidden = true;
  link = new Link();
  link.expect("/ws");
  link.expect("/jpbx-ws");
});

const shown = () => page.body.dataset.link;

async function after(seconds) {
  await clock.pass(seconds * 1000);
  link.tick();
}

test("it is live when every socket is", () => {
  assert.equal(link.isLive, false);
  link.live("/ws");
  assert.deepEqual([link.isLive, shown()], [false, "connecting"]);
  link.live("/jpbx-ws");
  assert.deepEqual([link.isLive, shown()], [true, "live"]);
  link.lost("/ws", 1006);
  assert.deepEqual([link.isLive, shown()], [false, "offline"]);
});

test("a banner says since when data are old, five seconds after the loss and until it is live again", async () => {
  link.live("/ws");
  link.live("/jpbx-ws");
  await after(60);
  assert.equal(stale.hidden, true);
  link.lost("/ws", 1006);
  await after(2);
  link.lost("/jpbx-ws", 1006); // the second one does not restart the time
  await after(2);
  assert.equal(stale.hidden, true);
  await after(1);
  assert.deepEqual([stale.hidden, since.textContent], [false, "12:01:00"]);
  await after(60);
  assert.equal(since.textContent, "12:01:00");
  link.live("/ws");
  assert.equal(stale.hidden, false);
  link.live("/jpbx-ws");
  assert.equal(stale.hidden, true);
});

test("a page that never connects has a banner, too", async () => {
  await after(5);
  assert.deepEqual([stale.hidden, since.textContent], [false, "12:00:00"]);
});

test("a login is offered after the session ended, not after a lost connection", () => {
  for (const [code, isOffered] of [[1006, false], [4401, true], [1006, false], [4403, true], [4500, false]]) {
    link.lost("/ws", code);
    assert.equal(login.hidden, !isOffered, code);
  }
});
