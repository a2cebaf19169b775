// Finds the node an execution id names: "7", or "12:7" for node 7 inside subgraph node 12. Pure.

/** @returns the node, or null */
export function nodeOf(graph, executionId) {
  const path = String(executionId ?? "").split(":");
  let node = null;
  let inside = graph;
  for (const step of path) {
    node = inside?.getNodeById(step) ?? inside?.getNodeById(Number(step)) ?? null;
    inside = node?.subgraph ?? null;
  }
  return node;
}
