// The part of a clip that is used: between the numbers `start_s` and `duration_s` and the two handles of the timeline. Pure.
// The same rules as kmc_core/media/clip.py and limits.py; tests/web/cases/trim.json holds both to them.

export const SHORTEST_S = 3;
export const LONGEST_S = 30;
const STEP_S = 0.01;

/** The part of `total` seconds the node will use: {from, to, isCut, isShort}. duration 0 = to the end. */
export function usedSpan({ start, duration, total, overrides = false }) {
  const from = Math.min(Math.max(start, 0), total);
  const asked = duration > 0 ? Math.min(from + duration, total) : total;
  const to = overrides ? asked : Math.min(asked, from + LONGEST_S);
  return { from, to, isCut: to < asked, isShort: !overrides && to - from < SHORTEST_S - STEP_S };
}

/** The two numbers for a span; a span up to where the node would stop by itself has duration 0. */
export function numbersOf({ from, to, total, overrides = false }) {
  const start = rounded(from);
  const end = usedSpan({ start, duration: 0, total, overrides }).to;
  return { start, duration: to >= end - STEP_S / 2 ? 0 : rounded(to - start) };
}

/** The span after one handle ("from" or "to") was moved to `seconds`: never shorter than it may be, never longer. */
export function draggedSpan(span, handle, seconds, total, overrides = false) {
  const shortest = Math.min(overrides ? STEP_S : SHORTEST_S, total);
  const longest = overrides ? total : Math.min(LONGEST_S, total);
  if (handle === "from") {
    const from = clamped(seconds, 0, total - shortest);
    return { from, to: clamped(span.to, from + shortest, Math.min(from + longest, total)) };
  }
  const to = clamped(seconds, shortest, total);
  return { from: clamped(span.from, Math.max(to - longest, 0), to - shortest), to };
}

/** Seconds as 0:04.20. */
export function clock(seconds) {
  const hundredths = Math.round(Math.max(seconds, 0) * 100);
  const [minutes, rest] = [Math.floor(hundredths / 6000), hundredths % 6000];
  return `${minutes}:${String(Math.floor(rest / 100)).padStart(2, "0")}.${String(rest % 100).padStart(2, "0")}`;
}

function clamped(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

function rounded(seconds) {
  return Math.round(seconds / STEP_S) * STEP_S === 0 ? 0 : Number((Math.round(seconds / STEP_S) * STEP_S).toFixed(2));
}
