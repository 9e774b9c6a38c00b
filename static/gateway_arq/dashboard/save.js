// A chart as a file: PNG on the theme's ground with its title, or CSV as the reader's spreadsheet expects it.

import { locale } from "./format.js";

const TITLE_PX = 36;

export const save = {
  picture(canvas, title, { ground, ink }) {
    const ratio = devicePixelRatio || 1;
    const copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height + TITLE_PX * ratio;
    const pen = copy.getContext("2d");
    pen.fillStyle = ground;
    pen.fillRect(0, 0, copy.width, copy.height);
    pen.fillStyle = ink;
    pen.font = `600 ${15 * ratio}px system-ui, sans-serif`;
    pen.fillText(`${title} – ${stamp().replace("T", " ")}`, 10 * ratio, 24 * ratio);
    pen.drawImage(canvas, 0, TITLE_PX * ratio);
    copy.toBlob((blob) => download(blob, `${title}.png`), "image/png");
  },

  table(title, head, { labels, datasets }) {
    const comma = (1.5).toLocaleString(locale).includes(",") ? ";" : ",";
    const rows = labels.map((label, n) => [label, ...datasets.map(({ data }) => data[n] ?? "")]);
    const lines = [head, ...rows].map((cells) => cells.map(quoted).join(comma));
    // The mark at the beginning tells spreadsheets that it is UTF-8.
    download(new Blob(["\uFEFF", lines.join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" }), `${title}.csv`);
  },
};

const quoted = (cell) => `"${String(cell).replaceAll('"', '""')}"`;

/** Now by the reader's clock, as 2026-01-31T18:05. */
function stamp() {
  const at = new Date();
  return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${stamp().replaceAll(":", "")} ${name}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
