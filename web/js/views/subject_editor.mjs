// BuildSubjectLibrary: every view with its rig and facing; joints are dragged to where they belong.
import { JOINT_NAMES, correctedPoints, formatCorrections, jointOf, parseCorrections, renumbered, standingPoints, withJoint, withoutJoint } from "../lib/corrections.mjs";
import { dialTip, facingInWords, fitted, inPicture, nearest, onStage, pointerPlace } from "../lib/stage_geometry.mjs";
import { readText, watch, write } from "../lib/widget_bridge.mjs";
import { checkBox, element, isDrawable, keepHere, loadPicture, makeStage } from "./elements.mjs";

const WIDGET = "corrections";
const MARGIN = 10;
const REACH = 16;
const STEP = 0.004;
const SEEN = 0.4;
const COLOURS = { left: "#50aaff", right: "#ff963c", middle: "#78dc78" };
const BONES = ["left", "right"].flatMap((side) => [
  ["neck", `${side}_shoulder`], [`${side}_shoulder`, `${side}_elbow`], [`${side}_elbow`, `${side}_wrist`], [`${side}_wrist`, `${side}_knuckles`],
  ["pelvis", `${side}_hip`], [`${side}_hip`, `${side}_knee`], [`${side}_knee`, `${side}_ankle`], [`${side}_ankle`, `${side}_toe`],
]).concat([["pelvis", "neck"], ["neck", "head"]]);
const EMPTY = "Run the workflow to see the character's rig here. Wrong joints can then be dragged into place.";
const NOBODY = "Nobody was found: drag the shoulders and hips into place, then run again.";
const UNREADABLE = "The corrections of this workflow cannot be read. Reset the view to start again.";

const sideOf = (name) => (name.startsWith("left") ? "left" : name.startsWith("right") ? "right" : "middle");
const inWords = (name) => name.replace("_", " ");

