import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Clock, load, settled } from "./stand_ins.mjs";

let clock;
let tries; // all sockets, the newest last
let reports; // what the socket reported to its owner

/** A WebSocket whose other end is the test. */
class Socket {
  static OPEN = 1;
  readyState = 0;
  sent = [];
  closed = false;

  constructor(address) {
    this.address = address;
    tries.push(this);
  }
  send(text) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
  }
  hear(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  /** The server accepts it. */
  begin(seq = 0) {
    this.readyState = Socket.OPEN;
    this.hear({ type: "system", timestamp: 1000, epoch: "e1", seq });
  }
}
globalThis.WebSocket = Socket;
globalThis.location = new URL("https://gateway.example/dashboard/");
const { LiveSocket } = await load("socket.js");

const newest = () => tries.at(-1);
const param = (name) => newest().address.searchParams.get(name);
const event = (seq, more = {}) => ({ type: "call_event_realtime", epoch: "e1", seq, ...more });
const seqs = () => reports.filter(([what]) => what === "event").map(([, { seq }]) => seq);

/** A socket that is connected from that position, and what its owner does for it. */
function follow({ position = { epoch: "e1", seq: 7 }, states = ["state"] } = {}) {
  const socket = new LiveSocket("/ws", ["a", "b"], position, {
    live: (time) => reports.push(["live", time]),
    lost: (code) => reports.push(["lost", code]),
    event: (message) => reports.push(["event", message]),
    load: async () => states.shift(),
    show: (state) => reports.push(["show", state]),
  });
  socket.connect();
  return socket;
}

beforeEach(() => {
  clock = new Clock();
  Math.random = () => 1; // the longest of the delays
  tries = [];
  reports = [];
});

test("it requests its types, from where the page was drawn", () => {
  follow();
  assert.equal(String(newest().address), "wss://gateway.example/ws?types=a%2Cb&since=7&epoch=e1");
  globalThis.location = new URL("http://127.0.0.1:8000/dashboard/");
  follow();
  assert.equal(newest().address.protocol, "ws:");
});

test("without a position it requests one that is always too old", () => {
  follow({ position: null });
  assert.deepEqual([param("since"), param("epoch")], ["0", null]);
});

test("it is live when the server says so, by the server's time", () => {
  follow();
  assert.deepEqual(reports, []);
  newest().begin();
  assert.deepEqual(reports, [["live", 1000]]);
});

test("events are passed on in order, and it resumes after the last one", async () => {
  follow();
  newest().begin();
  newest().hear(event(8));
  newest().hear(event(9));
  newest().onclose({ code: 1006 });
  await clock.pass(500);
  assert.deepEqual(seqs(), [8, 9]);
  assert.equal(param("since"), "9");
});

test("a heartbeat moves the position, where the server starts does not", async () => {
  follow();
  newest().begin(20); // a resync may follow: what came between 7 and 20 is not shown yet
  newest().onclose({ code: 1006 });
  await clock.pass(500);
  assert.equal(param("since"), "7");
  newest().begin(20);
  newest().hear({ type: "heartbeat", epoch: "e2", seq: 30 });
  newest().onclose({ code: 1006 });
  await clock.pass(500);
  assert.deepEqual([param("since"), param("epoch")], ["30", "e2"]);
});

test("an upstream's status is an event like others, service messages are not", () => {
  follow();
  newest().begin();
  newest().hear({ type: "system", source: "asterisk_1", status: "lost", epoch: "e1", seq: 8 });
  newest().hear({ type: "pong" });
  assert.deepEqual(seqs(), [8]);
  assert.equal(reports.filter(([what]) => what === "live").length, 1);
});

test("when a switchboard is followed again the state is read, since what happened meanwhile did not come", async () => {
  follow({ states: ["the state"] });
  newest().begin();
  newest().hear({ type: "system", source: "asterisk_1", status: "recovered", epoch: "e1", seq: 8 });
  await settled();
  assert.deepEqual(reports.slice(1).map(([what]) => what), ["event", "show"]);
  newest().onclose({ code: 1006 });
  await clock.pass(500);
  assert.equal(param("since"), "8");
});

test("after a resync the state is shown first, then what came meanwhile", async () => {
  let answer;
  follow({ states: [new Promise((resolve) => (answer = resolve))] });
  newest().begin();
  newest().hear({ type: "resync", epoch: "e2", seq: 40 });
  newest().hear(event(41, { epoch: "e2" }));
  newest().hear({ type: "heartbeat", epoch: "e2", seq: 41 });
  await settled();
  assert.deepEqual(reports.slice(1), []);
  answer("the state");
  await settled();
  assert.deepEqual(reports.slice(1).map(([what]) => what), ["show", "event"]);
  assert.deepEqual(reports[1], ["show", "the state"]);
  newest().onclose({ code: 1006 });
  await clock.pass(500);
  assert.deepEqual([param("since"), param("epoch")], ["41", "e2"]);
});

