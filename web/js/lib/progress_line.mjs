// What a running node says under its bar: how far it is, and how long it will take. Pure.
import { inEnglish } from "./words.mjs";

const SURE_AFTER_S = 2;
const SURE_AFTER_SHARE = 0.03;

/** @param {{done: number, total: number, stage?: string, seconds: number}} progress @returns {number | null} seconds, when it can be told */
export function remainingSeconds({ done, total, seconds }) {
  if (done <= 0 || total <= 0 || done >= total || seconds < SURE_AFTER_S || done / total < SURE_AFTER_SHARE) {
    return null;
  }
  return (seconds / done) * (total - done);
}

/** "window 2 of 5, step 1 · 37 % · about 0:42 left" */
export function progressLine(progress, say = inEnglish) {
  const share = `${Math.floor((100 * Math.min(progress.done, progress.total)) / Math.max(progress.total, 1))} %`;
  const left = remainingSeconds(progress);
  return [progress.stage, share, left === null ? "" : say("about {0} left", minutes(left))].filter(Boolean).join(" · ");
}

/** Seconds as 0:42 or 1:02:05, rounded up. */
export function minutes(seconds) {
  const whole = Math.ceil(seconds);
  const [hours, rest] = [Math.floor(whole / 3600), whole % 3600];
  const parts = [Math.floor(rest / 60), rest % 60];
  const shown = hours > 0 ? [hours, ...parts] : parts;
  return shown.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
