import assert from "node:assert/strict";
import { test } from "node:test";

import { load, openPage } from "./stand_ins.mjs";

openPage({ live: { csrf: "token", words: { groups: {}, texts: { no_answer: "nessuna risposta" } } } });
const { post } = await load("actions.js");

/** The result of a post with that response. */
function posted(answer) {
  globalThis.fetch = async (path, options) => answer(path, options);
  return post("/dashboard/block", { number: "5" });
}

test("what staff do is sent as JSON with the token of their session", async () => {
  const sent = [];
  const answer = (...all) => sent.push(all) && Response.json({ undo: "signed" });
  assert.deepEqual(await posted(answer), { undo: "signed" });
  const [[path, { method, headers, body }]] = sent;
  assert.deepEqual([path, method, body], ["/dashboard/block", "POST", '{"number":"5"}']);
  assert.equal(headers["X-CSRFToken"], "token");
});

test("a failure is explained in the server's most specific words", async () => {
  const refused = (answer, status = 400) => posted(() => Response.json(answer, { status }));
  const errors = { errors: { number: ["Not a number."] }, detail: "Invalid." };
  await assert.rejects(refused(errors), { message: "Not a number." });
  await assert.rejects(refused({ detail: "Forbidden." }, 403), { message: "Forbidden." });
  await assert.rejects(refused({}, 500), { message: "500" });
  await assert.rejects(posted(() => new Response("<html>", { status: 502 })), { message: "502" });
});

test("a gateway that does not respond is reported as unavailable", async () => {
  await assert.rejects(posted(() => Promise.reject(new TypeError("fetch failed"))), { message: "nessuna risposta" });
});
