// The charts: Chart.js draws over the sketch that the server made, in the colours of the theme.

import "../../vendor/chart.js/chart.umd.min.js"; // an ordinary script: leaves `Chart` on the window
import { integer, locale, minute } from "./format.js";
import { at, state, text } from "./live.js";
import { onFigures } from "./figures.js";
import { paint } from "./paint.js";
import { save } from "./save.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
const SERIES = ["--series-1", "--series-2", "--series-3"];
const DASHES = [[], [6, 4], [2, 3]]; // a line differs by more than its colour

// By data-chart: the words under it, and its series (name, path, kind), the most important one first. `unfinished`:
// the first series ends with a count of the hour that runs, which must not look like a fall.
const CHARTS = {
  rhythm: {
    labels: () => state.figures.calls.rhythm.at.map(minute),
    series: [["calls", "figures.calls.rhythm.now", "bar"], ["calls_before", "figures.calls.rhythm.before", "line"]],
  },
  hours: {
    labels: () => HOURS,
    series: [
      ["now", "figures.calls.hours.now", "line"],
      ["yesterday", "figures.calls.hours.yesterday", "line"],
      ["last_week", "figures.calls.hours.last_week", "line"],
    ],
    unfinished: true,
  },
  recent: {
    labels: () => state.figures.television.recent.at.map(minute),
    series: [["viewers", "figures.television.recent.average", "line"], ["peak", "figures.television.recent.peak", "line"]],
  },
  audience: {
    labels: () => HOURS,
    series: [["now", "figures.television.hours.now", "line"], ["yesterday", "figures.television.hours.yesterday", "line"]],
  },
};

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** The colour of a token like --grid in the current theme. */
function colour(token) {
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

const isLast = ({ data }, n) => n === data.length - 1;

/** The line to the hour that runs is grey, and says why. */
function unfinished(options, [first]) {
  const grey = colour("--faint");
  first.segment = { borderColor: ({ p1DataIndex }) => (isLast(first, p1DataIndex) ? grey : undefined) };
  const footer = (items) => (items.some(({ dataIndex }) => isLast(first, dataIndex)) ? text("hour_runs") : "");
  options.plugins.tooltip = { callbacks: { footer } };
}

/** A value between two unknown ones makes no line: it is a point. */
function alone({ dataset: { data }, dataIndex: n }) {
  return (data[n - 1] ?? data[n + 1] ?? null) === null ? 2 : 0;
}

function options() {
  const [faint, grid] = [colour("--faint"), colour("--grid")];
  const { fontFamily: family, fontSize } = getComputedStyle(document.documentElement);
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

class PanelChart {
  #figure;
  #spec;
  #chart = null;
  #shown = ""; // what it shows: drawing the same again would cost as much

  constructor(figure) {
    this.#figure = figure;
    this.#spec = CHARTS[figure.dataset.chart];
    this.draw();
    figure.querySelector(".sketch").remove();
    for (const button of figure.querySelectorAll("[data-save]")) {
      button.hidden = false;
      button.addEventListener("click", () => this.#save(button.dataset.save));
    }
  }

  /** Redraw it in the colours of the current theme. */
  draw() {
    this.#chart?.destroy();
    this.#chart = new Chart(this.#figure.querySelector("canvas"), this.#drawing());
  }

  /** The configuration for Chart.js. */
  #drawing() {
    const datasets = this.#spec.series.map(([name, path, type], n) => ({
      type, label: text(name), data: at(state, path), ...appearance(type, n),
    }));
    const drawing = { data: { labels: this.#spec.labels(), datasets }, options: options() };
    if (this.#spec.unfinished) unfinished(drawing.options, datasets);
    return drawing;
  }

  /** Draw the current state. */
  show() {
    const labels = this.#spec.labels();
    const values = this.#spec.series.map(([, path]) => at(state, path));
    const content = JSON.stringify([labels, values]);
    if (content === this.#shown) return;
    this.#shown = content;
    this.#chart.data.labels = labels;
    this.#chart.data.datasets.forEach((set, n) => (set.data = values[n]));
    this.#chart.update("none");
  }

  #save(kind) {
    const title = this.#figure.querySelector("h3").textContent;
    const { data } = this.#chart;
    if (kind === "png") save.picture(title, this.#drawing(), { ground: colour("--card"), ink: colour("--text") });
    else save.table(title, [text("time"), ...data.datasets.map(({ label }) => label)], data);
  }
}

const charts = [...document.querySelectorAll("[data-chart]")].map((figure) => new PanelChart(figure));

const showAll = () => charts.forEach((chart) => chart.show());
const drawAll = () => charts.forEach((chart) => chart.draw());

onFigures(() => paint(showAll));
document.addEventListener("themechange", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
