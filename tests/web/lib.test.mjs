// The pure parts, by tables that the Python tests read too (cases/), and by tables of their own.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

import * as camera from "../../web/js/lib/camera_sketch.mjs";
import * as corrections from "../../web/js/lib/corrections.mjs";
import { nodeOf } from "../../web/js/lib/graph_path.mjs";
import * as poses from "../../web/js/lib/pose_track.mjs";
import { minutes, progressLine, remainingSeconds } from "../../web/js/lib/progress_line.mjs";
import * as geometry from "../../web/js/lib/stage_geometry.mjs";
import * as trim from "../../web/js/lib/trim.mjs";
import { speaker, TRANSLATED } from "../../web/js/lib/words.mjs";

const table = (name) => JSON.parse(readFileSync(new URL(`./cases/${name}.json`, import.meta.url), "utf8"));
const near = (one, other, tolerance = 1e-4) => assert.ok(Math.abs(one - other) <= tolerance, `${one} is not ${other}`);

test("corrections move what the Python side moves", () => {
  for (const { name, points, joints, expected } of table("corrections").moved) {
    const all = Array.from({ length: 33 }, (_, index) => points[index] ?? [0, 0, 0]);
    const moved = corrections.correctedPoints(all, joints);
    for (const [index, values] of Object.entries(expected)) {
      values.forEach((value, axis) => near(moved[index][axis], value), name);
    }
  }
});

test("a text the Python side refuses is no correction here either", () => {
  for (const { text } of table("corrections").refused) {
    assert.equal(corrections.parseCorrections(text), null, text);
  }
  assert.deepEqual(corrections.parseCorrections(" "), {});
});

test("corrections are written, read, and taken back", () => {
  let saved = corrections.withJoint({}, "2", "ab", "left_toe", [0.123456, 2]);
  saved = corrections.withJoint(saved, "1", "", "head", [0.5, 0.25]);
  saved = corrections.withJoint(saved, "2", "ab", "left_hip", [0.5, 0.5]);
  const text = corrections.formatCorrections(saved);
  assert.equal(text, '{"1":{"joints":{"head":[0.5,0.25]}},"2":{"picture":"ab","joints":{"left_hip":[0.5,0.5],"left_toe":[0.1235,1.25]}}}');
  assert.equal(corrections.formatCorrections(corrections.parseCorrections(text)), text);
  assert.equal(corrections.formatCorrections(corrections.withoutJoint(corrections.withoutJoint(saved, "2"), "1", "head")), "");
  assert.deepEqual(Object.keys(corrections.renumbered(saved, [2, null, 1])), ["1", "3"]);
  assert.deepEqual(corrections.renumbered(saved, [2, null, null])["1"].joints.left_hip, [0.5, 0.5]);
});

test("where nobody was found, a person stands upright and nothing is trusted", () => {
  const points = corrections.standingPoints();
  assert.ok(corrections.jointOf(points, "head")[1] < corrections.jointOf(points, "left_hip")[1]);
  near(corrections.jointOf(points, "left_wrist")[0], 1 - corrections.jointOf(points, "right_wrist")[0]);
  assert.ok(points.every(([, , trust]) => trust === 0));
});

test("the part of a clip that is used is the node's own", () => {
  for (const { name, from, to, ...numbers } of table("trim").used) {
    const span = trim.usedSpan(numbers);
    near(span.from, from);
    near(span.to, to);
    assert.equal(span.isShort, false, name);
  }
  for (const numbers of table("trim").short) {
    assert.equal(trim.usedSpan(numbers).isShort, true);
  }
});

