// The charts of the dashboard: they follow its figures, and are saved as files.

import { colour, configuration, onThemeChange } from "../chart.js";
import { minute } from "./format.js";
import { at, state, text } from "./live.js";
import { onFigures } from "./figures.js";
import { paint } from "./paint.js";
import { save } from "./save.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));

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

const isLast = ({ data }, n) => n === data.length - 1;

/** The line to the hour that runs is grey, and says why. */
function unfinished(options, [first]) {
  const grey = colour("--faint");
  first.segment = { borderColor: ({ p1DataIndex }) => (isLast(first, p1DataIndex) ? grey : undefined) };
  const footer = (items) => (items.some(({ dataIndex }) => isLast(first, dataIndex)) ? text("hour_runs") : "");
  options.plugins.tooltip = { callbacks: { footer } };
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
    const series = this.#spec.series.map(([name, path, type]) => ({ type, label: text(name), data: at(state, path) }));
    const drawing = configuration(this.#spec.labels(), series);
    if (this.#spec.unfinished) unfinished(drawing.options, drawing.data.datasets);
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
onThemeChange(drawAll);