export function subjectEditor({ node, signal, say, viewAddress }) {
  let views = [];
  let at = 0;
  let chosen = "left_elbow";
  let dragged = null;
  let isNew = false; // corrections that no run has used yet

  const stage = makeStage({
    draw: (context, width, height) => paint(context, width, height), signal,
    tabindex: 0, role: "application", "aria-label": say("Joints of the character. Arrow keys move the chosen joint, Delete takes its correction back."),
  });
  const canvas = stage.canvas;
  const tabs = element("div", { class: "kmc-bar", role: "tablist", "aria-label": say("Views") });
  const joint = element("select", { class: "kmc-grow", "aria-label": say("Joint"), signal, on: { change: () => choose(joint.value) } },
    ...JOINT_NAMES.map((name) => element("option", { value: name, text: say(inWords(name)) })));
  const resetJoint = element("button", { type: "button", text: say("Reset joint"), signal, on: { click: () => save(withoutJoint(read(), key(), chosen)) } });
  const resetView = element("button", { type: "button", text: say("Reset view"), signal, on: { click: () => save(withoutJoint(read(), key())) } });
  const note = element("div", { class: "kmc-note", "aria-live": "polite" });
  const cutOut = checkBox(say("cut-out"), { checked: false, signal, title: say("Show what was cut out of the picture"), onChange: () => stage.redraw() });
  const bar = element("div", { class: "kmc-bar" }, joint, resetJoint, resetView, cutOut.label);
  const root = element("div", { class: "kmc-view kmc-subject", role: "group", "aria-label": say("Views of the character") }, tabs, stage.element, bar, note);

  const key = () => String(at + 1);
  const current = () => views[at] ?? null;
  /** What the widget says, by the numbers the pictures have now. */
  function read() {
    const saved = parseCorrections(readText(node, WIDGET)) ?? {};
    return views.some((view, index) => view.corrections !== null && view.corrections !== index + 1) ? renumbered(saved, views.map((view) => view.corrections)) : saved;
  }
  function save(corrections) {
    isNew = write(node, WIDGET, formatCorrections(corrections)) || isNew;
    views.forEach((view, index) => { view.corrections = index + 1; });
    refresh();
  }
  const joints = () => ({ ...read()[key()]?.joints, ...(dragged === null ? {} : { [chosen]: dragged }) });
  const points = () => correctedPoints(current().points ?? standingPoints(), joints());

  function choose(name) {
    chosen = name;
    joint.value = name;
    refresh();
  }
  function place(fraction) {
    save(withJoint(read(), key(), current().mark, chosen, fraction));
  }

  const box = () => fitted(current().width, current().height, canvas.clientWidth, canvas.clientHeight, MARGIN);
  canvas.addEventListener("pointerdown", (event) => {
    if (current() === null || event.button !== 0) {
      return;
    }
    keepHere(event);
    canvas.focus({ preventScroll: true });
    const [area, known] = [box(), points()];
    const hit = nearest(JOINT_NAMES.map((name) => onStage(area, jointOf(known, name))), pointerPlace(event, canvas), REACH);
    if (hit >= 0) {
      choose(JOINT_NAMES[hit]);
      canvas.setPointerCapture(event.pointerId);
      dragged = jointOf(known, chosen).slice(0, 2);
    }
  }, { signal });
  canvas.addEventListener("pointermove", (event) => {
    if (dragged !== null) {
      event.stopPropagation();
      dragged = inPicture(box(), pointerPlace(event, canvas));
      stage.redraw();
    }
  }, { signal });
  const drop = (event) => {
    if (dragged === null) {
      return;
    }
    event.stopPropagation();
    const [fraction, before] = [dragged, jointOf(correctedPoints(current().points ?? standingPoints(), read()[key()]?.joints ?? {}), chosen)];
    dragged = null;
    const moved = Math.hypot(fraction[0] - before[0], fraction[1] - before[1]) > 1e-4;
    if (event.type === "pointerup" && moved) {
      place(fraction);
    }
    refresh();
  };
  canvas.addEventListener("pointerup", drop, { signal });
  canvas.addEventListener("pointercancel", drop, { signal });
  canvas.addEventListener("keydown", (event) => {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (current() === null || event.ctrlKey || event.metaKey) {
      return;
    }
    if (event.key in ways) {
      keepHere(event);
      const step = STEP * (event.shiftKey ? 5 : 1) * Math.max(current().width, current().height);
      const [x, y] = jointOf(points(), chosen);
      place([x + (ways[event.key][0] * step) / current().width, y + (ways[event.key][1] * step) / current().height]);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      keepHere(event);
      save(withoutJoint(read(), key(), chosen));
    }
  }, { signal });
  watch(node, [WIDGET], () => refresh(), signal);

  function paint(context, width, height) {
    const view = current();
    if (view === null) {
      return;
    }
    const area = fitted(view.width, view.height, width, height, MARGIN);
    const picture = cutOut.box.checked && isDrawable(view.cutOut) ? view.cutOut : view.image;
    if (isDrawable(picture)) {
      context.drawImage(picture, area.x, area.y, area.width, area.height);
    }
    const [known, corrected] = [points(), joints()];
    const places = { neck: middle(known, "shoulder"), pelvis: middle(known, "hip") };
    JOINT_NAMES.forEach((name) => { places[name] = jointOf(known, name); });
    context.lineCap = "round";
    for (const [from, to] of BONES) {
      const trusted = Math.min(places[from][2], places[to][2]) > SEEN;
      const [start, end] = [onStage(area, places[from]), onStage(area, places[to])];
      line(context, start, end, "#000a", trusted ? 5 : 3, []);
      line(context, start, end, trusted ? COLOURS[sideOf(to)] : "#b8bcc6", trusted ? 3 : 1.5, trusted ? [] : [4, 4]);
    }
    for (const name of JOINT_NAMES) {
      dot(context, onStage(area, places[name]), COLOURS[sideOf(name)], { filled: places[name][2] > SEEN, corrected: name in corrected, chosen: name === chosen });
    }
    if (view.yaw_deg !== null) {
      paintDial(context, [width - 30, 30], view);
    }
  }

  function refresh() {
    const view = current();
    const unreadable = parseCorrections(readText(node, WIDGET)) === null;
    [...tabs.children].forEach((tab, index) => tab.setAttribute("aria-selected", index === at));
    tabs.hidden = views.length < 2;
    const count = Object.keys(view === null ? {} : joints()).length;
    joint.disabled = view === null;
    cutOut.box.disabled = !view?.cut_out;
    resetJoint.disabled = view === null || !(chosen in joints());
    resetView.disabled = count === 0 && !unreadable;
    joint.value = chosen;
    stage.hint.textContent = view === null ? say(unreadable ? UNREADABLE : EMPTY) : "";
    note.replaceChildren(...lines(view, count, unreadable));
    stage.redraw();
  }

  function lines(view, count, unreadable) {
    if (view === null) {
      return [];
    }
    const sentence = [
      view.yaw_deg === null ? say(NOBODY) : say("Body {0}, head {1}.", facingInWords(view.yaw_deg, say), facingInWords(view.head_yaw_deg, say)),
      count === 0 ? "" : count === 1 ? say("1 joint put right by hand.") : say("{0} joints put right by hand.", count),
      isNew ? say("Used at the next run.") : "",
      unreadable ? say(UNREADABLE) : "",
    ];
    return [sentence.filter(Boolean).join(" "), ...view.problems.map((text) => element("span", { class: "kmc-warning", text }))];
  }

  function show(output) {
    if (!Array.isArray(output.kmc_views)) {
      return;
    }
    const load = (address) => address && loadPicture(viewAddress(address), () => stage.redraw(), signal);
    isNew = false;
    views = output.kmc_views.map((entry) => ({ ...entry, image: load(entry.picture), cutOut: load(entry.cut_out) }));
    at = Math.min(at, Math.max(views.length - 1, 0));
    tabs.replaceChildren(...views.map((entry, index) => element("button", {
      type: "button", role: "tab", text: say(entry.is_primary ? "View {0} (main)" : "View {0}", index + 1), signal, on: { click: () => { at = index; refresh(); } },
    })));
    refresh();
  }

  refresh();
  return { name: "kmc_gallery", element: root, height: 380, show };
}

