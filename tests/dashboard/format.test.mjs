import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock, load, openPage } from "./stand_ins.mjs";

const clock = new Clock();
const labels = {
  groups: { call_state: { Pending: "In corso" }, caller: { "": "Anonimo" } },
  texts: { daily: "ogni giorno alle %(time)s", off: "spento", blocked: "%(number)s è bloccato, %(number)s!" },
};
openPage({ lang: "it", languages: ["de-CH", "it-CH", "it"], live: { labels } });
const { locale } = await load("../locale.js");
const { clock: since, euro, formatValue, moment, setText } = await load("format.js");
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
  assert.equal(formatValue(began - 62, "clock"), "1:02");
  await clock.pass(1000);
  assert.equal(formatValue(began - 62, "clock"), "1:03");
  setClock(began + 120); // in whole seconds, cut off: half a second is added
  assert.equal(formatValue(began, "clock"), "2:00");
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
    assert.equal(formatValue(value, "integer"), "–");
    assert.equal(formatValue(value, "change"), "");
  }
  assert.equal(formatValue(0, "integer"), "0");
});

test("labels are looked up, and unknown values stay as they are", () => {
  assert.equal(formatValue("Pending", "call_state"), "In corso");
  assert.equal(formatValue("<i>Parked</i>", "call_state"), "<i>Parked</i>");
  assert.equal(formatValue("", "caller"), "Anonimo");
});

test("AutoBOT's start time is written in words where there are some", () => {
  assert.equal(formatValue("20:01 daily", "schedule"), "ogni giorno alle 20:01");
  assert.equal(formatValue("off", "schedule"), "spento");
  assert.equal(formatValue("1 20 * * 2,4", "schedule"), "1 20 * * 2,4");
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
  setText(node, "same");
  assert.equal(touched, 0);
  setText(node, "other");
  assert.equal(touched, 1);
});
