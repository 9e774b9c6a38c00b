import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Clock, load, openPage } from "./stand_ins.mjs";

let clock;
let page;
let paint;
let drawn; // at which milliseconds

beforeEach(async () => {
  clock = new Clock();
  page = openPage();
  drawn = [];
  ({ paint } = await load("paint.js"));
});

const draw = () => drawn.push(Math.round(performance.now()));

test("what happens first is painted with the next frame", async () => {
  paint(draw);
  assert.deepEqual(drawn, []);
  await clock.pass(16);
  assert.deepEqual(drawn, [16]);
});

test("whatever the rate of events, the page is painted at most twice a second", async () => {
  for (let n = 0; n < 1000; n += 1) {
    paint(draw);
    await clock.pass(3);
  }
  const gaps = drawn.slice(1).map((at, n) => at - drawn[n]);
  assert.ok(drawn.length >= 6, drawn);
  assert.ok(Math.min(...gaps) >= 500, gaps);
  assert.ok(Math.max(...gaps) <= 500 + 2 * 16, gaps); // and no less often while there is something to paint
});

test("all that is due is drawn together, each once", async () => {
  const order = [];
  const [first, second] = [() => order.push("first"), () => order.push("second")];
  for (const one of [first, second, first]) paint(one);
  await clock.pass(2000);
  assert.deepEqual(order, ["first", "second"]);
});

test("a request during painting is drawn with the next paint", async () => {
  paint(() => {
    draw();
    paint(draw);
  });
  await clock.pass(400);
  assert.equal(drawn.length, 1);
  await clock.pass(200);
  assert.equal(drawn.length, 2);
});

test("nothing is painted when nothing happens", async () => {
  paint(draw);
  await clock.pass(60_000);
  assert.equal(drawn.length, 1);
  assert.equal(clock.next, null);
});

test("a hidden tab, which gets no frames, draws all the same", async () => {
  page.hidden = true;
  requestAnimationFrame = () => assert.fail("there are none");
  paint(draw);
  await clock.pass(0);
  assert.deepEqual(drawn, [0]);
});

test("what waits for a frame when the tab is hidden is drawn at once", async () => {
  paint(draw);
  await clock.pass(0);
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(drawn, [0]);
  await clock.pass(100);
  assert.equal(drawn.length, 1);
});
