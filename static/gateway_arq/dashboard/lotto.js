// The last draw as a board: wheels that arrive are written onto it.

import { state } from "./live.js";

/** Wheels of a day arrived or were changed; days that are not the newest one do not show. */
export function onDraw({ date, wheels }) {
  const { draw } = state.figures;
  if (draw.day !== null && date < draw.day) return;
  const kept = ({ numbers }) => (date === draw.day ? numbers : []);
  draw.wheels = draw.wheels.map((wheel) => ({ ...wheel, numbers: wheels[wheel.code] ?? kept(wheel) }));
  draw.day = date;
}

/** Stored numbers were corrected. */
export function onCorrected({ date, wheels }) {
  const after = Object.entries(wheels).map(([code, change]) => [code, change.after]);
  if (date === state.figures.draw.day) onDraw({ date, wheels: Object.fromEntries(after) });
}
