// Who was let through or refused, and the blacklist: listed or released in two clicks, undone with one more.

import { act } from "./actions.js";
import { byId, live, state, text } from "./live.js";

const MAX_CALLERS = 30;

/** A caller was screened. */
export function onScreened(event) {
  const caller = {
    key: `${event.server}:${event.channel_id}`,
    number: event.e164 && event.number, // as it is shown
    e164: event.e164, // as it is blocked: only the switchboard's server knows how its trunk writes numbers
    called: event.called,
    verdict: event.type === "call_blocked" ? "blocked" : "passed",
    reason: event.reason,
    at: event.timestamp,
  };
  const others = state.screening.callers.filter(({ key }) => key !== caller.key);
  state.screening.callers = [caller, ...others].slice(0, MAX_CALLERS);
}

/** A number was listed, or its entry lasts longer now. */
export function onListed({ number, reason, expires_at, permanent }) {
  state.screening.blacklist = [{ number, reason, expires_at, permanent }, ...without(number)];
}

/** A number is listed no more. */
export function onReleased({ number }) {
  state.screening.blacklist = without(number);
}

const without = (number) => state.screening.blacklist.filter((entry) => entry.number !== number);

const block = (number, hours) =>
  act(live.addresses.block, { number, hours: hours ? Number(hours) : null }, text("blocked", { number }));
const release = (number) => act(live.addresses.release, { number }, text("released", { number }));

byId("switchboard").addEventListener("click", ({ target }) => {
  const number = target.closest("[data-number]")?.dataset.number;
  if (target.matches("[data-block]")) {
    target.closest("details").open = false;
    block(number, target.dataset.block);
  } else if (target.matches("[data-release]")) {
    release(number);
  }
});

byId("block")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  if (await block(form.number.value, form.hours.value)) form.reset();
});
