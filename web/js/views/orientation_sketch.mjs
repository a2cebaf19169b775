// OrientationMode: the camera's way seen from above, and what the last frame shows of the first.
import { cameraFromAbove, inWords, isStill, lastFrame } from "../lib/camera_sketch.mjs";
import { readNumber, readText, watch } from "../lib/widget_bridge.mjs";
import { element, makeStage } from "./elements.mjs";

const WIDGETS = { pan: ["pan_deg", 0], tilt: ["tilt_deg", 0], zoom: ["zoom", 1], orbit: ["orbit_deg", 0] };
const OTHERS = ["mode", "camera_words", "clip_camera"];
const CANVAS = [90, 120];
const HALF_FIELD = Math.atan(0.5);
const GREEN = "#78dc78";
const BLUE = "#50aaff";
const GREY = "#9a9fac";

export function orientationSketch({ node, signal, say }) {
  const stage = makeStage({ draw: (context, width, height) => paint(context, width, height), signal, role: "img" });
  const note = element("div", { class: "kmc-note", "aria-live": "polite" });
  const root = element("div", { class: "kmc-view kmc-orientation", role: "group", "aria-label": say("Facing and camera") }, stage.element, note);

  const directive = () => Object.fromEntries(Object.entries(WIDGETS).map(([name, [widget, neutral]]) => [name, readNumber(node, widget, neutral)]));
  const followsClip = () => readText(node, "mode", "video") === "video";
  const keepsCamera = () => followsClip() && readText(node, "clip_camera", "keep") === "keep";

  function refresh() {
    const facing = say(followsClip() ? "The character turns as the performer does" : "The character keeps the picture's facing");
    const words = say("{0}, {1}.", facing, keepsCamera() ? say("the clip's camera is kept") : inWords(directive(), say));
    const told = readText(node, "camera_words").trim() !== "" && !keepsCamera();
    const refused = keepsCamera() && !isStill(directive());
    note.replaceChildren(told ? `${words} ${say("What the camera is told in words is added.")}` : words, ...(refused
      ? [element("span", { class: "kmc-warning", text: say("A camera of your own needs mode image, or the clip's camera removed.") })] : []));
    stage.canvas.setAttribute("aria-label", words);
    stage.redraw();
  }

  function paint(context, width, height) {
    const half = width / 2;
    paintFromAbove(context, [half / 2, height * 0.4], Math.min(half * 0.38, height * 0.36));
    paintFrames(context, half, half, height);
    caption(context, say("from above"), half / 2, height - 8);
    caption(context, say(keepsCamera() ? "as filmed" : "first and last frame"), half * 1.5, height - 8);
  }

  function paintFromAbove(context, centre, radius) {
    const [turns, directed] = [followsClip(), !keepsCamera()];
    circle(context, centre, radius, directed ? GREY : null, [3, 4]);
    const start = cameraFromAbove(centre, radius, { pan: 0, orbit: 0 });
    const end = directed ? cameraFromAbove(centre, radius, directive()) : start;
    if (directed && !isStill(directive())) {
      camera(context, start, radius, GREY);
    }
    camera(context, end, radius, BLUE);
    circle(context, centre, 9, GREEN, []);
    const facings = turns ? [-0.9, 0, 0.9] : [0];
    facings.forEach((angle) => arrow(context, centre, [centre[0] + 24 * Math.sin(angle), centre[1] + 24 * Math.cos(angle)], angle === 0 ? GREEN : "#78dc7888"));
  }

  function paintFrames(context, left, width, height) {
    const scale = Math.min(width * 0.45 / CANVAS[0], (height - 30) * 0.62 / CANVAS[1]);
    const origin = [left + width / 2 - (CANVAS[0] * scale) / 2, (height - 22) / 2 - (CANVAS[1] * scale) / 2];
    const onStage = (x, y) => [origin[0] + x * scale, origin[1] + y * scale];
    figure(context, onStage, scale);
    frame(context, onStage(0, 0), CANVAS[0] * scale, CANVAS[1] * scale, keepsCamera() ? BLUE : GREY, keepsCamera() ? [] : [4, 4]);
    if (!keepsCamera()) {
      const last = lastFrame(directive(), ...CANVAS);
      frame(context, onStage(last.x, last.y), last.width * scale, last.height * scale, BLUE, []);
    }
  }

  watch(node, [...OTHERS, ...Object.values(WIDGETS).map(([widget]) => widget)], refresh, signal);
  refresh();
  return { name: "kmc_orientation", element: root, height: 210 };
}

function circle(context, [x, y], radius, colour, dashes) {
  if (colour === null) {
    return;
  }
  context.beginPath();
  context.setLineDash(dashes);
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = dashes.length ? 1 : 2.5;
  context.stroke();
  context.setLineDash([]);
}

/** A camera from above: its body, and the wedge it sees. Angles count from the right, downwards positive. */
function camera(context, { place, looks }, radius, colour) {
  const [x, y] = place;
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(x, y);
    context.lineTo(x + 1.5 * radius * Math.cos(looks + side * HALF_FIELD), y + 1.5 * radius * Math.sin(looks + side * HALF_FIELD));
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke();
  context.save();
  context.translate(x, y);
  context.rotate(looks);
  context.fillStyle = colour;
  context.fillRect(-12, -6, 12, 12);
  context.restore();
}

function arrow(context, from, to, colour) {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.strokeStyle = colour;
  context.lineWidth = 2.5;
  context.stroke();
  context.beginPath();
  context.moveTo(to[0] + 5 * Math.cos(angle), to[1] + 5 * Math.sin(angle));
  context.lineTo(to[0] + 6 * Math.cos(angle + 2.4), to[1] + 6 * Math.sin(angle + 2.4));
  context.lineTo(to[0] + 6 * Math.cos(angle - 2.4), to[1] + 6 * Math.sin(angle - 2.4));
  context.fillStyle = colour;
  context.fill();
}

function figure(context, onStage, scale) {
  context.fillStyle = "#4f8a55";
  context.beginPath();
  context.arc(...onStage(45, 32), 9 * scale, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = "#4f8a55";
  context.lineCap = "round";
  for (const [width, ...way] of [[16, 45, 52, 45, 68], [6, 37, 50, 26, 70], [6, 53, 50, 64, 70], [7, 41, 74, 39, 102], [7, 49, 74, 51, 102]]) {
    context.lineWidth = width * scale;
    context.beginPath();
    context.moveTo(...onStage(way[0], way[1]));
    context.lineTo(...onStage(way[2], way[3]));
    context.stroke();
  }
}

function frame(context, [x, y], width, height, colour, dashes) {
  context.setLineDash(dashes);
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.strokeRect(x, y, width, height);
  context.setLineDash([]);
}

function caption(context, text, x, y) {
  context.font = "11px Inter, Arial, sans-serif";
  context.textAlign = "center";
  context.fillStyle = "#c9ccd4";
  context.fillText(text, x, y);
}
