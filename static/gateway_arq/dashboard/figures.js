// Figures that no event carries are read again: soon after events that change them, and every ten seconds anyway.

import { live, state } from "./live.js";

const MIN_INTERVAL_MS = 2_000; // between two reads while much happens,
const MAX_INTERVAL_MS = 10_000; // and when nothing does

let requestedAt = Date.now();
let outdated = false;
let touched = 0; // how often an event has changed what is in the figures too
const listeners = [];

/** Call `listener()` whenever the figures have been read. */
export const onFigures = (listener) => listeners.push(listener);

/** Something happened that changes the figures. */
export function nudge() {
  outdated = true;
}

/** An event changed something in the figures: a response still on its way is older, and must not undo it. */
export function touch() {
  touched += 1;
}

/** JSON from our own server. Throws when the request fails. */
export async function getJson(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (response.ok) return response.json();
  const { detail } = await response.json().catch(() => ({}));
  throw new Error(detail ?? `${path} answered ${response.status}`);
}

/** Replace the figures by those that were read. */
export function setFigures(figures) {
  state.figures = figures;
  for (const listener of listeners) listener();
}

/** Read them again if it is time; to be called every second. A failure is shown by the socket, which fails too. */
export async function refresh() {
  if (document.hidden || Date.now() - requestedAt < (outdated ? MIN_INTERVAL_MS : MAX_INTERVAL_MS)) return;
  requestedAt = Date.now();
  outdated = false;
  const before = touched;
  await getJson(live.addresses.figures).then((figures) => (touched === before ? setFigures(figures) : nudge()), nudge);
}