test("handles and numbers say the same, also after many drags", () => {
  for (const total of [3.2, 8, 40]) {
    let span = { from: 0, to: Math.min(total, 30) };
    for (let at = 0; at < 200; at += 1) {
      span = trim.draggedSpan(span, at % 2 ? "to" : "from", ((at * 7919) % 1000) / 1000 * (total + 2) - 1, total);
      assert.ok(span.from >= 0 && span.to <= total + 1e-9, JSON.stringify(span));
      assert.ok(span.to - span.from >= Math.min(3, total) - 1e-9 && span.to - span.from <= 30 + 1e-9, JSON.stringify(span));
      const used = trim.usedSpan({ ...trim.numbersOf({ ...span, total }), total });
      near(used.from, span.from, 0.006);
      near(used.to, span.to, 0.012);
    }
  }
  assert.deepEqual(trim.numbersOf({ from: 2, to: 8, total: 8 }), { start: 2, duration: 0 });
  assert.deepEqual(trim.numbersOf({ from: 1.234, to: 5, total: 8 }), { start: 1.23, duration: 3.77 });
});

test("clock", () => {
  for (const [seconds, shown] of [[0, "0:00.00"], [4.2, "0:04.20"], [59.999, "1:00.00"], [75.5, "1:15.50"], [-1, "0:00.00"]]) {
    assert.equal(trim.clock(seconds), shown);
  }
});

test("a pose track is read as Python wrote it", () => {
  const { track, places, trusts } = table("pose_track");
  const decoded = poses.decodeTrack(track);
  assert.equal(decoded.points.length, 2 * 145 * 2);
  for (const [frame, index, x, y] of places) {
    near(decoded.points[(frame * 145 + index) * 2], x);
    near(decoded.points[(frame * 145 + index) * 2 + 1], y);
  }
  for (const [frame, index, value] of trusts) {
    near(decoded.trust[frame * 36 + index], value, 1 / 255);
  }
  assert.equal(decoded.seconds, 0.5);
  assert.deepEqual([-1, 0, 0.2499, 0.25, 9].map((seconds) => poses.frameAt(decoded, seconds)), [0, 0, 0, 1, 1]);
  assert.equal(poses.secondsOf(decoded, 1), 0.25);
  assert.deepEqual(poses.coverage(decoded), { body: 100, hands: 100, face: 100 });
  const hands = poses.linesOf(decoded, 0, { hands: true });
  assert.ok(hands.length === 21 && hands.every(({ side }) => side === "left"));
  assert.ok(poses.linesOf(decoded, 0, { body: true }).every(({ trust }) => trust >= 0.3));
  assert.equal(poses.linesOf(decoded, 0, {}).length, 0);
  assert.throws(() => poses.decodeTrack({ ...track, version: 2 }), /version 2/);
});

test("confidence runs from red to green", () => {
  assert.deepEqual([0, 0.5, 1, 7].map(poses.trustColour), ["hsl(0 85% 58%)", "hsl(60 85% 58%)", "hsl(120 85% 58%)", "hsl(120 85% 58%)"]);
});

test("the camera moves the picture as Python's does", () => {
  for (const { directive, width, height, expected } of table("camera").similarities) {
    const found = camera.lastSimilarity(directive, width, height);
    Object.entries(expected).forEach(([name, value]) => near(found[name], value, 1e-3));
    const shown = camera.lastFrame(directive, width, height);
    near(found.zoom * shown.x + found.x, 0);
    near(found.zoom * (shown.y + shown.height) + found.y, height);
  }
  const still = { pan: 0, tilt: 0, zoom: 1, orbit: 0 };
  assert.ok(camera.isStill(still) && !camera.isStill({ ...still, zoom: 1.1 }));
  assert.equal(camera.inWords(still), "the camera stands still");
  assert.equal(camera.inWords({ pan: -5, tilt: 2, zoom: 1.25, orbit: 10 }), "the camera turns 5° left, tilts 2° up, moves in to 1.25×, goes 10° round to the right");
  const side = camera.cameraFromAbove([0, 0], 10, { pan: 0, orbit: 90 });
  near(side.place[0], 10);
  near(Math.cos(side.looks), -1);
});

