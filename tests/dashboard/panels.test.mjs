import assert from "node:assert/strict";
import { test } from "node:test";

import { load, openPage, settled } from "./stand_ins.mjs";

const riscontri = new EventTarget();
openPage({
  live: {
    state: { screening: { callers: [], blacklist: [] }, figures: {} },
    atWork: ["capturing", "ocr"],
    addresses: { riscontri: "/riscontri" },
    labels: { groups: {}, texts: { all_wheels: "Tutte", riscontri_unavailable: "Non ora" } },
  },
  elements: { switchboard: new EventTarget(), lotto: new EventTarget(), riscontri },
});
const { state } = await import("../../static/gateway_arq/dashboard/live.js");
const { onListed, onReleased, onScreened } = await load("switchboard.js");
const { onCorrected, onDraw, onAutobot, onRiscontri } = await load("lotto.js");
const { onViewers } = await load("television.js");

const screened = (channel_id, more = {}) => ({
  type: "call_passed", server: "asterisk_1", channel_id, number: "3331112222", e164: "+393331112222", called: "0612345",
  reason: "clean", timestamp: 1000, ...more,
});

test("a screened caller comes first, once", () => {
  state.screening.callers = [];
  onScreened(screened("1.1"));
  onScreened(screened("1.2", { type: "call_blocked", reason: "listed" }));
  onScreened(screened("1.1", { timestamp: 1001 }));
  assert.deepEqual(state.screening.callers.map(({ key, verdict, at }) => [key, verdict, at]), [
    ["asterisk_1:1.1", "passed", 1001],
    ["asterisk_1:1.2", "blocked", 1000],
  ]);
});

test("a caller without a number that can be listed is shown without one", () => {
  onScreened(screened("1.3", { number: "anonymous", e164: "" }));
  assert.equal(state.screening.callers[0].number, "");
});

test("a caller is blocked by the number that was decided about, however it was written", () => {
  onScreened(screened("1.4", { number: "4412345678", e164: "+4412345678" }));
  const { number, e164 } = state.screening.callers[0];
  assert.deepEqual([number, e164], ["4412345678", "+4412345678"]);
});

test("the last thirty callers are listed", () => {
  for (let n = 0; n < 40; n += 1) onScreened(screened(`2.${n}`));
  const { callers } = state.screening;
  assert.deepEqual([callers.length, callers[0].key, callers[29].key], [30, "asterisk_1:2.39", "asterisk_1:2.10"]);
});

test("the blacklist has a number once, the one that was listed last first", () => {
  const listed = (number, more) => ({ number, reason: "manual", expires_at: 2000, permanent: false, ...more });
  state.screening.blacklist = [listed("1"), listed("2")];
  onListed({ type: "blacklist_added", ...listed("2", { expires_at: null, permanent: true }) });
  assert.deepEqual(state.screening.blacklist, [listed("2", { expires_at: null, permanent: true }), listed("1")]);
  onReleased({ number: "1" });
  onReleased({ number: "unknown" });
  assert.deepEqual(state.screening.blacklist.map(({ number }) => number), ["2"]);
});

const wheel = (code, numbers) => ({ code, name: code, numbers });
const draw = (day) => ({ day, wheels: [wheel("BA", [1, 2, 3, 4, 5]), wheel("CA", [])] });
const numbers = () => state.figures.draw.wheels.map((one) => one.numbers);

test("wheels are written onto the board of their day", () => {
  state.figures = { draw: draw("2026/03/10") };
  onDraw({ date: "2026/03/10", wheels: { CA: [6, 7, 8, 9, 10] }, dieci_e_lotto: { numbers: [6, 7] } });
  assert.deepEqual(state.figures.draw.dieci, { numbers: [6, 7] });
  assert.deepEqual(numbers(), [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]);
});

test("a newer day clears the board, an older one does not show", () => {
  state.figures = { draw: draw("2026/03/10") };
  onDraw({ date: "2026/03/07", wheels: { CA: [6, 7, 8, 9, 10] } });
  assert.deepEqual([state.figures.draw.day, numbers()], ["2026/03/10", [[1, 2, 3, 4, 5], []]]);
  onDraw({ date: "2026/03/12", wheels: { CA: [6, 7, 8, 9, 10] } });
  assert.deepEqual([state.figures.draw.day, numbers()], ["2026/03/12", [[], [6, 7, 8, 9, 10]]]);
});

test("the first draw of all is shown", () => {
  state.figures = { draw: { day: null, wheels: [wheel("BA", [])] } };
  onDraw({ date: "2026/03/10", wheels: { BA: [1, 2, 3, 4, 90] } });
  assert.deepEqual([state.figures.draw.day, numbers()], ["2026/03/10", [[1, 2, 3, 4, 90]]]);
});

