// The list of calls in progress, the carrier's and the switchboards' together, newest first.

import { integer, say, written } from "./format.js";
import { byId, live, now, state } from "./live.js";
import { paint } from "./paint.js";

const NEW_S = 1.5;
const SETTLED_S = 3; // a switchboard's state is stored this long after it is told, at most
const ENDED = new Set(live.ended);
const WRITTEN = { line: "text", tag: "text", caller: "caller", operator: "text", state: "call_state", cost: "euro" };

const table = byId("calls");
const body = byId("rows");
const pattern = body.querySelector("template").content.firstElementChild;
const filter = byId("filter");

const shown = new Map(); // by key: {row, call, places, timer}
const news = new Map(); // by key: the call as it was told last, null when it is over; not drawn yet
const pbx = new Map(); // by key: {call, changedAt}: the switchboards' calls as they were told last
const fresh = []; // rows that stand out because they are new, and until when
let beyond = state.calls.beyond; // calls that did not fit into the page

/** A call of the carrier as an event tells it. */
export function onCall(event) {
  const known = news.get(event.id) ?? shown.get(event.id)?.call;
  if (known && event.revision < known.revision) return; // told late
  const over = ENDED.has(event.state) || event.endedAt !== null;
  tell(event.id, over ? null : carrierCall(event));
}

function carrierCall(event) {
  return {
    key: event.id,
    source: "webcom",
    line: event.lineNumber || event.called || event.lineID,
    tag: event.lineType,
    caller: event.caller,
    operator: event.callerOperator,
    state: event.state,
    started: event.timestamp,
    cost: event.cost,
    revision: event.revision,
  };
}

/** A channel of a switchboard as an event tells it; the channels of one `linkedid` are one call. */
export function onChannel(event) {
  const linkedid = event.linkedid || event.uniqueid;
  const key = `${event.server}:${linkedid}`;
  if (event.event === "Hangup") {
    hangUp(event, key);
  } else if (event.event === "Newchannel" || pbx.has(key)) {
    const known = pbx.get(key)?.call;
    const call = { ...(known ?? newPbxCall(key, event)) };
    call.channels = { ...call.channels, [event.uniqueid]: event.channel };
    if (event.uniqueid === linkedid) {
      call.line ||= event.exten; // what was dialled: later the channel stands anywhere in the dialplan
      call.caller ||= event.calleridnum;
      if (event.state === "Up") call.state = "Pending";
    }
    takePbx(key, call, linkedid);
  }
}

function hangUp(event, key) {
  const known = pbx.get(key);
  if (!known) return;
  const { [event.uniqueid]: gone, ...channels } = known.call.channels;
  if (gone === undefined) return;
  if (Object.keys(channels).length) takePbx(key, { ...known.call, channels }, event.linkedid);
  else endPbx(key);
}

function newPbxCall(key, { exten, calleridnum, timestamp }) {
  return {
    key, source: "pbx", line: exten, tag: "PBX", caller: calleridnum, operator: "", state: "Ringing",
    started: timestamp, cost: null, revision: 0, channels: {},
  };
}

function takePbx(key, call, linkedid) {
  const others = Object.entries(call.channels).filter(([uniqueid]) => uniqueid !== linkedid);
  call.operator = [...new Set(others.map(([, name]) => peer(name)))].sort().join(", ");
  pbx.set(key, { call, changedAt: now() });
  tell(key, call);
}

function endPbx(key) {
  pbx.delete(key);
  tell(key, null);
}

/** "PJSIP/201-0000002a" is "201". */
const peer = (channel) => channel.match(/\/(.*)-/)?.[1] ?? channel;

/**
 * What the server has stored of the switchboards' calls. It is some moments behind the events, so it counts only
 * for calls that have been quiet for longer: those it lacks are over, those it alone has were missed.
 */
export function reconcile(calls) {
  const stored = new Set(calls.map(({ key }) => key));
  const settled = now() - SETTLED_S;
  for (const [key, { changedAt }] of pbx) if (!stored.has(key) && changedAt < settled) endPbx(key);
  for (const call of calls) {
    const known = pbx.get(call.key);
    if (known ? known.changedAt < settled : call.started < settled) takeStored(call);
  }
}

function takeStored(call) {
  const same = JSON.stringify(pbx.get(call.key)?.call) === JSON.stringify(call);
  if (same) return;
  pbx.set(call.key, { call, changedAt: 0 });
  tell(call.key, call);
}

/** Show exactly these calls. */
export function replace(calls) {
  beyond = calls.beyond;
  const wanted = new Set(calls.rows.map(({ key }) => key));
  for (const key of shown.keys()) if (!wanted.has(key)) tell(key, null);
  pbx.clear();
  for (const call of calls.rows) {
    if (call.source === "pbx") pbx.set(call.key, { call, changedAt: 0 });
    tell(call.key, call);
  }
}

function tell(key, call) {
  news.set(key, call);
  paint(draw);
}

function draw() {
  for (const [key, call] of news) {
    if (call === null) remove(key);
    else show(call);
  }
  news.clear();
  count();
}

function show(call) {
  const known = shown.get(call.key) ?? insert(call);
  known.call = call;
  known.row.dataset.source = call.source;
  for (const [name, place] of known.places) say(place, written(call[name], WRITTEN[name]));
  sift(known);
}

function insert(call) {
  const row = pattern.cloneNode(true);
  row.dataset.key = call.key;
  row.dataset.started = call.started;
  row.classList.add("new");
  fresh.push({ row, until: now() + NEW_S });
  body.insertBefore(row, body.rows[placeOf(call.started)] ?? null);
  return adopt(row, call);
}

/** The index of the first row that began at `started` or earlier. */
function placeOf(started) {
  let [low, high] = [0, body.rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(body.rows[middle].dataset.started) > started) low = middle + 1;
    else high = middle;
  }
  return low;
}

function adopt(row, call) {
  const places = Object.keys(WRITTEN).map((name) => [name, row.querySelector(`[data-field=${name}]`)]);
  const known = { row, call, places, timer: row.querySelector("[data-field=elapsed]") };
  shown.set(call.key, known);
  return known;
}

function remove(key) {
  shown.get(key)?.row.remove();
  shown.delete(key);
}

function sift({ row, places }) {
  const needle = filter.value.trim().toLowerCase();
  row.hidden = !places.some(([, place]) => place.textContent.toLowerCase().includes(needle));
}

function count() {
  const rows = [...shown.values()];
  const matches = rows.filter(({ row }) => !row.hidden).length;
  say(byId("active"), integer(rows.length + beyond));
  say(byId("matches"), filter.value.trim() ? `${integer(matches)} / ${integer(rows.length)}` : "");
  table.toggleAttribute("data-empty", rows.length === 0);
}

/** Move the timers, and let what is new be new no longer; to be called every second. */
export function tick() {
  while (fresh.length && fresh[0].until < now()) fresh.shift().row.classList.remove("new");
  for (const { timer, call } of shown.values()) say(timer, written(call.started, "clock"));
}

filter.addEventListener("input", () => {
  for (const known of shown.values()) sift(known);
  count();
});

for (const call of state.calls.rows) {
  adopt(body.querySelector(`[data-key="${CSS.escape(call.key)}"]`), call);
  if (call.source === "pbx") pbx.set(call.key, { call, changedAt: 0 });
}
