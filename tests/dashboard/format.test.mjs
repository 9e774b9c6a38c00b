import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock, load, openPage } from "./stand_ins.mjs";

const clock = new Clock();
const words = {
  groups: { call_state: { Pending: "In corso" }, caller: { "": "Anonimo" } },
  texts: { daily: "ogni giorno alle %(time)s", off: "spento", blocked: "%(number)s è bloccato, %(number)s!" },
};
openPage({ lang: "it", languages: ["de-CH", "it-CH", "it"], live: { words } });
const { clock: since, euro, locale, moment, say, written } = await load("format.js");
const { at, now, setClock, text } = await import("../../static/gateway_arq/dashboard/live.js");

test("values are written in the reader's own variant of the page's language", () => {
  assert.equal(locale, "it-CH");
  assert.match(euro(1234.5), /1['’]234\.50/);
});

test("a timer has hours only when there are some, and never runs backwards", () => {
  const shown = (seconds) => since(1000, 1000 + seconds);
  for (const [seconds, text] of Object.entries({
    0: "0:00", 9.9: "0:09", 83: "1:23", 3599: "59:59", 3600: "1:00:00", 3683: "1:01:23", 90_000: "25:00:00",
  })) assert.equal(shown(Number(seconds)), text);
  assert.equal(shown(-5), "0:00"); // the server's clock is a moment ahead
});

test("a timer runs by the server's clock", async () => {
  const began = now();
  assert.equal(written(began - 62, "clock"), "1:02");
  await clock.pass(1000);
  assert.equal(written(began - 62, "clock"), "1:03");
  setClock(began + 120); // in whole seconds, cut off: half a second is added
  assert.equal(written(began, "clock"), "2:00");
  setClock(began + 1 - 0.5);
});

test("a moment of today is its time, of another day its date, by the gateway's zone", () => {
  const noon = Date.parse("2026-03-10T12:00:00+01:00") / 1000;
  assert.equal(moment(noon), "12:00:00");
  assert.equal(moment(noon - 12 * 3600), "00:00:00");
  assert.equal(moment(noon - 12 * 3600 - 1), "09.03.2026");
});

test("what is unknown is a dash, no change is nothing", () => {
  for (const value of [null, undefined]) {
    assert.equal(written(value, "integer"), "–");
    assert.equal(written(value, "change"), "");
  }
  assert.equal(written(0, "integer"), "0");
});

test("words are looked up, and unknown ones stay as they are", () => {
  assert.equal(written("Pending", "call_state"), "In corso");
  assert.equal(written("<i>Parked</i>", "call_state"), "<i>Parked</i>");
  assert.equal(written("", "caller"), "Anonimo");
});

test("AutoBOT's start time is written in words where there are some", () => {
  assert.equal(written("20:01 daily", "schedule"), "ogni giorno alle 20:01");
  assert.equal(written("off", "schedule"), "spento");
  assert.equal(written("1 20 * * 2,4", "schedule"), "1 20 * * 2,4");
});

test("names in a text are filled in, each time they occur, and unknown ones stay", () => {
  assert.equal(text("blocked", { number: "5" }), "5 è bloccato, 5!");
  assert.equal(text("daily"), "ogni giorno alle %(time)s");
});

test("a path ends where a step of it is missing", () => {
  assert.equal(at({ a: { b: 0 } }, "a.b"), 0);
  assert.equal(at({ a: null }, "a.b.c"), undefined);
});

test("a node is only touched when its text changes", () => {
  let touched = 0;
  const node = {
    get textContent() {
      return "same";
    },
    set textContent(text) {
      touched += 1;
    },
  };
  say(node, "same");
  assert.equal(touched, 0);
  say(node, "other");
  assert.equal(touched, 1);
});