test("a correction changes the day that is shown, and no other", () => {
  state.figures = { draw: draw("2026/03/10") };
  const change = { BA: { before: [1, 2, 3, 4, 5], after: [1, 2, 3, 4, 50] } };
  onCorrected({ date: "2026/03/12", wheels: change });
  assert.deepEqual(numbers()[0], [1, 2, 3, 4, 5]);
  onCorrected({ date: "2026/03/10", wheels: change });
  assert.deepEqual(numbers(), [[1, 2, 3, 4, 50], []]);
});

test("AutoBOT's progress is shown, its pictures stay within a run", () => {
  const progress = {
    status: "ocr", wheels: { BARI: ["05", "90"] }, wheels_completed: 1, run: 2, last_run: "2026-03-10T19:01:00Z",
    steps: { upload: { state: "done" } },
  };
  const wheels = [{ name: "Bari", numbers: [] }, { name: "Cagliari", numbers: [1] }];
  state.figures = { autobot: { run: 2, pictures: ["board"], message: "old", wheels } };
  onAutobot(progress);
  assert.deepEqual(state.figures.autobot, {
    status: "ocr", working: true, wheels_completed: 1, run: 2, message: "", last_run: 1773169260, pictures: ["board"],
    wheels: [{ name: "Bari", numbers: [5, 90] }, { name: "Cagliari", numbers: [] }],
    steps: [{ name: "upload", state: "done" }],
  });
  onAutobot({ ...progress, status: "completed", run: 3, last_run: null });
  const { working, pictures, last_run } = state.figures.autobot;
  assert.deepEqual([working, pictures, last_run], [false, [], null]);
});

const television = () => {
  const streams = [{ name: "main", now: 1 }, { name: "total", now: 1 }];
  return { now: 1, peak: 500, at: 0, known: false, streams };
};

test("viewers of one stream are counted for it, and those of all as the total", () => {
  state.figures = { television: television() };
  onViewers({ stream: "main", viewers: 412, timestamp: "2026-03-10T12:00:00Z" });
  assert.deepEqual([state.figures.television.now, state.figures.television.streams[0].now], [1, 412]);
  onViewers({ stream: "total", viewers: 412, timestamp: "2026-03-10T12:00:00Z" });
  const { now, peak, at, known, streams } = state.figures.television;
  assert.deepEqual([now, peak, at, known, streams[1].now], [412, 500, 1773144000, true, 412]);
  onViewers({ stream: "total", viewers: 600, timestamp: "2026-03-10T12:00:10Z" });
  assert.equal(state.figures.television.peak, 600);
});

test("the only stream is the total", () => {
  state.figures = { television: { ...television(), peak: null, streams: [] } };
  onViewers({ stream: "main", viewers: 412, timestamp: "2026-03-10T12:00:00Z" });
  assert.deepEqual([state.figures.television.now, state.figures.television.peak], [412, 412]);
});

/** The riscontri after they were opened or closed, and the response came. */
async function toggled(open, answer) {
  globalThis.fetch = async () => answer();
  riscontri.open = open;
  riscontri.dispatchEvent(new Event("toggle"));
  for (let n = 0; n < 3; n += 1) await settled();
  return state.riscontri;
}

test("riscontri are read when they are opened, and only those that hit are listed", async () => {
  let shown = 0;
  onRiscontri(() => (shown += 1));
  const one = { date: "2026-03-10", outcome: "ambo", tutte: false, wheels: ["Bari", "Roma"], numbers: [5, 90] };
  const answer = {
    stats: { ambi: 2 }, stats_last3: { ambi: 1 },
    predictions: [one, { ...one, tutte: true }, { ...one, outcome: null }],
  };
  assert.equal(await toggled(false, () => assert.fail("it was closed")), undefined);
  const { detail, stats, hits } = await toggled(true, () => Response.json(answer));
  assert.equal(shown, 1);
  assert.equal(detail, "");
  assert.deepEqual(stats, [{ of: "all", ambi: 2 }, { of: "last3", ambi: 1 }]);
  assert.deepEqual(
    hits.map(({ day, wheels, numbers }) => [day, wheels, numbers]),
    [["2026/03/10", "Bari Roma", "5 · 90"], ["2026/03/10", "Tutte", "5 · 90"]],
  );
});

test("unavailable riscontri are reported", async () => {
  assert.deepEqual(await toggled(true, () => new Response("", { status: 503 })), { detail: "Non ora" });
});
