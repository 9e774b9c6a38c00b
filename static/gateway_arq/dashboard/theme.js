// The switch of the theme: the system's, light, dark. A cookie lets the server render the next page in it at once.

const ORDER = ["auto", "light", "dark"];
const YEAR_S = 31_536_000;

const root = document.documentElement;
const button = document.getElementById("theme");

button.hidden = false;
button.addEventListener("click", () => {
  const next = ORDER[(ORDER.indexOf(root.dataset.theme) + 1) % ORDER.length];
  root.dataset.theme = next;
  document.cookie = `theme=${next}; path=/; max-age=${YEAR_S}; SameSite=Lax`;
});
