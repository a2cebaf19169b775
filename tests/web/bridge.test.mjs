// The bridge to a node's widgets, on the plainest node there can be.
import assert from "node:assert/strict";
import test from "node:test";

import { chain, readNumber, readSwitch, readText, watch, widgetOf, write } from "../../web/js/lib/widget_bridge.mjs";

const nodeWith = (values) => ({ widgets: Object.entries(values).map(([name, value]) => ({ name, value })) });

test("values of the wrong kind fall to their defaults", () => {
  for (const [value, expected] of [[2, 2], ["2.5", 2.5], ["", 7], [null, 7], [undefined, 7], ["a", 7], [NaN, 7], [Infinity, 7]]) {
    assert.equal(readNumber(nodeWith({ x: value }), "x", 7), expected);
  }
  assert.equal(readNumber({}, "x", 7), 7);
  assert.equal(readText(nodeWith({ x: 3 }), "x", "none"), "none");
  assert.equal(readText(nodeWith({ x: "a" }), "x"), "a");
  assert.equal(readSwitch(nodeWith({ x: "true" }), "x"), false);
  assert.equal(readSwitch(nodeWith({ x: true }), "x"), true);
  assert.equal(widgetOf({ widgets: undefined }, "x"), null);
});

test("only what changes is written, and listeners are told once", () => {
  const node = nodeWith({ x: 1 });
  const heard = [];
  node.widgets[0].callback = (value) => heard.push(value);
  assert.equal(write(node, "x", 1), false);
  assert.equal(write(node, "x", 2), true);
  assert.equal(write(node, "absent", 2), false);
  assert.deepEqual([node.widgets[0].value, heard], [2, [2]]);
});

test("watching keeps earlier listeners, hears a loaded workflow, and ends", () => {
  const node = nodeWith({ x: 1, y: 1 });
  const heard = [];
  node.widgets[0].callback = () => heard.push("earlier");
  node.onConfigure = () => heard.push("configured");
  const ending = new AbortController();
  watch(node, ["x", "absent"], (name) => heard.push(name), ending.signal);
  write(node, "x", 2);
  write(node, "y", 2);
  node.onConfigure({});
  ending.abort();
  write(node, "x", 3);
  assert.deepEqual(heard, ["earlier", "x", "configured", null, "earlier"]);
});

test("a chained method keeps its result and its object", () => {
  const object = { value: 4, method(add) { return this.value + add; } };
  const heard = [];
  chain(object, "method", (add) => heard.push(add));
  assert.equal(object.method(3), 7);
  assert.deepEqual(heard, [3]);
});
