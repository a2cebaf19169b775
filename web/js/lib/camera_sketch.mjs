// What the camera directive does, for the picture on OrientationMode. The same similarity as kmc_core/motion/orientation.py. Pure.
import { inEnglish } from "./words.mjs";

const radians = (degrees) => (degrees * Math.PI) / 180;

/** The last frame's similarity on a canvas: {zoom, x, y}, final = zoom * point + (x, y), in pixels. */
export function lastSimilarity({ pan, tilt, zoom }, width, height) {
  const focal = Math.max(width, height);
  const shift = [-focal * Math.tan(radians(pan)), focal * Math.tan(radians(tilt))];
  return { zoom, x: width / 2 + shift[0] - (zoom * width) / 2, y: height / 2 + shift[1] - (zoom * height) / 2 };
}

/** What the last frame shows of the first frame's canvas: {x, y, width, height} in its pixels. */
export function lastFrame(directive, width, height) {
  const { zoom, x, y } = lastSimilarity(directive, width, height);
  return { x: -x / zoom, y: -y / zoom, width: width / zoom, height: height / zoom };
}

/**
 * The camera seen from above after an orbit and a pan: its place on a circle round the character (down = where it starts),
 * and the angle it looks at. Orbiting right takes it to the picture's right.
 */
export function cameraFromAbove(centre, radius, { pan, orbit }) {
  const angle = radians(orbit);
  const place = [centre[0] + radius * Math.sin(angle), centre[1] + radius * Math.cos(angle)];
  return { place, looks: -Math.PI / 2 - angle + radians(pan) };
}

/** True when nothing is directed. */
export function isStill({ pan, tilt, zoom, orbit }) {
  return pan === 0 && tilt === 0 && orbit === 0 && zoom === 1;
}

/** The directive in plain words. */
export function inWords({ pan, tilt, zoom, orbit }, say = inEnglish) {
  const parts = [
    pan !== 0 && say(pan > 0 ? "turns {0}° right" : "turns {0}° left", Math.abs(pan)),
    tilt !== 0 && say(tilt > 0 ? "tilts {0}° up" : "tilts {0}° down", Math.abs(tilt)),
    zoom !== 1 && say(zoom > 1 ? "moves in to {0}×" : "moves out to {0}×", Number(zoom.toFixed(2))),
    orbit !== 0 && say(orbit > 0 ? "goes {0}° round to the right" : "goes {0}° round to the left", Math.abs(orbit)),
  ].filter(Boolean);
  return parts.length === 0 ? say("the camera stands still") : say("the camera {0}", parts.join(", "));
}
