import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Clock, load, openPage, settled } from "./stand_ins.mjs";

let clock = new Clock();
const page = openPage({ live: { state: { figures: "drawn" }, addresses: { figures: "/figures" } } });
const { state } = await import("../../static/gateway_arq/dashboard/live.js");

let figures; // the script
let requestedAt; // when, in milliseconds
let received;
let respond; // makes the response to the next request

beforeEach(async () => {
  clock = new Clock();
  const began = Date.now();
  page.hidden = false;
  [requestedAt, received] = [[], []];
  respond = async () => Response.json("read");
  globalThis.fetch = (path) => {
    assert.equal(path, "/figures");
    requestedAt.push(Date.now() - began);
    return respond();
  };
  figures = await load("figures.js");
  figures.onFigures(() => received.push(state.figures));
});

/** So many seconds of a page that is live. */
async function seconds(count) {
  for (let n = 0; n < count; n += 1) {
    await clock.pass(1000);
    figures.refresh();
    await settled();
  }
}

test("figures are read again every ten seconds", async () => {
  await seconds(25);
  assert.deepEqual(requestedAt, [10_000, 20_000]);
  assert.deepEqual(received, ["read", "read"]);
});

test("figures are read soon after an event that changes them, but not with every one", async () => {
  await seconds(5);
  figures.nudge();
  await seconds(1);
  assert.deepEqual(requestedAt, [6000]);
  for (let n = 0; n < 4; n += 1) {
    figures.nudge();
    await seconds(1);
  }
  assert.deepEqual(requestedAt, [6000, 8000, 10_000]);
  await seconds(9);
  assert.deepEqual(requestedAt, [6000, 8000, 10_000]);
  await seconds(1);
  assert.equal(requestedAt.at(-1), 20_000);
});

test("a hidden page requests nothing", async () => {
  page.hidden = true;
  figures.nudge();
  await seconds(30);
  assert.deepEqual(requestedAt, []);
  page.hidden = false;
  await seconds(1);
  assert.equal(requestedAt.length, 1);
});

test("figures that were overtaken by an event do not undo it, and are read again soon", async () => {
  let late;
  respond = () => new Promise((resolve) => (late = resolve));
  await seconds(10);
  state.figures = "as the event says";
  figures.touch();
  late(Response.json("before the event"));
  await settled();
  assert.deepEqual([state.figures, received], ["as the event says", []]);
  respond = async () => Response.json("after the event");
  await seconds(2);
  assert.deepEqual([state.figures, received], ["after the event", ["after the event"]]);
  assert.deepEqual(requestedAt, [10_000, 12_000]);
});

test("an event before the request does not outdate the response", async () => {
  figures.touch();
  await seconds(10);
  assert.deepEqual(received, ["read"]);
});

test("figures that could not be read are requested again soon", async () => {
  respond = async () => Response.json({ detail: "unavailable" }, { status: 503 });
  await seconds(12);
  respond = () => Promise.reject(new TypeError("fetch failed"));
  await seconds(2);
  assert.deepEqual([requestedAt, received], [[10_000, 12_000, 14_000], []]);
});

test("a failed response is an error with the server's reason, if it gave one", async () => {
  respond = async () => Response.json({ detail: "WebCom is unavailable" }, { status: 503 });
  await assert.rejects(figures.getJson("/figures"), { message: "WebCom is unavailable" });
  respond = async () => new Response("<html>", { status: 502 });
  await assert.rejects(figures.getJson("/figures"), { message: "/figures answered 502" });
});
