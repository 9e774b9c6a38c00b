// A chart as a file: PNG for a report, of the same size whatever the screen, in the colours of the theme, with title and
// key; or CSV as the reader's spreadsheet expects it.

import { locale } from "../locale.js";
import { live, now } from "./live.js";

const PICTURE = { width: 1200, height: 600 };
const RATIO = 2; // sharp on paper

export const save = {
  picture(title, { data, options }, { ground, ink }) {
    const font = { family: options.font.family, size: 15 };
    const labels = { color: ink, font, usePointStyle: true, pointStyleWidth: 44, padding: 20, generateLabels: key };
    const head = { display: true, color: ink, font: { ...font, size: 20, weight: "600" }, text: `${title} – ${stamp()}` };
    const paper = {
      id: "paper",
      beforeDraw({ ctx, width, height }) {
        ctx.fillStyle = ground;
        ctx.fillRect(0, 0, width, height);
      },
    };
    const chart = new Chart(Object.assign(document.createElement("canvas"), PICTURE), {
      data,
      options: {
        ...options, font, responsive: false, devicePixelRatio: RATIO, layout: { padding: 20 },
        plugins: { ...options.plugins, legend: { display: true, position: "bottom", labels }, title: head },
      },
      plugins: [paper],
    });
    chart.canvas.toBlob((blob) => {
      download(blob, `${title}.png`);
      chart.destroy();
    }, "image/png");
  },

  table(title, head, { labels, datasets }) {
    const comma = (1.5).toLocaleString(locale).includes(",") ? ";" : ",";
    const rows = labels.map((label, n) => [label, ...datasets.map(({ data }) => data[n] ?? "")]);
    const lines = [head, ...rows].map((cells) => cells.map(quoted).join(comma));
    // The byte order mark shows spreadsheets that it is UTF-8.
    download(new Blob(["\uFEFF", lines.join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" }), `${title}.csv`);
  },
};

/** The key of a chart: lines with their dashes, and boxes for bars. */
function key(chart) {
  const items = Chart.defaults.plugins.legend.labels.generateLabels(chart);
  items.sort((a, b) => a.datasetIndex - b.datasetIndex);
  return items.map((item) => {
    const { type, borderDash } = chart.data.datasets[item.datasetIndex];
    return { ...item, pointStyle: type === "bar" ? "rect" : "line", lineDash: borderDash };
  });
}

const quoted = (cell) => `"${String(cell).replaceAll('"', '""')}"`;

/** Now by the gateway's clock, as the chart's own times are: 2026-01-31 18:05. */
function stamp() {
  const style = { timeZone: live.timeZone, dateStyle: "short", timeStyle: "short" };
  return new Intl.DateTimeFormat("sv", style).format(now() * 1000);
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${stamp().replace(":", ".")} ${name}`; // no file system wants colons
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
