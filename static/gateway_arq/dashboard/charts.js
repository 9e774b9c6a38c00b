// The charts: Chart.js draws over the sketch that the server made, in the colours of the theme.

import "../../vendor/chart.js/chart.umd.min.js"; // an ordinary script: leaves `Chart` on the window
import { integer, locale, minute } from "./format.js";
import { at, state, text } from "./live.js";
import { onFigures } from "./figures.js";
import { paint } from "./paint.js";
import { save } from "./save.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
const SERIES = ["--series-1", "--series-2", "--series-3"];
const DASHES = [[], [6, 4], [2, 3]]; // a line is known by more than its colour

// By data-chart: the words under it, and its series (name, path, kind), the most important one first.
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

/** What a token like --grid is in the theme of now. */
function colour(token) {
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
}

class HouseChart {
  #figure;
  #spec;
  #chart;

  constructor(figure) {
    this.#figure = figure;
    this.#spec = CHARTS[figure.dataset.chart];
    this.#chart = new Chart(figure.querySelector("canvas"), {
      data: { datasets: this.#spec.series.map(([name, , type]) => ({ type, label: text(name), data: [] })) },
      options: this.#options(),
    });
    figure.querySelector(".sketch").remove();
    for (const button of figure.querySelectorAll("[data-save]")) {
      button.hidden = false;
      button.addEventListener("click", () => this.#save(button.dataset.save));
    }
    this.dress();
    this.show();
  }

  #options() {
    return {
      locale,
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      normalized: true,
      interaction: { mode: "index", intersect: false },
      plugins: { legend: { display: false } },
      scales: {
        x: { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 24 } },
        y: { beginAtZero: true, ticks: { precision: 0, maxTicksLimit: 5, callback: integer }, border: { display: false } },
      },
    };
  }

  /** Draw what the state says now. */
  show() {
    const { data } = this.#chart;
    data.labels = this.#spec.labels();
    data.datasets.forEach((set, n) => (set.data = at(state, this.#spec.series[n][1])));
    this.#chart.update("none");
  }

  /** Take the colours of the theme. */
  dress() {
    const { data, options } = this.#chart;
    data.datasets.forEach((set, n) => {
      const shade = colour(SERIES[n]);
      Object.assign(set, {
        borderColor: shade, backgroundColor: shade, borderDash: DASHES[n], borderWidth: set.type === "bar" ? 0 : 2,
        pointRadius: 0, pointHitRadius: 8, tension: 0.25, order: n && set.type === "line" ? 0 : 1,
      });
    });
    for (const axis of Object.values(options.scales)) {
      axis.ticks.color = colour("--faint");
      axis.grid.color = colour("--grid");
    }
    this.#chart.update("none");
  }

  #save(kind) {
    const { canvas, data } = this.#chart;
    const title = this.#figure.querySelector("h3").textContent;
    if (kind === "png") save.picture(canvas, title, { ground: colour("--card"), ink: colour("--text") });
    else save.table(title, [text("time"), ...data.datasets.map(({ label }) => label)], data);
  }
}

const charts = [...document.querySelectorAll("[data-chart]")].map((figure) => new HouseChart(figure));

onFigures(() => paint(drawAll));
document.addEventListener("themechange", () => charts.forEach((chart) => chart.dress()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((chart) => chart.dress()));

function drawAll() {
  for (const chart of charts) chart.show();
}
