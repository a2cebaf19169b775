// Reads the motion a node sends (kmc_core/pose/playback.py) and says what to draw of a frame. Pure.

const BODY_POINTS = 33;
const HAND_POINTS = 21;
const POINTS = BODY_POINTS + 2 * HAND_POINTS + 70;
const TRUSTS = BODY_POINTS + 3;
const DRAWN_FROM = 0.3;

// [from, to, side]: BlazePose points, the side is the person's own.
const BODY_LINES = [
  [11, 12, "middle"], [23, 24, "middle"], [11, 23, "middle"], [12, 24, "middle"],
  [11, 13, "left"], [13, 15, "left"], [15, 17, "left"], [15, 19, "left"], [23, 25, "left"], [25, 27, "left"], [27, 29, "left"], [29, 31, "left"], [27, 31, "left"],
  [12, 14, "right"], [14, 16, "right"], [16, 18, "right"], [16, 20, "right"], [24, 26, "right"], [26, 28, "right"], [28, 30, "right"], [30, 32, "right"], [28, 32, "right"],
  [7, 2, "left"], [2, 0, "left"], [8, 5, "right"], [5, 0, "right"],
];
const FINGERS = [[0, 1, 2, 3, 4], [0, 5, 6, 7, 8], [5, 9, 10, 11, 12], [9, 13, 14, 15, 16], [0, 17, 18, 19, 20], [13, 17]];
// iBUG-68 outlines; the last two points are the pupils.
const FACE_RUNS = [[0, 16], [17, 21], [22, 26], [27, 30], [31, 35], [36, 41, true], [42, 47, true], [48, 59, true], [60, 67, true]];

/** @returns {{fps, step, frames, total, width, height, seconds, points: Float32Array, trust: Float32Array}} */
export function decodeTrack(track) {
  if (track.version !== 1) {
    throw new Error(`A pose track of version ${track.version} cannot be read`);
  }
  const levels = new DataView(bytesOf(track.points).buffer);
  const points = Float32Array.from({ length: track.frames * POINTS * 2 }, (_, at) => (levels.getUint16(2 * at, true) / 65535) * 2 - 0.5);
  const trust = Float32Array.from(bytesOf(track.confidence), (level) => level / 255);
  return { ...track, seconds: track.total / track.fps, points, trust };
}

/** Number of the shown frame at a time; times outside the clip are brought into it. */
export function frameAt(track, seconds) {
  const frame = Math.floor((seconds * track.fps) / track.step + 1e-6);
  return Math.min(Math.max(frame, 0), track.frames - 1);
}

/** When a shown frame stands in the clip, in seconds. */
export function secondsOf(track, frame) {
  return (frame * track.step) / track.fps;
}

/**
 * Lines to draw of a frame: [{from: [x, y], to: [x, y], side, part, trust}], places in fractions of the picture.
 * `parts` names what is wanted: {body, hands, face}. Points trusted less than 0.3 are left out.
 */
export function linesOf(track, frame, parts) {
  const lines = [];
  const add = (first, second, side, part, trust) => {
    lines.push({ from: pointOf(track, frame, first), to: pointOf(track, frame, second), side, part, trust });
  };
  if (parts.body) {
    for (const [first, second, side] of BODY_LINES) {
      const trust = Math.min(trustOf(track, frame, first), trustOf(track, frame, second));
      if (trust >= DRAWN_FROM) {
        add(first, second, side, "body", trust);
      }
    }
  }
  for (const [hand, side] of [[0, "left"], [1, "right"]]) {
    const trust = trustOf(track, frame, BODY_POINTS + hand);
    if (parts.hands && trust > 0) {
      const base = BODY_POINTS + hand * HAND_POINTS;
      pairsOf(FINGERS).forEach(([first, second]) => add(base + first, base + second, side, "hands", trust));
    }
  }
  const faceTrust = trustOf(track, frame, BODY_POINTS + 2);
  if (parts.face && faceTrust > 0) {
    const base = BODY_POINTS + 2 * HAND_POINTS;
    faceRuns().forEach(([first, second]) => add(base + first, base + second, "middle", "face", faceTrust));
  }
  return lines;
}

/** Share of the shown frames in which each part was found, in percent. */
export function coverage(track) {
  const found = { body: 0, hands: 0, face: 0 };
  for (let frame = 0; frame < track.frames; frame += 1) {
    const trusts = track.trust.subarray(frame * TRUSTS, (frame + 1) * TRUSTS);
    found.body += trusts.subarray(0, BODY_POINTS).some((value) => value >= DRAWN_FROM);
    found.hands += trusts[BODY_POINTS] > 0 || trusts[BODY_POINTS + 1] > 0;
    found.face += trusts[BODY_POINTS + 2] > 0;
  }
  return Object.fromEntries(Object.entries(found).map(([part, count]) => [part, Math.round((100 * count) / Math.max(track.frames, 1))]));
}

/** Red for 0 over yellow to green for 1, as a CSS colour. */
export function trustColour(trust) {
  return `hsl(${Math.round(120 * Math.min(Math.max(trust, 0), 1))} 85% 58%)`;
}

function pointOf(track, frame, index) {
  const at = (frame * POINTS + index) * 2;
  return [track.points[at], track.points[at + 1]];
}

function trustOf(track, frame, index) {
  return track.trust[frame * TRUSTS + index];
}

function pairsOf(runs) {
  return runs.flatMap((run) => run.slice(1).map((point, at) => [run[at], point]));
}

function faceRuns() {
  return FACE_RUNS.flatMap(([first, last, closed]) => {
    const run = Array.from({ length: last - first + 1 }, (_, at) => first + at);
    return pairsOf([closed ? [...run, first] : run]);
  });
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
