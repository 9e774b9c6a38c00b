// What staff do here: sent with the session and its CSRF token, told in a toast, and undone from there.

import { byId, live, text } from "./live.js";

const TOAST_MS = 10_000;

/** The answer to `body` as JSON. Throws an Error with a text for people. */
export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": live.csrf },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (response === null) throw new Error(text("no_answer"));
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const [wrong] = Object.values(answer.errors ?? {}).flat(); // of a field, without its name
    throw new Error(wrong ?? answer.detail ?? String(response.status));
  }
  return answer;
}

/** Do it; say how it went, and offer to undo it where the answer tells how. Resolves to whether it worked. */
export async function act(path, body, done) {
  try {
    const answer = await post(path, body);
    toast(done, answer.undo && (() => act(live.addresses.undo, { undo: answer.undo }, text("undone", answer))));
    return true;
  } catch (error) {
    toast(text("failed", { why: error.message }));
    return false;
  }
}

/** Tell it for ten seconds, longer while the pointer or the focus is on it. */
function toast(message, undo = null) {
  const node = byId("toast").content.firstElementChild.cloneNode(true);
  const [told, button] = node.children;
  told.textContent = message;
  button.hidden = !undo;
  button.addEventListener("click", () => {
    node.remove();
    undo();
  });
  byId("toasts").append(node);
  const leave = () => (node.matches(":hover, :focus-within") ? setTimeout(leave, 1_000) : node.remove());
  setTimeout(leave, TOAST_MS);
}
