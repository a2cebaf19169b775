// Samplers: how far the run is, in windows, frames and time.
import { minutes, progressLine } from "../lib/progress_line.mjs";
import { element } from "./elements.mjs";

const IDLE = "Progress is shown here while the node runs.";

export function progressPanel({ say }) {
  const bar = element("progress", { max: 1, value: 0, "aria-label": say("Progress") });
  const line = element("div", { class: "kmc-time", role: "status", text: say(IDLE) });
  const root = element("div", { class: "kmc-view kmc-progress", role: "group", "aria-label": say("Progress of the sampler") }, bar, line);
  let windows = "";
  let seconds = null;

  function advance(progress) {
    seconds = progress.seconds;
    const isWindow = progress.stage?.startsWith("window");
    windows = isWindow ? progress.stage : progress.done <= 1 ? "" : windows;
    const stage = [windows, isWindow ? "" : progress.stage].filter(Boolean).join(" · ");
    bar.value = progress.done / Math.max(progress.total, 1);
    line.textContent = progressLine({ ...progress, stage }, say);
  }
  function show(output) {
    if (output.text?.[0]) {
      bar.value = 1;
      line.textContent = seconds === null ? say("Finished.") : say("Finished in {0}.", minutes(seconds));
    }
  }
  return { name: "kmc_progress", element: root, height: 60, show, advance };
}
