// The reader's key, stored for this tab only, and the snippets with it and with this address in them.

const NAME = "gateway-key";
const field = document.getElementById("api-key");
const listeners = [];

export const key = () => sessionStorage.getItem(NAME) ?? "";

export function setKey(value) {
  if (value === key()) return;
  sessionStorage.setItem(NAME, value);
  field.value = value;
  for (const listener of listeners) listener();
}

export const onKey = (listener) => listeners.push(listener);

// The gateway writes snippets for localhost:8000 and YOUR_API_KEY: gateway_arq/apidocs/snippets.py.
export function filledIn(text) {
  const socket = location.origin.replace(/^http/, "ws");
  return text
    .replaceAll("http://localhost:8000", location.origin)
    .replaceAll("ws://localhost:8000", socket)
    .replaceAll("YOUR_API_KEY", encodeURIComponent(key()) || "YOUR_API_KEY");
}

field.value = key();
field.addEventListener("input", () => setKey(field.value.trim()));
