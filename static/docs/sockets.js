import { filledIn, key, onKey } from "./key.js";
import { refresh, tabs } from "./tabs.js";

const MAX_MESSAGES = 200;

for (const place of document.querySelectorAll("[data-snippets]")) {
  const samples = [...place.querySelectorAll("section")].map((section) => {
    const text = section.textContent.trim();
    return { name: section.dataset.name, source: () => filledIn(text) };
  });
  tabs(place, samples);
}
onKey(refresh);

const form = document.getElementById("listen");
const link = document.getElementById("link");
const log = document.getElementById("log");
const button = form.querySelector("button");
let ws = null;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (ws) ws.close();
  else listen();
});

function listen() {
  const { address, types } = form.elements;
  const params = new URLSearchParams();
  if (key()) params.set("api_key", key());
  if (types.value.trim()) params.set("types", types.value.replaceAll(" ", ""));
  ws = new WebSocket(`${location.origin.replace(/^http/, "ws")}${address.value}?${params}`);
  log.hidden = false;
  log.replaceChildren();
  setStatus("connecting", "Stop");
  ws.onopen = () => setStatus("connected", "Stop");
  ws.onmessage = ({ data }) => show(data);
  ws.onclose = ({ code }) => {
    ws = null;
    setStatus(`closed (${code})`, "Connect");
  };
}

function setStatus(state, next) {
  link.textContent = state;
  button.textContent = next;
}

function show(text) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 20;
  log.append(`${text}\n`);
  while (log.childNodes.length > MAX_MESSAGES) log.firstChild.remove();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

// A link to a message opens it.
const open = () => {
  const message = location.hash && document.getElementById(location.hash.slice(1));
  if (message instanceof HTMLDetailsElement) message.open = true;
};
addEventListener("hashchange", open);
open();
