import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./stand_ins.mjs";

const { Calls, isFound, placeAmong } = await load("calls.js");
const NOON = 1_773_140_400;

/** The calls, what was drawn of them, and a clock in seconds. */
function board(rows = [], beyond = 0) {
  const shown = [...rows];
  const board = { now: NOON, changes: 0, shown };
  const environment = { ended: ["Ok", "Failed"], now: () => board.now, changed: () => (board.changes += 1) };
  board.calls = new Calls({ rows, beyond }, environment);
  /** Draw the news as the page does; the keys from the top. */
  board.draw = () => {
    for (const [key, call] of board.calls.takeNews()) {
      const known = shown.findIndex((one) => one.key === key);
      if (call === null) shown.splice(known, known < 0 ? 0 : 1);
      else if (known >= 0) shown[known] = call;
      else shown.splice(placeAmong(shown.length, (n) => shown[n].started, call.started), 0, call);
    }
    return shown.map(({ key }) => key);
  };
  return board;
}

/** An event of the carrier; defaults are those of a premium line's call that began just now. */
const update = (event) => ({
  lineID: "Line90", lineNumber: "899123456", called: "", lineType: "Vas", state: "Pending", caller: "3331234567",
  callerOperator: "TIMG", timestamp: NOON, endedAt: null, cost: 0, revision: 1, ...event,
});

/** An event of a switchboard's call; defaults are those of a call that began just now. */
const pbx = (more = {}) => ({
  type: "pbx_call", seq: 1, epoch: "e1", key: "asterisk_1:1.1", line: "0612345", caller: "3331112222", operator: "",
  state: "Ringing", started: NOON, ended: false, ...more,
});

/** A switchboard's call as the server stores it. */
const stored = (started, more = {}) => ({
  key: "asterisk_1:1.1", source: "pbx", line: "0612345", tag: "PBX", caller: "3331112222", operator: "", state: "Pending",
  started, cost: null, revision: 0, ...more,
});

test("a call appears, changes and leaves", () => {
  const { calls, draw, shown } = board();
  calls.onCall(update({ id: "a", state: "Ringing" }));
  assert.deepEqual(draw(), ["a"]);
  calls.onCall(update({ id: "a", cost: 1.5, revision: 2 }));
  draw();
  assert.deepEqual(shown, [
    {
      key: "a", source: "webcom", line: "899123456", tag: "Vas", caller: "3331234567", operator: "TIMG", state: "Pending",
      started: NOON, cost: 1.5, revision: 2,
    },
  ]);
  calls.onCall(update({ id: "a", state: "Ok", revision: 3 }));
  assert.deepEqual(draw(), []);
  assert.equal(calls.count, 0);
});

test("a line without a number is known by what was called, and else by its id", () => {
  const { calls, draw, shown } = board();
  calls.onCall(update({ id: "a", lineNumber: "", called: "0612345" }));
  calls.onCall(update({ id: "b", lineNumber: "", called: "" }));
  draw();
  assert.deepEqual(shown.map(({ line }) => line).sort(), ["0612345", "Line90"]);
});

test("every change is announced once and drawn once", () => {
  const one = board();
  one.calls.onCall(update({ id: "a" }));
  one.calls.onCall(update({ id: "a", revision: 2 }));
  assert.equal(one.changes, 2);
  assert.equal(one.calls.takeNews().size, 1);
  assert.equal(one.calls.takeNews().size, 0);
});

test("newer calls stand above older ones, and of two as old the later one above", () => {
  const { calls, draw } = board();
  for (const [id, age] of [["b", 60], ["a", 90], ["c", 30], ["d", 60]]) calls.onCall(update({ id, timestamp: NOON - age }));
  assert.deepEqual(draw(), ["c", "d", "b", "a"]);
});

test("a late older update changes nothing, drawn or not", () => {
  const { calls, draw, shown } = board();
  calls.onCall(update({ id: "a", revision: 5 }));
  calls.onCall(update({ id: "a", state: "Ringing", revision: 4 }));
  draw();
  assert.equal(shown[0].state, "Pending");
  calls.onCall(update({ id: "a", state: "Ok", revision: 4 }));
  assert.deepEqual(draw(), ["a"]);
});

test("an update with the same revision is applied", () => {
  const { calls, draw } = board([{ ...stored(NOON), key: "a", source: "webcom", revision: 5 }]);
  calls.onCall(update({ id: "a", state: "Ok", revision: 5 }));
  assert.deepEqual(draw(), []);
});

test("an unknown state is a call's state like any other until the call has ended", () => {
  const { calls, draw, shown } = board();
  calls.onCall(update({ id: "a", state: "<i>Parked</i>" }));
  draw();
  assert.equal(shown[0].state, "<i>Parked</i>");
  calls.onCall(update({ id: "a", state: "<i>Parked</i>", endedAt: NOON, revision: 9 }));
  assert.deepEqual(draw(), []);
});

