// Formats of values, by name, in the locale of the reader. `formats.py` has the same names: it formats the first page.

import { integer, locale, number } from "../locale.js";
import { live, now, text } from "./live.js";

const { timeZone } = live;

const time = (options) => new Intl.DateTimeFormat(locale, { timeZone, ...options }).format;
const two = "2-digit";

const clockTime = time({ hour: two, minute: two, second: two, hourCycle: "h23" });
const date = time({ day: two, month: two, year: "numeric" });
const percent = number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" });
// Times that are local already, and days and months as such, wherever the reader is.
const long = (options) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).format;
const localDate = long({ day: two, month: two, year: "numeric" });
const localMinute = long({ hour: two, minute: two, hourCycle: "h23" });
const longDay = long({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const dayParts = ["weekday", "day", "month"].map((part) => long({ [part]: part === "day" ? "numeric" : "long" }));
const longMonth = long({ month: "long", year: "numeric" });

export const euro = number({ style: "currency", currency: "EUR" });
const hourMinute = time({ hour: two, minute: two, hourCycle: "h23" });
export const minute = (epoch) => hourMinute(epoch * 1000);

/** The time since that epoch second: 83 s are "1:23", 3683 s "1:01:23"; nothing is shorter than "0:00". */
export function clock(started, until = now()) {
  const whole = Math.max(0, Math.floor(until - started));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Today's time, or another day's date. */
export function moment(epoch) {
  const at = new Date(epoch * 1000);
  return date(at) === date(now() * 1000) ? clockTime(at) : date(at);
}

/** "2025-12-07 20:01:00", local already, without seconds. */
function local(stamp) {
  const at = Date.parse(`${stamp.replace(" ", "T")}Z`);
  return `${localDate(at)} ${localMinute(at)}`;
}

/** "2026-12-09 20:00", local already, in words. The day is before its month in every language. */
function evening(stamp) {
  const [date, time] = stamp.split(" ");
  return [...dayParts.map((format) => format(Date.parse(`${date}T00:00Z`))), time].join(" ");
}

/** When AutoBOT starts by itself: "20:01 daily", a crontab's words, or "off". */
function schedule(rule) {
  const [time, rest] = rule.split(" ", 2);
  if (rest === "daily") return text("daily", { time });
  return rule === "off" ? text("off") : rule;
}

const formats = {
  text: String,
  integer,
  euro,
  change: percent,
  clock,
  moment,
  minute,
  local,
  day: (date) => longDay(Date.parse(`${date.replaceAll("/", "-")}T00:00Z`)),
  evening,
  numbers: (drawn) => [drawn].flat().join(" · "),
  provisional: (is) => (is ? text("provisional") : ""),
  schedule,
  month: (month) => longMonth(Date.parse(`${month}-01T00:00Z`)),
};
for (const [name, labels] of Object.entries(live.labels.groups)) formats[name] = (value) => labels[value] ?? value;

/** The value in that format; what is unknown is a dash, and no change nothing at all. */
export function formatValue(value, how) {
  if (value === null || value === undefined) return how === "change" ? "" : "–";
  return formats[how](value);
}

/** Show `text` in `node`, touching the page only if that changes something. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
