// What staff do here: sent with the session and its CSRF token, reported in a toast, and undone from there.

import { byId, live, text } from "./live.js";

const TOAST_MS = 10_000;

/** POST `body`; the response's JSON. Throws an Error with a text for people. */
export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": live.csrf },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (response === null) throw new Error(text("no_answer"));
  const reply = await response.json().catch(() => ({}));
  if (!response.ok) {
    const [wrong] = Object.values(reply.errors ?? {}).flat(); // of a field, without its name
    throw new Error(wrong ?? reply.detail ?? String(response.status));
  }
  return reply;
}

/** Do it; say how it went, and offer to undo it where the reply says how. Resolves to whether it worked. */
export async function act(path, body, done) {
  try {
    const reply = await post(path, body);
    toast(done, reply.undo && (() => act(live.addresses.undo, { undo: reply.undo }, text("undone", reply))));
    return true;
  } catch (error) {
    toast(text("failed", { why: error.message }));
    return false;
  }
}

/** Show a message for ten seconds, longer while the pointer or the focus is on it. */
function toast(message, undo = null) {
  const node = byId("toast").content.firstElementChild.cloneNode(true);
  const [label, button] = node.children;
  label.textContent = message;
  button.hidden = !undo;
  button.addEventListener("click", () => {
    node.remove();
    undo();
  });
  byId("toasts").append(node);
  const leave = () => (node.matches(":hover, :focus-within") ? setTimeout(leave, 1_000) : node.remove());
  setTimeout(leave, TOAST_MS);
}
