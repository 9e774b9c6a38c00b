// What no event tells is asked for again: soon after events that change it, and now and then anyway.

import { live, state } from "./live.js";

const LEAST_MS = 2_000; // between two looks while much happens,
const MOST_MS = 10_000; // and when nothing does

let askedAt = Date.now();
let outdated = false;
let touched = 0; // how often an event has changed what the figures also tell
const followers = [];

/** Have `follow()` called when the figures have been read anew. */
export const onFigures = (follow) => followers.push(follow);

/** Something happened that changes the figures. */
export function nudge() {
  outdated = true;
}

/** An event changed something in the figures: those that are on their way are older, and must not undo it. */
export function touch() {
  touched += 1;
}

/** JSON from our own server. Throws when there is no good answer. */
export async function getJson(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (response.ok) return response.json();
  const { detail } = await response.json().catch(() => ({}));
  throw new Error(detail ?? `${path} answered ${response.status}`);
}

/** Take over the figures that were read. */
export function take(figures) {
  state.figures = figures;
  for (const follow of followers) follow();
}

/** Look again if it is time; to be called every second. A failure is told by the socket, which fails too. */
export async function refresh() {
  if (document.hidden || Date.now() - askedAt < (outdated ? LEAST_MS : MOST_MS)) return;
  askedAt = Date.now();
  outdated = false;
  const before = touched;
  await getJson(live.addresses.figures).then((figures) => (touched === before ? take(figures) : nudge()), nudge);
}
