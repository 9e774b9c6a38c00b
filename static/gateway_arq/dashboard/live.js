// What the page brought along: the state it was drawn from, and what the scripts need to go on.

export const byId = (id) => document.getElementById(id);
export const live = JSON.parse(byId("live").textContent);

/** All that is shown, in the shape of `dashboard/state`; panels change it and then ask for a paint. */
export const { state } = live;

/** The text of that name in the reader's language, with `%(name)s` filled in. */
export const text = (name, values = {}) =>
  live.labels.texts[name].replace(/%\((\w+)\)s/g, (whole, key) => values[key] ?? whole);

/** What is at a path like `figures.calls.active`; undefined when a step of it is missing. */
export const at = (whole, path) => path.split(".").reduce((part, step) => part?.[step], whole);

let skew = live.now - Date.now() / 1000; // seconds that the server's clock is ahead

/** Seconds since 1970 by the server's clock. */
export const now = () => Date.now() / 1000 + skew;

/** Learn the server's clock from a timestamp in whole seconds, cut off. */
export function setClock(timestamp) {
  skew = timestamp + 0.5 - Date.now() / 1000;
}