test("after a resync without further events it resumes from the state's position", async () => {
  follow();
  newest().begin();
  newest().hear({ type: "resync", epoch: "e2", seq: 40 });
  await settled();
  newest().onclose({ code: 1006 });
  await clock.pass(500);
  assert.deepEqual([param("since"), param("epoch")], ["40", "e2"]);
});

test("a connection that is lost while the state is read is a gap again", async () => {
  let answer;
  follow({ states: [new Promise((resolve) => (answer = resolve))] });
  newest().begin();
  newest().hear({ type: "resync", epoch: "e2", seq: 40 });
  newest().hear(event(41));
  newest().onclose({ code: 1006 });
  answer("old");
  await clock.pass(500);
  assert.deepEqual(reports.map(([what]) => what), ["live", "lost"]);
  assert.deepEqual([param("since"), param("epoch")], ["0", null]); // so the server says resync once more
});

test("of two resyncs only the later one's state is shown", async () => {
  const answers = [];
  const slow = () => new Promise((resolve) => answers.push(resolve));
  follow({ states: [slow(), slow()] });
  newest().begin();
  newest().hear({ type: "resync", epoch: "e2", seq: 40 });
  newest().hear({ type: "resync", epoch: "e3", seq: 50 });
  answers[1]("second");
  answers[0]("first");
  await settled();
  assert.deepEqual(reports.slice(1), [["show", "second"]]);
});

test("a state that cannot be read is tried again with a new connection", async () => {
  follow({ states: [Promise.reject(new Error("503"))] });
  newest().begin();
  newest().hear({ type: "resync", epoch: "e2", seq: 40 });
  await settled();
  assert.ok(newest().closed);
  assert.deepEqual(reports.map(([what]) => what), ["live"]);
});

test("it waits longer after every failure, at most half a minute", async () => {
  follow();
  const waits = [];
  for (let n = 0; n < 9; n += 1) {
    newest().onclose({ code: 1006 });
    waits.push(clock.next);
    await clock.pass(clock.next);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.equal(tries.length, 10);
  newest().begin();
  newest().onclose({ code: 1006 });
  assert.equal(clock.next, 500); // it was live: that was not the same failure
});

test("not all reconnect at the same moment", () => {
  Math.random = () => 0;
  follow();
  newest().onclose({ code: 1006 });
  assert.equal(clock.next, 250);
});

test("a refused socket does not reconnect at once", () => {
  for (const code of [4400, 4401, 4499]) {
    follow();
    newest().onclose({ code });
    assert.equal(clock.next, 10_000, code);
    clock = new Clock();
  }
  follow();
  newest().onclose({ code: 4500 });
  assert.equal(clock.next, 500);
});

test("a waiting reconnect can be triggered early, and happens once", async () => {
  const socket = follow();
  socket.retryNow();
  assert.equal(tries.length, 1); // there is one
  newest().onclose({ code: 1006 });
  socket.retryNow();
  assert.equal(tries.length, 2);
  await clock.pass(60_000);
  assert.equal(tries.length, 2);
});

test("a silent connection is pinged, and closed without a pong", async () => {
  const socket = follow();
  const [first] = tries;
  first.begin();
  const silent = async (seconds) => {
    for (let n = 0; n < seconds; n += 1) {
      await clock.pass(1000);
      socket.tick();
    }
  };
  await silent(14);
  assert.deepEqual(first.sent, []);
  await silent(1);
  assert.deepEqual(first.sent, ['{"type":"ping"}']);
  first.hear({ type: "pong" });
  await silent(14);
  assert.equal(first.sent.length, 1); // it has answered
  await silent(11);
  assert.equal(tries.length, 1);
  await silent(1);
  assert.ok(first.closed);
  assert.deepEqual(reports.at(-1), ["lost", 1006]);
  await silent(1);
  assert.equal(tries.length, 2);
});

test("a connection that never opens is closed, without a ping", async () => {
  const socket = follow();
  await clock.pass(16_000);
  socket.tick();
  assert.deepEqual(newest().sent, []);
  await clock.pass(10_000);
  socket.tick();
  await clock.pass(500);
  assert.equal(tries.length, 2);
});

test("messages of an old connection are ignored", async () => {
  follow();
  const [old] = tries;
  old.begin();
  old.onclose({ code: 1006 });
  await clock.pass(500);
  old.hear(event(8));
  old.onclose({ code: 1006 });
  assert.deepEqual(reports.map(([what]) => what), ["live", "lost"]);
  assert.equal(tries.length, 2);
});
