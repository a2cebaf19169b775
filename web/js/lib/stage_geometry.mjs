// Where things lie on a stage: a picture fitted into a box, hits, facing. Fractions are of the picture. Pure.
import { inEnglish } from "./words.mjs";

/** The largest rectangle of the picture's aspect in the middle of a box, with a margin: {x, y, width, height}. */
export function fitted(pictureWidth, pictureHeight, boxWidth, boxHeight, margin = 0) {
  const room = [Math.max(boxWidth - 2 * margin, 1), Math.max(boxHeight - 2 * margin, 1)];
  const scale = Math.min(room[0] / pictureWidth, room[1] / pictureHeight);
  const width = pictureWidth * scale;
  const height = pictureHeight * scale;
  return { x: (boxWidth - width) / 2, y: (boxHeight - height) / 2, width, height };
}

/** Fractions of the picture -> place on the stage. */
export function onStage(place, [x, y]) {
  return [place.x + x * place.width, place.y + y * place.height];
}

/** Place on the stage -> fractions of the picture. */
export function inPicture(place, [x, y]) {
  return [(x - place.x) / place.width, (y - place.y) / place.height];
}

/** A pointer event's place in the element's own units, whatever the graph's zoom. */
export function pointerPlace(event, element) {
  const box = element.getBoundingClientRect();
  return [
    (event.clientX - box.left) * (element.clientWidth / box.width),
    (event.clientY - box.top) * (element.clientHeight / box.height),
  ];
}

/** Index of the nearest of `places` within `reach` of `point`, or -1. */
export function nearest(places, point, reach) {
  let best = -1;
  let least = reach;
  places.forEach((place, index) => {
    const distance = Math.hypot(place[0] - point[0], place[1] - point[1]);
    if (distance <= least) {
      [best, least] = [index, distance];
    }
  });
  return best;
}

/** Tip of a dial's hand seen from above: 0 degrees points down, to the camera; above 0 turns to the picture's right. */
export function dialTip([x, y], radius, degrees) {
  const angle = (degrees * Math.PI) / 180;
  return [x + radius * Math.sin(angle), y + radius * Math.cos(angle)];
}

/** A facing in plain words. */
export function facingInWords(degrees, say = inEnglish) {
  const turned = Math.round(Math.abs(degrees));
  if (turned < 15) {
    return say("facing the camera");
  }
  if (turned > 165) {
    return say("seen from behind");
  }
  return say(degrees > 0 ? "turned {0}° to the picture's right" : "turned {0}° to the picture's left", turned);
}