test("a stage fits its picture and finds what is pointed at", () => {
  const place = geometry.fitted(100, 200, 300, 300, 10);
  assert.deepEqual(place, { x: 80, y: 10, width: 140, height: 280 });
  assert.deepEqual(geometry.inPicture(place, geometry.onStage(place, [0.25, 0.5])), [0.25, 0.5]);
  assert.equal(geometry.nearest([[0, 0], [5, 5], [6, 6]], [5.2, 5.2], 3), 1);
  assert.equal(geometry.nearest([[0, 0]], [9, 9], 3), -1);
  const zoomed = { getBoundingClientRect: () => ({ left: 100, top: 50, width: 600, height: 300 }), clientWidth: 300, clientHeight: 150 };
  assert.deepEqual(geometry.pointerPlace({ clientX: 400, clientY: 200 }, zoomed), [150, 75]);
  assert.deepEqual(geometry.dialTip([0, 0], 10, 0), [0, 10]);
  for (const [degrees, words] of [[3, "facing the camera"], [-40, "turned 40° to the picture's left"], [90, "turned 90° to the picture's right"], [-178, "seen from behind"]]) {
    assert.equal(geometry.facingInWords(degrees), words);
  }
});

test("progress tells the remaining time once it can", () => {
  assert.equal(remainingSeconds({ done: 0, total: 10, seconds: 5 }), null);
  assert.equal(remainingSeconds({ done: 1, total: 100, seconds: 5 }), null);
  assert.equal(remainingSeconds({ done: 10, total: 100, seconds: 1 }), null);
  assert.equal(remainingSeconds({ done: 100, total: 100, seconds: 9 }), null);
  assert.equal(remainingSeconds({ done: 25, total: 100, seconds: 10 }), 30);
  assert.equal(progressLine({ done: 25, total: 100, stage: "window 2 of 5", seconds: 10 }), "window 2 of 5 · 25 % · about 0:30 left");
  assert.equal(progressLine({ done: 0, total: 0, seconds: 0 }), "0 %");
  assert.deepEqual([0.2, 61, 3725].map(minutes), ["0:01", "1:01", "1:02:05"]);
});

test("a node inside subgraphs is found by its path", () => {
  const inner = { getNodeById: (id) => (id === 7 ? "inner" : null) };
  const graph = { getNodeById: (id) => (id === 12 ? { subgraph: inner } : null) };
  assert.equal(nodeOf(graph, "12:7"), "inner");
  assert.equal(nodeOf(graph, "3:7"), null);
  assert.equal(nodeOf(null, "7"), null);
});

test("what the views say is translated, with the same values in it", () => {
  const known = new Map(TRANSLATED);
  const folder = new URL("../../web/js/", import.meta.url);
  const sources = ["views", "lib"].flatMap((name) => readdirSync(new URL(`${name}/`, folder)).map((file) => readFileSync(new URL(`${name}/${file}`, folder), "utf8")));
  const said = sources.filter((text) => !text.includes("const ZH")).flatMap((text) => (
    [...text.matchAll(/\bsay\((?:[^"()]|"[^"]*"|\([^()]*\))*\)/g)].flatMap(([call]) => [...call.matchAll(/"([^"]+)"/g)])
  ));
  const constants = sources.flatMap((text) => [...text.matchAll(/^const (?:EMPTY|UNREADABLE|NOBODY|UNSHOWN|LINKED|IDLE) = "([^"]+)"/gm)]);
  const sentences = [...said, ...constants].map(([, sentence]) => sentence).filter((sentence) => /[a-z]{2}/i.test(sentence));
  assert.ok(sentences.length > 50, `${sentences.length} sentences`);
  for (const sentence of [...sentences, ...corrections.JOINT_NAMES.map((name) => name.replace("_", " "))]) {
    assert.ok(known.has(sentence), sentence);
  }
  const places = (text) => [...text.matchAll(/\{\d\}/g)].map(([place]) => place).sort();
  for (const [english, chinese] of known) {
    assert.deepEqual(places(chinese), places(english), english);
  }
  assert.equal(speaker("zh")("View {0}", 2), "视图 2");
  assert.equal(speaker("zh-TW")("not translated {0}", 2), "not translated 2");
  assert.equal(speaker(undefined)("View {0}", 2), "View 2");
});
