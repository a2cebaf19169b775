// Joints put right by hand: the JSON text in the `corrections` widget, and what it does to the points that were found.
// The same rules as kmc_core/subject/corrections.py; tests/web/cases/corrections.json holds both to them. Pure.

/** Joint -> [BlazePose points it is the mean of, points that move along]. Parents stand before what hangs on them. */
export const JOINT_POINTS = {
  head: [[7, 8], [0, 1, 2, 3, 4, 5, 6, 9, 10]],
  left_shoulder: [[11], []], left_elbow: [[13], []], left_wrist: [[15], [17, 19, 21]], left_knuckles: [[17, 19], [21]],
  right_shoulder: [[12], []], right_elbow: [[14], []], right_wrist: [[16], [18, 20, 22]], right_knuckles: [[18, 20], [22]],
  left_hip: [[23], []], left_knee: [[25], []], left_ankle: [[27], [29, 31]], left_toe: [[31], []],
  right_hip: [[24], []], right_knee: [[26], []], right_ankle: [[28], [30, 32]], right_toe: [[32], []],
};
export const JOINT_NAMES = Object.keys(JOINT_POINTS);
export const OUTSIDE = 0.25;

// A person standing with the arms a little away, for pictures in which nobody was found. Places in fractions of the picture.
const STANDING = {
  head: [0.5, 0.14], left_shoulder: [0.6, 0.27], left_elbow: [0.66, 0.41], left_wrist: [0.69, 0.53], left_knuckles: [0.7, 0.57],
  left_hip: [0.56, 0.54], left_knee: [0.57, 0.73], left_ankle: [0.57, 0.91], left_toe: [0.6, 0.95],
};

/** The text's corrections, {} for an empty text, null for a text that is none. */
export function parseCorrections(text) {
  if (!text.trim()) {
    return {};
  }
  try {
    const loaded = JSON.parse(text);
    return isRecord(loaded) && Object.entries(loaded).every(([view, entry]) => /^[1-7]$/.test(view) && isViewEntry(entry)) ? loaded : null;
  } catch {
    return null;
  }
}

/** The text for the widget: "" where nothing is corrected. Views and joints always stand in the same order. */
export function formatCorrections(corrections) {
  const views = Object.keys(corrections).sort().filter((view) => Object.keys(corrections[view].joints).length > 0);
  if (views.length === 0) {
    return "";
  }
  return JSON.stringify(Object.fromEntries(views.map((view) => {
    const { picture, joints } = corrections[view];
    const ordered = Object.fromEntries(JOINT_NAMES.filter((name) => name in joints).map((name) => [name, joints[name]]));
    return [view, picture ? { picture, joints: ordered } : { joints: ordered }];
  })));
}

/** Corrections with one joint of a view (number from 1, mark of its picture) at `place`. */
export function withJoint(corrections, view, mark, name, place) {
  const rounded = place.map((value) => Math.round(Math.min(1 + OUTSIDE, Math.max(-OUTSIDE, value)) * 1e4) / 1e4);
  const joints = { ...corrections[view]?.joints, [name]: rounded };
  return { ...corrections, [view]: { picture: mark, joints } };
}

/** Corrections without one joint of a view, or without the whole view. */
export function withoutJoint(corrections, view, name = null) {
  const joints = name === null ? {} : { ...corrections[view]?.joints };
  delete joints[name];
  return { ...corrections, [view]: { ...corrections[view], joints } };
}

/**
 * Corrections by the numbers the pictures have now. `numbers[i]` is the number under which view i's corrections were saved.
 * Corrections of pictures that are gone are dropped.
 */
export function renumbered(corrections, numbers) {
  const kept = numbers.map((number, view) => [String(view + 1), number === null ? undefined : corrections[number]]);
  return Object.fromEntries(kept.filter(([, entry]) => entry !== undefined));
}

/** The 33 points [x, y, confidence] with the joints at their places. Leaves `points` as they are. */
export function correctedPoints(points, joints) {
  const moved = points.map((point) => [...point]);
  for (const name of JOINT_NAMES) {
    if (name in joints) {
      const [own, following] = JOINT_POINTS[name];
      const [x, y] = meanOf(moved, own);
      for (const index of [...own, ...following]) {
        moved[index][0] += joints[name][0] - x;
        moved[index][1] += joints[name][1] - y;
      }
      own.forEach((index) => { moved[index][2] = 1; });
    }
  }
  return moved;
}

/** [x, y, confidence] of a joint: mean of its points, trusted as far as they are on average. */
export function jointOf(points, name) {
  return meanOf(points, JOINT_POINTS[name][0]);
}

/** 33 points of a person standing in the middle, none of them trusted: where to start when nothing was found. */
export function standingPoints() {
  const points = Array.from({ length: 33 }, () => [0.5, 0.5, 0]);
  const joints = {};
  for (const [name, [x, y]] of Object.entries(STANDING)) {
    joints[name] = [x, y];
    if (name !== "head") {
      joints[name.replace("left", "right")] = [1 - x, y];
    }
  }
  return correctedPoints(points, joints).map(([x, y]) => [x, y, 0]);
}

function meanOf(points, indices) {
  const sum = [0, 0, 0];
  for (const index of indices) {
    points[index].forEach((value, axis) => { sum[axis] += value / indices.length; });
  }
  return sum;
}

function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isViewEntry(entry) {
  return isRecord(entry) && isRecord(entry.joints) && Object.entries(entry.joints).every(([name, place]) => (
    name in JOINT_POINTS && Array.isArray(place) && place.length === 2
    && place.every((value) => Number.isFinite(value) && value >= -OUTSIDE && value <= 1 + OUTSIDE)
  ));
}
