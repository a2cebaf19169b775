// LoadMotionVideo: the clip, and two handles for the part of it that is used. The handles are the numbers start_s and duration_s.
import { inPicture, pointerPlace } from "../lib/stage_geometry.mjs";
import { clock, draggedSpan, numbersOf, usedSpan } from "../lib/trim.mjs";
import { chain, readNumber, readSwitch, readText, watch, write } from "../lib/widget_bridge.mjs";
import { element, keepHere } from "./elements.mjs";

const WIDGETS = ["file", "start_s", "duration_s", "override_limits"];
const NUDGE_S = 0.1;
const EMPTY = "Choose or upload a clip to see it here.";
const UNSHOWN = "The browser cannot show this file. The numbers still apply.";
const LINKED = "A linked video is used instead of this file.";

export function clipTrimmer({ node, signal, say, viewAddress }) {
  let total = 0;
  let file = null;
  let moving = null; // {handle, span} while a handle is dragged

  const film = element("video", { preload: "auto", playsinline: true, tabindex: -1, "aria-label": say("The clip") });
  film.muted = true;
  const hint = element("div", { class: "kmc-hint", text: say(EMPTY) });
  const stage = element("div", { class: "kmc-stage" }, film, hint);
  const used = element("div", { class: "kmc-used" });
  const now = element("div", { class: "kmc-now" });
  const handles = { from: handleOf("from", say("Start")), to: handleOf("to", say("End")) };
  const timeline = element("div", { class: "kmc-timeline", role: "group", "aria-label": say("Part of the clip that is used") }, used, now, handles.from, handles.to);
  const play = element("button", { type: "button", text: say("Play"), disabled: true, signal, on: { click: () => (film.paused ? run() : film.pause()) } });
  const whole = element("button", { type: "button", text: say("Whole clip"), disabled: true, signal, on: { click: () => keep({ from: 0, to: total }) } });
  const time = element("span", { class: "kmc-time kmc-grow" });
  const note = element("div", { class: "kmc-note", "aria-live": "polite" });
  const root = element("div", { class: "kmc-view kmc-trimmer", role: "group", "aria-label": say("Clip and trim handles") },
    stage, timeline, element("div", { class: "kmc-bar" }, play, whole, time), note);
  // ComfyUI's own preview of an uploaded video would show the same clip twice.
  node.videoContainer = element("div");
  node.hideOutputImages = true;

  const overrides = () => readSwitch(node, "override_limits");
  const span = () => moving?.span ?? usedSpan({ start: readNumber(node, "start_s", 0), duration: readNumber(node, "duration_s", 0), total, overrides: overrides() });
  function keep({ from, to }) {
    const { start, duration } = numbersOf({ from, to, total, overrides: overrides() });
    write(node, "start_s", start);
    write(node, "duration_s", duration);
    refresh();
  }

  function handleOf(name, label) {
    const handle = element("button", { type: "button", class: "kmc-handle", role: "slider", "aria-label": label, "aria-orientation": "horizontal", title: label });
    handle.addEventListener("pointerdown", (event) => {
      if (total > 0 && event.button === 0) {
        keepHere(event);
        handle.focus({ preventScroll: true });
        handle.setPointerCapture(event.pointerId);
        film.pause();
        moving = { handle: name, span: span() };
      }
    }, { signal });
    handle.addEventListener("pointermove", (event) => {
      if (moving !== null) {
        event.stopPropagation();
        const width = { x: 0, y: 0, width: timeline.clientWidth, height: 1 };
        move(inPicture(width, pointerPlace(event, timeline))[0] * total);
      }
    }, { signal });
    const drop = (event) => {
      if (moving !== null) {
        event.stopPropagation();
        const dropped = moving.span;
        moving = null;
        if (event.type === "pointerup") {
          keep(dropped);
        }
        refresh();
      }
    };
    handle.addEventListener("pointerup", drop, { signal });
    handle.addEventListener("pointercancel", drop, { signal });
    handle.addEventListener("keydown", (event) => {
      const step = NUDGE_S * (event.shiftKey ? 10 : 1);
      const wanted = { ArrowLeft: span()[name] - step, ArrowDown: span()[name] - step, ArrowRight: span()[name] + step, ArrowUp: span()[name] + step, Home: 0, End: total }[event.key];
      if (total > 0 && wanted !== undefined) {
        keepHere(event);
        keep(draggedSpan(span(), name, wanted, total, overrides()));
        film.currentTime = span()[name];
      }
    }, { signal });
    return handle;
  }
  function move(seconds) {
    moving.span = draggedSpan(moving.span, moving.handle, seconds, total, overrides());
    film.currentTime = Math.min(moving.span[moving.handle], total - 0.01);
    refresh();
  }

  function run() {
    const { from, to } = span();
    if (film.currentTime < from || film.currentTime >= to - 0.05) {
      film.currentTime = from;
    }
    film.play().catch(() => {}); // a play that is interrupted by a pause is no fault
  }
  const label = () => { play.textContent = say(film.paused ? "Play" : "Pause"); };
  film.addEventListener("play", label, { signal });
  film.addEventListener("pause", label, { signal });
  film.addEventListener("timeupdate", () => {
    if (!film.paused && film.currentTime >= span().to) {
      film.currentTime = span().from;
    }
    refresh();
  }, { signal });
  film.addEventListener("loadedmetadata", () => {
    total = Number.isFinite(film.duration) ? film.duration : 0;
    film.currentTime = span().from;
    refresh();
  }, { signal });
  film.addEventListener("error", () => {
    total = 0;
    refresh();
  }, { signal });

  function refresh() {
    const name = readText(node, "file");
    if (name !== file) {
      load(name);
    }
    const { from, to, isCut, isShort } = { isCut: false, isShort: false, ...span() };
    const share = (seconds) => `${total > 0 ? (100 * seconds) / total : 0}%`;
    used.style.left = share(from);
    used.style.width = share(to - from);
    now.style.left = share(film.currentTime || 0);
    for (const [end, seconds] of [["from", from], ["to", to]]) {
      handles[end].style.left = share(seconds);
      handles[end].disabled = total === 0;
      handles[end].setAttribute("aria-valuemin", 0);
      handles[end].setAttribute("aria-valuemax", total.toFixed(2));
      handles[end].setAttribute("aria-valuenow", seconds.toFixed(2));
      handles[end].setAttribute("aria-valuetext", clock(seconds));
    }
    play.disabled = whole.disabled = total === 0;
    time.textContent = total === 0 ? "" : say("{0} – {1} of {2} ({3} s)", clock(from), clock(to), clock(total), (to - from).toFixed(2));
    hint.textContent = total > 0 ? "" : name === "" ? say(EMPTY) : film.error ? say(UNSHOWN) : "";
    const linked = node.inputs?.some((input) => input.name === "video" && input.link !== null) ? say(LINKED) : "";
    note.textContent = [linked, isShort ? say("Shorter than 3 s: choose a longer part.") : "", isCut ? say("Cut to 30 s, the longest clip.") : ""].filter(Boolean).join(" ");
  }

  function load(name) {
    file = name;
    total = 0;
    if (name === "") {
      film.removeAttribute("src");
      return;
    }
    const [, path, kind] = /^(.*?)(?: \[(input|output|temp)\])?$/.exec(name);
    const cut = path.lastIndexOf("/");
    film.src = viewAddress({ filename: path.slice(cut + 1), subfolder: path.slice(0, Math.max(cut, 0)), type: kind ?? "input" });
  }

  watch(node, WIDGETS, refresh, signal);
  chain(node, "onConnectionsChange", () => signal.aborted || refresh());
  signal.addEventListener("abort", () => {
    film.pause();
    film.removeAttribute("src");
    film.load();
  });
  refresh();
  return { name: "kmc_trimmer", element: root, height: 300, show: refresh };
}
