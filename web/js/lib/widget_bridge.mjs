// The only reader and writer of a node's ordinary widgets. Needs no more than {widgets: [{name, value, callback}]}.

/** @returns the widget of this name, or null */
export function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name) ?? null;
}

/** The widget's finite number, else `fallback`. */
export function readNumber(node, name, fallback) {
  const widget = widgetOf(node, name);
  const value = widget === null || widget.value === "" || widget.value === null ? NaN : Number(widget.value);
  return Number.isFinite(value) ? value : fallback;
}

/** The widget's text, else `fallback`. */
export function readText(node, name, fallback = "") {
  const value = widgetOf(node, name)?.value;
  return typeof value === "string" ? value : fallback;
}

/** The widget's switch, else false. */
export function readSwitch(node, name) {
  return widgetOf(node, name)?.value === true;
}

/** Sets a widget and tells whoever listens to it. Writes only what changes; returns whether it did. */
export function write(node, name, value) {
  const widget = widgetOf(node, name);
  if (widget === null || Object.is(widget.value, value)) {
    return false;
  }
  widget.value = value;
  widget.callback?.(value);
  node.setDirtyCanvas?.(true, false); // the canvas renderer draws widgets itself
  return true;
}

/**
 * Calls `listener(name)` whenever one of the widgets changes, and after a saved workflow has been read into the node.
 * Whatever listened before keeps being called. It ends with `signal`.
 */
export function watch(node, names, listener, signal) {
  const tell = (name) => {
    if (!signal.aborted) {
      listener(name);
    }
  };
  for (const name of names) {
    const widget = widgetOf(node, name);
    if (widget !== null) {
      chain(widget, "callback", () => tell(name));
    }
  }
  chain(node, "onConfigure", () => tell(null));
}

/** Lets `added` run after the object's own method of this name, with the same arguments. */
export function chain(object, method, added) {
  const before = object[method];
  object[method] = function (...values) {
    const result = before?.apply(this, values);
    added(...values);
    return result;
  };
}
