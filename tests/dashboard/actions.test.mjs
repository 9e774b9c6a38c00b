import assert from "node:assert/strict";
import { test } from "node:test";

import { load, openPage } from "./stand_ins.mjs";

openPage({ live: { csrf: "token", words: { groups: {}, texts: { no_answer: "nessuna risposta" } } } });
const { post } = await load("actions.js");

/** The result of a post with that response. */
function posted(respond) {
  globalThis.fetch = async (path, options) => respond(path, options);
  return post("/dashboard/block", { number: "5" });
}

test("what staff do is sent as JSON with the token of their session", async () => {
  const sent = [];
  const respond = (...all) => sent.push(all) && Response.json({ undo: "signed" });
  assert.deepEqual(await posted(respond), { undo: "signed" });
  const [[path, { method, headers, body }]] = sent;
  assert.deepEqual([path, method, body], ["/dashboard/block", "POST", '{"number":"5"}']);
  assert.equal(headers["X-CSRFToken"], "token");
});

test("a failure is explained in the server's most specific words", async () => {
  const refused = (body, status = 400) => posted(() => Response.json(body, { status }));
  const errors = { errors: { number: ["Not a number."] }, detail: "Invalid." };
  await assert.rejects(refused(errors), { message: "Not a number." });
  await assert.rejects(refused({ detail: "Forbidden." }, 403), { message: "Forbidden." });
  await assert.rejects(refused({}, 500), { message: "500" });
  await assert.rejects(posted(() => new Response("<html>", { status: 502 })), { message: "502" });
});

test("a gateway that does not respond is reported as unavailable", async () => {
  await assert.rejects(posted(() => Promise.reject(new TypeError("fetch failed"))), { message: "nessuna risposta" });
});
