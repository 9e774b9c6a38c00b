// The last draw as a board, onto which wheels are written as they arrive, and AutoBOT at its work.

import { act } from "./actions.js";
import { getJson } from "./figures.js";
import { byId, live, state, text } from "./live.js";

/** Wheels of a day arrived or were changed; days that are not the newest one do not show. */
export function onDraw({ date, wheels, dieci_e_lotto }) {
  const { draw } = state.figures;
  if (draw.day !== null && date < draw.day) return;
  const previous = ({ numbers }) => (date === draw.day ? numbers : []);
  draw.wheels = draw.wheels.map((wheel) => ({ ...wheel, numbers: wheels[wheel.code] ?? previous(wheel) }));
  draw.day = date;
  if (dieci_e_lotto !== undefined) draw.dieci = dieci_e_lotto; // a correction has none of its own
}

/** Stored numbers were corrected. */
export function onCorrected({ date, wheels }) {
  const after = Object.entries(wheels).map(([code, change]) => [code, change.after]);
  if (date === state.figures.draw.day) onDraw({ date, wheels: Object.fromEntries(after) });
}

/** AutoBOT writes "05" where the draw has 5. */
const numbers = (texts = []) => texts.map(Number);

/** AutoBOT went on. */
export function onAutobot({ status, wheels, wheels_completed, run, last_run, steps }) {
  const { autobot } = state.figures;
  if (run !== autobot.run) autobot.pictures = []; // those of an earlier run
  Object.assign(autobot, {
    status,
    wheels_completed,
    run,
    message: "", // what became of it comes with the figures, in the reader's language
    last_run: last_run && Date.parse(last_run) / 1000,
    working: live.atWork.includes(status),
    wheels: autobot.wheels.map((wheel) => ({ ...wheel, numbers: numbers(wheels[wheel.name.toUpperCase()]) })),
    steps: Object.entries(steps).map(([name, step]) => ({ name, ...step })),
  });
}

byId("lotto").addEventListener("click", ({ target }) => {
  if (target.matches("[data-start]")) {
    target.closest("details")?.removeAttribute("open");
    const extraordinary = target.dataset.start === "extraordinary";
    act(live.addresses["autobot-start"], { extraordinary }, text("started"));
  }
  if (target.matches("[data-stop]")) {
    target.closest("details").open = false;
    act(live.addresses["autobot-stop"], {}, text("stopped"));
  }
});

/**
 * What became of the predictions. They lie in the old database, which may be slow or unavailable: so they are
 * read when somebody opens them, and `show` is called with the result.
 */
export function onRiscontri(show) {
  byId("riscontri").addEventListener("toggle", async ({ target }) => {
    if (!target.open) return;
    const unavailable = () => ({ detail: text("riscontri_unavailable") });
    state.riscontri = await getJson(live.addresses.riscontri).then(riscontri, unavailable);
    show();
  });
}

function riscontri({ stats, stats_last3, predictions }) {
  return {
    detail: "",
    stats: [{ of: "all", ...stats }, { of: "last3", ...stats_last3 }],
    hits: predictions.filter(({ outcome }) => outcome).map((one) => ({
      ...one,
      day: one.date.replaceAll("-", "/"),
      wheels: one.tutte ? text("all_wheels") : one.wheels.join(" "),
      numbers: one.numbers.join(" · "),
    })),
  };
}
