// ExtractHolisticPose and RetargetSkeleton: the motion as a film of skeletons, over the clip or the character.
import { coverage, decodeTrack, frameAt, linesOf, secondsOf, trustColour } from "../lib/pose_track.mjs";
import { fitted, onStage } from "../lib/stage_geometry.mjs";
import { clock } from "../lib/trim.mjs";
import { checkBox, element, isDrawable, loadPicture, makeStage } from "./elements.mjs";

const COLOURS = { left: "#50aaff", right: "#ff963c", middle: "#78dc78" };
const WIDTHS = { body: 3.5, hands: 1.6, face: 1.1 };
const DIMMED = 0.45;
const EMPTY = "Run the workflow to see the motion here.";

export function posePlayer({ signal, say, viewAddress }) {
  let panels = [];
  let seconds = 0;
  let started = null;
  let asked = 0;
  const parts = { body: true, hands: true, face: true };
  let byTrust = false;

  const stage = makeStage({ draw: (context, width, height) => paint(context, width, height), signal, role: "img", "aria-label": say(EMPTY) });
  stage.hint.textContent = say(EMPTY);
  const play = element("button", { type: "button", text: say("Play"), "aria-pressed": "false", disabled: true, signal, on: { click: () => (started === null ? run() : halt()) } });
  const scrub = element("input", {
    type: "range", class: "kmc-grow", min: 0, max: 0, step: 1, value: 0, disabled: true, "aria-label": say("Frame"), signal,
    on: { input: () => { halt(); seek(secondsOf(longest(), Number(scrub.value))); } },
  });
  const time = element("span", { class: "kmc-time" });
  const boxes = Object.keys(parts).map((part) => checkBox(say(part), { checked: true, signal, onChange: (on) => { parts[part] = on; stage.redraw(); } }));
  const trust = checkBox(say("confidence"), { checked: false, signal, title: say("Red: not trusted, green: trusted"), onChange: (on) => { byTrust = on; stage.redraw(); } });
  const note = element("div", { class: "kmc-note", "aria-live": "polite" });
  const root = element("div", { class: "kmc-view kmc-player", role: "group", "aria-label": say("Pose player") },
    stage.element, element("div", { class: "kmc-bar" }, play, scrub, time),
    element("div", { class: "kmc-bar", role: "group", "aria-label": say("What is drawn") }, ...boxes.map(({ label }) => label), trust.label), note);
  signal.addEventListener("abort", () => { halt(); panels.forEach(({ film }) => film?.removeAttribute("src")); });

  const longest = () => panels.reduce((one, { track }) => (one === null || track.seconds > one.seconds ? track : one), null);

  function run() {
    started = performance.now() - 1000 * (seconds < longest().seconds - 0.05 ? seconds : 0);
    play.textContent = say("Pause");
    play.setAttribute("aria-pressed", "true");
    requestAnimationFrame(tick);
  }
  function halt() {
    started = null;
    play.textContent = say("Play");
    play.setAttribute("aria-pressed", "false");
  }
  function tick(now) {
    if (started === null || signal.aborted) {
      return;
    }
    if (!root.isConnected) {
      halt();
      return;
    }
    const passed = Math.max(now - started, 0) / 1000;
    seek(passed % longest().seconds);
    requestAnimationFrame(tick);
  }
  function seek(to) {
    seconds = to;
    const track = longest();
    const frame = frameAt(track, seconds);
    scrub.value = frame;
    const shown = Math.min(frame * track.step + 1, track.total);
    time.textContent = `${clock(seconds)} / ${clock(track.seconds)}`;
    scrub.setAttribute("aria-valuetext", say("frame {0} of {1}, {2} seconds", shown, track.total, seconds.toFixed(1)));
    panels.forEach(({ film, under }) => {
      if (film !== null && film.readyState > 0 && !film.seeking) {
        film.currentTime = Math.max(0, (under.start_s ?? 0) + seconds);
      }
    });
    stage.redraw();
  }

  function paint(context, width, height) {
    panels.forEach((panel, index) => {
      const room = width / panels.length;
      const area = fitted(panel.track.width, panel.track.height, room, height, 4);
      area.x += index * room;
      context.save();
      context.beginPath();
      context.rect(index * room, 0, room, height);
      context.clip();
      const under = panel.film ?? panel.picture;
      context.fillStyle = "#000000";
      context.fillRect(area.x, area.y, area.width, area.height);
      if (isDrawable(under)) {
        context.globalAlpha = DIMMED;
        context.drawImage(under, area.x, area.y, area.width, area.height);
        context.globalAlpha = 1;
      }
      paintSkeleton(context, area, panel.track);
      if (panels.length > 1) {
        paintTitle(context, say(panel.title), index * room + 8, height - 9);
      }
      context.restore();
    });
  }
  function paintSkeleton(context, area, track) {
    context.lineCap = "round";
    const size = Math.min(Math.max(Math.min(area.width, area.height) / 260, 0.6), 1.6);
    for (const { from, to, side, part, trust: sure } of linesOf(track, frameAt(track, seconds), parts)) {
      context.beginPath();
      context.moveTo(...onStage(area, from));
      context.lineTo(...onStage(area, to));
      context.lineWidth = WIDTHS[part] * size;
      context.strokeStyle = byTrust ? trustColour(sure) : part === "face" ? "#f2f2f2" : COLOURS[side];
      context.stroke();
    }
  }

  /** The JSON at an address, or null: it may be gone from the temp folder, and the node may be removed while it comes. */
  async function fetched(address) {
    try {
      const answer = await fetch(address, { signal });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  async function show(output) {
    const address = output.kmc_pose?.[0];
    if (address === undefined) {
      return;
    }
    asked += 1;
    const mine = asked;
    const sent = await fetched(viewAddress(address));
    if (sent === null || mine !== asked || signal.aborted) {
      return;
    }
    halt();
    panels.forEach(({ film }) => film?.removeAttribute("src"));
    panels = sent.panels.map(({ title, track, under }) => ({ title, under, track: decodeTrack(track), ...backdrop(under) }));
    const track = longest();
    for (const control of [play, scrub]) {
      control.disabled = false;
    }
    scrub.max = track.frames - 1;
    stage.hint.textContent = "";
    const found = coverage(panels[0].track);
    note.textContent = say("Found: body {0} %, hands {1} %, face {2} % of the frames.", found.body, found.hands, found.face);
    stage.canvas.setAttribute("aria-label", say("Skeletons: {0}", panels.map(({ title }) => say(title)).join(", ")));
    seek(Math.min(seconds, track.seconds - 1 / track.fps));
  }

  /** What lies under the skeleton: a film of the clip, a picture, or nothing. */
  function backdrop(under) {
    if (!under) {
      return { film: null, picture: null };
    }
    if (under.start_s === undefined) {
      return { film: null, picture: loadPicture(viewAddress(under), () => stage.redraw(), signal) };
    }
    const film = element("video", { preload: "auto", playsinline: true, signal, on: { seeked: () => stage.redraw(), loadeddata: () => seek(seconds) } });
    film.muted = true;
    film.src = viewAddress(under);
    return { film, picture: null };
  }

  return { name: "kmc_player", element: root, height: 300, show };
}

function paintTitle(context, title, x, y) {
  context.font = "12px Inter, Arial, sans-serif";
  context.lineWidth = 3;
  context.strokeStyle = "#000000";
  context.fillStyle = "#ffffff";
  context.strokeText(title, x, y);
  context.fillText(title, x, y);
}
