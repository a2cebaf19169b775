// Puts a view on a node as a DOM widget that saves nothing, and takes it away without a trace.
import { chain } from "../lib/widget_bridge.mjs";

const LEAST_WIDTH = 320;

/**
 * @param node a LiteGraph node
 * @param make makes the view: ({node, signal, ...services}) => {name, element, height, show?(output)}
 * @returns the view
 */
export function attachView(node, make, services) {
  const ending = new AbortController();
  const view = make({ node, signal: ending.signal, ...services });
  view.element.style.setProperty("--kmc-height", `${view.height}px`);
  view.element.addEventListener("wheel", services.onWheel, { signal: ending.signal });
  const widget = node.addDOMWidget(view.name, "kmc_view", view.element, {
    serialize: false, // not part of a prompt
    getMinHeight: () => view.height,
  });
  widget.serialize = false; // nor of a saved workflow
  chain(widget, "onRemove", () => ending.abort());
  chain(node, "onExecuted", (output) => view.show?.(output ?? {}));
  const [width, height] = node.size;
  node.setSize([Math.max(width, LEAST_WIDTH), Math.max(height, node.computeSize()[1])]);
  return view;
}
