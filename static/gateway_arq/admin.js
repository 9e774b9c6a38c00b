// The theme chosen on the dashboard is the admin's too, and the other way round: the dashboard stores it in a
// cookie, the admin's theme in the browser's storage. Both call it auto, light or dark.
const STORAGE_KEY = "adminTheme";
const chosen = document.cookie.match(/(?:^|; )theme=(auto|light|dark)(?:;|$)/);
if (chosen) localStorage.setItem(STORAGE_KEY, JSON.stringify(chosen[1]));

function writeCookie() {
  const now = localStorage.getItem(STORAGE_KEY)?.match(/^"(auto|light|dark)"$/);
  if (now) document.cookie = `theme=${now[1]}; path=/; max-age=31536000; SameSite=Lax`;
}

// At once, so that the next request carries it; on leaving too, for a choice that changes no class.
new MutationObserver(() => setTimeout(writeCookie)).observe(document.documentElement, { attributeFilter: ["class"] });
addEventListener("pagehide", writeCookie);

addEventListener("DOMContentLoaded", () => {
  for (const { dataset } of document.querySelectorAll("#result_list [data-label]")) {
    dataset.label = dataset.label.charAt(0).toUpperCase() + dataset.label.slice(1);
  }
});
