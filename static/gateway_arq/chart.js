// How every chart looks: Chart.js in the colours of the theme.

import "../vendor/chart.js/chart.umd.min.js"; // an ordinary script: leaves `Chart` on the window
import { integer, locale } from "./locale.js";

const SERIES = ["--series-1", "--series-2", "--series-3"];
const DASHES = [[], [6, 4], [2, 3]]; // a line differs by more than its colour

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** The colour of a token like --grid in the current theme. */
export function colour(token) {
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
}

/** Colours and lines of the nth series. */
function appearance(type, n) {
  const shade = colour(SERIES[n]);
  const common = { borderColor: shade, backgroundColor: shade, order: type === "bar" ? 2 : 1 };
  if (type === "bar") return common;
  return { ...common, borderDash: DASHES[n], borderWidth: 2, pointRadius: alone, pointHitRadius: 8, tension: 0.25 };
}

/** A value between two unknown ones makes no line: it is a point. */
function alone({ dataset: { data }, dataIndex: n }) {
  return (data[n - 1] ?? data[n + 1] ?? null) === null ? 2 : 0;
}

function options() {
  const [faint, grid] = [colour("--faint"), colour("--grid")];
  const { fontFamily: family } = getComputedStyle(document.body);
  const { fontSize } = getComputedStyle(document.documentElement);
  return {
    locale,
    font: { family, size: 0.75 * parseFloat(fontSize) }, // on a wall everything is larger
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: { legend: { display: false } },
    scales: {
      x: { grid: { display: false }, ticks: { color: faint, maxRotation: 0, autoSkipPadding: 24 } },
      y: {
        beginAtZero: true,
        border: { display: false },
        grid: { color: grid },
        ticks: { color: faint, precision: 0, maxTicksLimit: 5, callback: integer },
      },
    },
  };
}

/** The configuration for Chart.js. Series are { label, data, type }, the most important one first; null is unknown. */
export function configuration(labels, series) {
  const datasets = series.map(({ type = "line", ...rest }, n) => ({ type, ...rest, ...appearance(type, n) }));
  return { data: { labels, datasets }, options: options() };
}

/** Calls `redraw` when the theme changes: chosen in the dashboard or in the admin, or the system's. */
export function onThemeChange(redraw) {
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["class", "data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
