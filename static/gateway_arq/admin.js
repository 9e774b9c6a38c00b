// The theme chosen on the dashboard is the admin's too, and the other way round: the dashboard keeps it in a
// cookie, the admin's theme in the browser's storage. Both call it auto, light or dark.
const KEPT = "adminTheme";
const chosen = document.cookie.match(/(?:^|; )theme=(auto|light|dark)(?:;|$)/);
if (chosen) localStorage.setItem(KEPT, JSON.stringify(chosen[1]));

function tell() {
  const now = localStorage.getItem(KEPT)?.match(/^"(auto|light|dark)"$/);
  if (now) document.cookie = `theme=${now[1]}; path=/; max-age=31536000; SameSite=Lax`;
}

// At once, so that the next page is asked for with it; what looks the same both ways is told on leaving.
new MutationObserver(() => setTimeout(tell)).observe(document.documentElement, { attributeFilter: ["class"] });
addEventListener("pagehide", tell);

addEventListener("DOMContentLoaded", () => {
  for (const { dataset } of document.querySelectorAll("#result_list [data-label]")) {
    dataset.label = dataset.label.charAt(0).toUpperCase() + dataset.label.slice(1);
  }
});
