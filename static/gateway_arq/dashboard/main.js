// The live page: what the server has drawn is kept up to date.

import { Panel } from "./bind.js";
import { getJson, nudge, onFigures, refresh, setFigures, touch } from "./figures.js";
import { byId, live, setClock, state } from "./live.js";
import { onAutobot, onCorrected, onDraw, onRiscontri } from "./lotto.js";
import { paint } from "./paint.js";
import { calls, tick } from "./rows.js";
import { LiveSocket } from "./socket.js";
import { Link } from "./stale.js";
import { onListed, onReleased, onScreened } from "./switchboard.js";
import { onViewers } from "./television.js";
import "./theme.js";

const drawers = new Map();
for (const node of document.querySelectorAll("[data-panel]")) {
  const panel = new Panel(node);
  drawers.set(node.dataset.panel, () => panel.show(state));
}
const redraw = (name) => paint(drawers.get(name));
const link = new Link();

const and = (...steps) => (event) => steps.forEach((step) => step(event));
const drawing = (name) => () => redraw(name);

/** What to do with an event, by its type. */
const GATEWAY = {
  call_event_realtime: and((event) => calls.onCall(event), nudge),
  rebates_updated: nudge,
  webtv_update: and(onViewers, touch, drawing("television")),
  lotto_draw_saved: and(onDraw, touch, drawing("lotto")),
  lotto_corrected: and(onCorrected, touch, drawing("lotto")),
  autobot_status: and(onAutobot, touch, nudge, drawing("lotto")), // its pictures come with the figures
  system: nudge, // a switchboard was lost or has recovered
};
const PBX = { pbx_call: and((event) => calls.onPbxCall(event), nudge) };
const SWITCHBOARD = {
  call_passed: and(onScreened, nudge, drawing("switchboard")),
  call_blocked: and(onScreened, nudge, drawing("switchboard")),
  blacklist_added: and(onListed, drawing("switchboard")),
  blacklist_removed: and(onReleased, drawing("switchboard")),
};

/** A socket whose events go to `handlers`; after a gap `show` shows its part of the state that was read again. */
function follow(path, handlers, show) {
  const types = live.types[path];
  const socket = new LiveSocket(path, types, live.position, {
    live: (serverTime) => {
      setClock(serverTime);
      link.live(path);
      fetchCharts();
    },
    lost: (code) => link.lost(path, code),
    event: (event) => handlers[event.type]?.(event),
    load: () => getJson(live.addresses.state),
    show,
  });
  link.expect(path);
  socket.connect();
  return socket;
}

const sockets = [
  follow("/ws", GATEWAY, (read) => {
    calls.replace("webcom", read.calls);
    setFigures(read.figures);
  }),
  follow("/jpbx-ws", SWITCHBOARD, (read) => {
    state.screening = read.screening;
    redraw("switchboard");
  }),
  follow("/dashboard-ws", PBX, (read) => calls.replace("pbx", read.calls)),
];

onFigures(() => {
  calls.reconcile(state.figures.switchboard.calls);
  for (const draw of drawers.values()) paint(draw);
});

onRiscontri(drawing("lotto"));

function everySecond() {
  tick();
  for (const socket of sockets) socket.tick();
  link.tick();
  if (link.isLive) refresh();
}

addEventListener("online", () => sockets.forEach((socket) => socket.retryNow()));
document.addEventListener("visibilitychange", () => document.hidden || everySecond());
setInterval(() => paint(everySecond), 1000);

// Charts are the heaviest part, and the page is complete without: they come when the rest lives.
let charts = null;
function fetchCharts() {
  charts ??= import("./charts.js").catch((error) => {
    charts = null; // the server became unavailable meanwhile: they are fetched again when it has recovered
    console.warn(error);
  });
}
fetchCharts();
