// Numbers, euro and times as the reader writes them, in the language of the page.

const language = document.documentElement.lang;
const locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;

const euros = new Intl.NumberFormat(locale, { style: "currency", currency: "EUR", useGrouping: "always" });
const integers = new Intl.NumberFormat(locale, { useGrouping: "always" });

/** 1234.5 is "1.234,50 €" or "€1,234.50". */
export const euro = (amount) => euros.format(amount);

/** 1234 is "1.234" or "1,234". */
export const integer = (number) => integers.format(number);

/** Milliseconds since 1970 as a time of day in `timeZone`. */
export const timeOfDay = (at, timeZone) => new Date(at).toLocaleTimeString(locale, { timeZone });

/** 83 seconds are "1:23", 3683 "1:01:23"; nothing is shorter than "0:00". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Show `text` in `node`, touching the page only if that changes something. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Show every value of `texts` in the element of that `data-field` inside `node`, if there is one. */
export function fill(node, texts) {
  for (const place of node.querySelectorAll("[data-field]")) {
    if (place.dataset.field in texts) say(place, String(texts[place.dataset.field]));
  }
}
