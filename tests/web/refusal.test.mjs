// Run by tests/web/test_javascript.py with `node --test`.
import assert from "node:assert/strict";
import test from "node:test";

import { refusalOf } from "../../web/js/lib/refusal.mjs";

test("a KMC node's message is shown whole, with its title", () => {
  const detail = { node_type: "KMCSampler", exception_message: "Shorten the prompt. It is too long.\n" };
  assert.deepEqual(refusalOf(detail), { summary: "KMC Sampler", detail: "Shorten the prompt. It is too long." });
});

test("other packs' errors are left to ComfyUI", () => {
  assert.equal(refusalOf({ node_type: "KSampler", exception_message: "x" }), null);
  assert.equal(refusalOf(undefined), null);
});

test("an object's own names are no node types", () => {
  assert.equal(refusalOf({ node_type: "OrientationMode", exception_message: "" }), null);
});
