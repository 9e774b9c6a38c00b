// The viewers, as samples of all streams together arrive.

import { state } from "./live.js";

/** A sample arrived; of several streams the sum comes as `total`. */
export function onViewers({ stream, viewers, timestamp }) {
  const { television } = state.figures;
  television.streams = television.streams.map((one) => (one.name === stream ? { ...one, now: viewers } : one));
  if (stream !== "total" && television.streams.length) return;
  Object.assign(television, { now: viewers, at: Date.parse(timestamp) / 1000, known: true });
  television.peak = Math.max(television.peak ?? 0, viewers);
}
