// The one place from which the page is changed when something happens: whatever the rate of events, everything
// that is due is drawn together, at most twice a second.

const MIN_INTERVAL_MS = 500; // nearly all that a tab costs is painting, whose cost goes with the number of times

const due = new Set();
let timer = null;
let frame = null;
let paintedAt = -MIN_INTERVAL_MS;

/** Have `draw` called with the next paint, once however often it is requested: at once if the last one was long ago. */
export function paint(draw) {
  due.add(draw);
  timer ??= setTimeout(ready, Math.max(0, paintedAt + MIN_INTERVAL_MS - performance.now()));
}

function ready() {
  // A hidden tab gets no frames, but must not pile up what it has to draw.
  if (document.hidden) flush();
  else frame = requestAnimationFrame(flush);
}

function flush() {
  cancelAnimationFrame(frame);
  timer = frame = null;
  paintedAt = performance.now();
  const drawing = [...due];
  due.clear();
  for (const draw of drawing) draw();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden && frame !== null) flush();
});
