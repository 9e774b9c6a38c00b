// The list of calls in progress as rows of the page, newest first.

import { integer } from "../locale.js";
import { Calls, isFound, placeAmong } from "./calls.js";
import { formatValue, setText } from "./format.js";
import { byId, live, now, state } from "./live.js";
import { paint } from "./paint.js";

const NEW_S = 1.5;
const FORMATS = { line: "text", tag: "text", caller: "caller", operator: "text", state: "call_state", cost: "euro" };

const table = byId("calls");
const body = byId("rows");
const pattern = body.querySelector("template").content.firstElementChild;
const filter = byId("filter");

const shown = new Map(); // by key: {row, started, places, timer}
const fresh = []; // rows that stand out because they are new, and until when

export const calls = new Calls(state.calls, { ended: live.ended, now, changed: () => paint(draw) });

function draw() {
  for (const [key, call] of calls.takeNews()) {
    if (call === null) remove(key);
    else show(call);
  }
  count();
}

function show(call) {
  const known = shown.get(call.key) ?? insert(call);
  known.started = call.started;
  known.row.dataset.source = call.source;
  for (const [name, place] of known.places) setText(place, formatValue(call[name], FORMATS[name]));
  sift(known);
}

function insert(call) {
  const row = pattern.cloneNode(true);
  row.dataset.key = call.key;
  row.dataset.started = call.started;
  row.classList.add("new");
  fresh.push({ row, until: now() + NEW_S });
  const place = placeAmong(body.rows.length, (n) => Number(body.rows[n].dataset.started), call.started);
  body.insertBefore(row, body.rows[place] ?? null);
  return adopt(row, call);
}

function adopt(row, { key, started }) {
  const places = Object.keys(FORMATS).map((name) => [name, row.querySelector(`[data-field=${name}]`)]);
  const known = { row, started, places, timer: row.querySelector("[data-field=elapsed]") };
  shown.set(key, known);
  return known;
}

function remove(key) {
  shown.get(key)?.row.remove();
  shown.delete(key);
}

function sift({ row, places }) {
  row.hidden = !isFound(filter.value, places.map(([, place]) => place.textContent));
}

function count() {
  const rows = [...shown.values()];
  const matches = rows.filter(({ row }) => !row.hidden).length;
  setText(byId("active"), integer(calls.count));
  setText(byId("matches"), filter.value.trim() ? `${integer(matches)} / ${integer(rows.length)}` : "");
  table.toggleAttribute("data-empty", rows.length === 0);
}

/** Move the timers, and let what is new be new no longer; to be called every second. */
export function tick() {
  while (fresh.length && fresh[0].until < now()) fresh.shift().row.classList.remove("new");
  for (const { timer, started } of shown.values()) setText(timer, formatValue(started, "clock"));
}

filter.addEventListener("input", () => {
  for (const known of shown.values()) sift(known);
  count();
});

for (const call of state.calls.rows) adopt(body.querySelector(`[data-key="${CSS.escape(call.key)}"]`), call);
