// The live page: what the server has drawn is taken over and kept up to date.

import { CallTable } from "./calls.js";
import { fill, integer, timeOfDay } from "./format.js";
import { LiveSocket } from "./socket.js";

const FIGURES_LEAST_MS = 3_000; // between two looks at the figures while calls come and go,
const FIGURES_MOST_MS = 10_000; // and when nothing happens
const STALE_AFTER_MS = 5_000;
const LOGGED_OUT = new Set([4401, 4403]); // how the server closes the socket of whoever it does not know

const byId = (id) => document.getElementById(id);
const live = JSON.parse(byId("live").textContent);

let clockSkew = live.now - Date.now() / 1000; // seconds that the server's clock is ahead
let beyond = live.beyond; // calls in progress that did not fit into the page
let lostAt = Date.now(); // null while events come in
let askedAt = Date.now();
let outdated = false;

const calls = new CallTable({
  body: byId("rows"),
  template: byId("call"),
  states: live.states,
  anonymous: byId("anonymous").textContent,
  changed: showCounts,
});

const socket = new LiveSocket("/ws", live.types, live.position, {
  live: (serverTime) => {
    clockSkew = serverTime + 0.5 - Date.now() / 1000; // whole seconds, cut off
    lostAt = null;
    showLink("live");
  },
  lost: (code) => {
    lostAt ??= Date.now();
    showLink("offline");
    byId("login").hidden = !LOGGED_OUT.has(code);
  },
  event: (call) => {
    calls.put(call);
    outdated = true;
  },
  load: () => getJson(live.state),
  show: (state) => {
    beyond = state.beyond;
    showFigures(state);
    calls.replace(state.calls);
  },
});

function showCounts() {
  byId("active").textContent = integer(calls.size + beyond);
  byId("empty").hidden = calls.size > 0;
  byId("matches").textContent = byId("filter").value.trim() ? `${integer(calls.matches)} / ${integer(calls.size)}` : "";
}

function showFigures({ today, samples, rhythm, workers }) {
  fill(document.querySelector(".figures"), today);
  fill(byId("rhythm"), rhythm);
  byId("bars").querySelectorAll("rect").forEach((bar, n) => {
    bar.setAttribute("height", samples[n].height);
    bar.firstElementChild.textContent = `${samples[n].time}: ${samples[n].calls}`;
  });
  byId("workers").replaceChildren(...workers.map(workerLine));
}

function workerLine(worker) {
  const line = byId("worker").content.firstElementChild.cloneNode(true);
  line.dataset.kind = worker.kind;
  line.dataset.status = worker.status;
  fill(line, worker);
  return line;
}

function showLink(state) {
  document.body.dataset.link = state;
  if (state === "live") byId("stale").hidden = true;
}

function warnIfStale() {
  if (lostAt === null || Date.now() - lostAt < STALE_AFTER_MS || !byId("stale").hidden) return;
  byId("stale-since").textContent = timeOfDay(lostAt, live.timeZone);
  byId("stale").hidden = false;
}

async function getJson(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

/** Look at the figures again if it is time; a failure is told by the socket, which fails too. */
async function refreshFigures() {
  const waited = Date.now() - askedAt;
  if (document.hidden || lostAt !== null || waited < (outdated ? FIGURES_LEAST_MS : FIGURES_MOST_MS)) return;
  askedAt = Date.now();
  outdated = false;
  await getJson(live.figures).then(showFigures, () => (outdated = true));
}

function everySecond() {
  calls.tick(Date.now() / 1000 + clockSkew);
  socket.tick();
  warnIfStale();
  refreshFigures();
}

byId("filter").addEventListener("input", ({ target }) => calls.filter(target.value));
addEventListener("online", () => socket.hurry());
document.addEventListener("visibilitychange", () => document.hidden || everySecond());
setInterval(everySecond, 1000);
socket.connect();
