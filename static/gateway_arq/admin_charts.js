// The charts of the admin, each from the series that stand beside it in the page.

import { configuration, onThemeChange } from "./chart.js";

function show(figure) {
  const { labels, series } = JSON.parse(figure.querySelector("script").textContent);
  let chart = null;
  const draw = () => {
    chart?.destroy();
    chart = new Chart(figure.querySelector("canvas"), configuration(labels, series));
  };
  draw();
  onThemeChange(draw);
}

await document.fonts.ready; // a canvas is not drawn again when its font comes
document.querySelectorAll("[data-chart]").forEach(show);