/** Midpoint of a pair of joints, trusted as far as the worse of them. */
function middle(points, name) {
  const [left, right] = [jointOf(points, `left_${name}`), jointOf(points, `right_${name}`)];
  return [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2, Math.min(left[2], right[2])];
}

function line(context, from, to, colour, width, dashes) {
  context.beginPath();
  context.setLineDash(dashes);
  context.moveTo(...from);
  context.lineTo(...to);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
  context.setLineDash([]);
}

function dot(context, [x, y], colour, { filled, corrected, chosen }) {
  context.beginPath();
  context.arc(x, y, chosen ? 7 : 5, 0, 2 * Math.PI);
  context.fillStyle = filled ? colour : "#17181ccc";
  context.fill();
  context.lineWidth = corrected ? 3 : 1.5;
  context.strokeStyle = corrected ? "#ffffff" : filled ? "#000000" : colour;
  context.stroke();
  if (chosen) {
    context.beginPath();
    context.arc(x, y, 11, 0, 2 * Math.PI);
    context.lineWidth = 1.5;
    context.strokeStyle = "#ffffff";
    context.stroke();
  }
}

/** Facing seen from above: the thick hand is the body's, the thin one the head's; down is towards the camera. */
function paintDial(context, centre, view) {
  context.beginPath();
  context.arc(...centre, 20, 0, 2 * Math.PI);
  context.fillStyle = "#17181ccc";
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = "#e8e8e8";
  context.stroke();
  line(context, centre, dialTip(centre, 17, view.yaw_deg), COLOURS.middle, 4, []);
  line(context, centre, dialTip(centre, 17, view.head_yaw_deg), "#ffffff", 1.5, []);
}