test("three hundred calls come and go", () => {
  const { calls, draw } = board();
  const ids = Array.from({ length: 300 }, (_, n) => `c${n}`);
  ids.forEach((id, n) => calls.onCall(update({ id, timestamp: NOON - n })));
  assert.deepEqual(draw(), ids);
  assert.equal(calls.count, 300);
  ids.filter((_, n) => n % 2 === 0).forEach((id) => calls.onCall(update({ id, state: "Ok", revision: 2 })));
  assert.deepEqual(draw(), ids.filter((_, n) => n % 2 === 1));
  assert.equal(calls.count, 150);
});

test("calls that did not fit into the page are counted", () => {
  const { calls } = board([{ ...stored(NOON), source: "webcom" }], 3);
  assert.equal(calls.count, 4);
  calls.replace("webcom", { rows: [], beyond: 2 });
  calls.takeNews();
  assert.equal(calls.count, 2);
});

test("a switchboard's call appears, changes and leaves like the carrier's", () => {
  const { calls, draw, shown } = board();
  calls.onPbxCall(pbx());
  assert.deepEqual(draw(), ["asterisk_1:1.1"]);
  assert.equal(shown[0].state, "Ringing");
  calls.onPbxCall(pbx({ operator: "105, 201", state: "Pending" }));
  draw();
  assert.deepEqual(shown, [stored(NOON, { operator: "105, 201" })]); // as the page is given it
  calls.onPbxCall(pbx({ ended: true }));
  assert.deepEqual(draw(), []);
  assert.equal(calls.count, 0);
});

test("the end of an unknown switchboard call is no call", () => {
  const { calls, draw } = board();
  calls.onPbxCall(pbx({ ended: true }));
  assert.deepEqual(draw(), []);
});

test("a switchboard call that has just ended does not come back with what is stored", () => {
  const one = board([stored(NOON - 60)]);
  one.calls.onPbxCall(pbx({ started: NOON - 60, ended: true }));
  one.draw();
  one.now += 1;
  one.calls.reconcile([stored(NOON - 60)]); // stored before its end
  assert.deepEqual(one.draw(), []);
});

test("a switchboard call whose end was missed leaves once it has been quiet for a while", () => {
  const one = board();
  one.calls.onPbxCall(pbx());
  one.now += 2;
  one.calls.reconcile([]); // not stored yet
  assert.deepEqual(one.draw(), ["asterisk_1:1.1"]);
  one.now += 2;
  one.calls.reconcile([]);
  assert.deepEqual(one.draw(), []);
});

test("a switchboard call whose events were missed comes with what is stored, if its end has not come", () => {
  const one = board();
  one.calls.onPbxCall(pbx({ ended: true }));
  one.now += 2;
  one.calls.reconcile([stored(NOON)]);
  assert.deepEqual(one.draw(), []);
  one.now += 2;
  one.calls.reconcile([stored(NOON - 4)]);
  assert.deepEqual(one.draw(), ["asterisk_1:1.1"]);
  one.calls.reconcile([stored(NOON - 4)]);
  assert.equal(one.changes, 2); // the same again is no news
  one.calls.reconcile([stored(NOON - 4, { operator: "201" })]);
  one.draw();
  assert.equal(one.shown[0].operator, "201");
});

test("what is stored does not undo an event that is newer", () => {
  const one = board([stored(NOON - 60)]);
  one.calls.onPbxCall(pbx({ started: NOON - 60, operator: "201", state: "Pending" }));
  one.now += 1;
  one.calls.reconcile([stored(NOON - 60)]);
  one.draw();
  assert.equal(one.calls.takeNews().size, 0);
  assert.equal(one.shown[0].operator, "201");
});

test("after a gap there are exactly the calls of the state, of each source whose events were missed", () => {
  const ours = (key, more) => stored(NOON - 50, { key, source: "webcom", ...more });
  const { calls, draw, shown } = board([stored(NOON - 60), ours("b"), ours("d")]);
  const state = { rows: [ours("b", { state: "Ringing" }), stored(NOON, { key: "c" })], beyond: 0 };
  calls.replace("webcom", state);
  assert.deepEqual(draw(), ["asterisk_1:1.1", "b"]);
  assert.equal(shown[1].state, "Ringing");
  calls.onPbxCall(pbx({ operator: "201" }));
  calls.replace("pbx", state);
  assert.deepEqual(draw(), ["c", "b"]);
  calls.reconcile([]); // of the switchboard's calls the old one is forgotten, the new one is known
  assert.deepEqual([...calls.takeNews()], [["c", null]]);
});

test("a call that came just before a gap and ended in it does not stay", () => {
  const { calls, draw } = board();
  calls.onCall(update({ id: "a" }));
  calls.replace("webcom", { rows: [], beyond: 0 }); // before "a" is drawn
  assert.deepEqual(draw(), []);
});

test("the filter finds parts of any text, in any case", () => {
  const texts = ["899123456", "Vas", "Anonimo", "VODAFONE"];
  for (const wanted of ["", "  ", "voda", " VAS ", "1234", "anon"]) assert.ok(isFound(wanted, texts), wanted);
  for (const wanted of ["+39 899 123 456", "0039899123456", "899-123.456"]) assert.ok(isFound(wanted, texts), wanted);
  assert.ok(isFound("899123456", ["+39 899123456"]));
  assert.ok(!isFound("+39 899 123 457", texts));
  for (const wanted of ["tim", "899 123"]) assert.ok(!isFound(wanted, texts), wanted);
});
