// Small builders the views share: elements with text and listeners, and a canvas that is drawn when it is needed.

/**
 * An element. `options`: text, attributes by name, `on` = {event: listener}; listeners end with `signal`.
 */
export function element(tag, { text, signal, on = {}, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    const isState = name.startsWith("aria-"); // "true" and "false" are both words there
    if (value !== null && value !== undefined && (value !== false || isState)) {
      made.setAttribute(name, value === true && !isState ? "" : String(value));
    }
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  for (const [event, listener] of Object.entries(on)) {
    made.addEventListener(event, listener, { signal });
  }
  made.append(...children);
  return made;
}

/** A check box with its label. */
export function checkBox(label, { checked, onChange, signal, ...attributes }) {
  const box = element("input", { type: "checkbox", signal, on: { change: () => onChange(box.checked) }, ...attributes });
  box.checked = checked;
  return { box, label: element("label", {}, box, label) };
}

/**
 * A stage: a canvas that fills its place, with a hint over it while it is empty. `draw(context, width, height)` is called in
 * CSS pixels, once per animation frame at most, after `redraw()` and whenever the size changes.
 */
export function makeStage({ draw, signal, ...attributes }) {
  const canvas = element("canvas", attributes);
  const hint = element("div", { class: "kmc-hint" });
  const stage = element("div", { class: "kmc-stage" }, canvas, hint);
  let waiting = 0;
  const paint = () => {
    waiting = 0;
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (width === 0 || height === 0) {
      return;
    }
    const sharpness = Math.max(2, window.devicePixelRatio || 1); // the graph may be zoomed in
    canvas.width = Math.round(width * sharpness);
    canvas.height = Math.round(height * sharpness);
    const context = canvas.getContext("2d");
    context.scale(sharpness, sharpness);
    draw(context, width, height);
  };
  const redraw = () => {
    waiting ||= requestAnimationFrame(paint);
  };
  const observer = new ResizeObserver(redraw);
  observer.observe(stage);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(waiting);
  });
  return { element: stage, canvas, hint, redraw };
}

/** A picture of the server's folders; `onReady` is called once it can be drawn. */
export function loadPicture(address, onReady, signal) {
  const picture = new Image();
  picture.addEventListener("load", onReady, { signal, once: true });
  picture.src = address;
  return picture;
}

/** True once a picture or a film can be drawn. */
export function isDrawable(source) {
  return source instanceof HTMLVideoElement ? source.readyState >= 2 : Boolean(source?.complete && source.naturalWidth);
}

/** Stops a listener's event from reaching ComfyUI's own shortcuts and canvas. */
export function keepHere(event) {
  event.stopPropagation();
  event.preventDefault();
}
