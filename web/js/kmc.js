// Registers the pack's browser side: pictures on the nodes, and refusals shown in full, remedy first. The only file that knows `app`.
import { app } from "../../../scripts/app.js";
import { nodeOf } from "./lib/graph_path.mjs";
import { refusalOf } from "./lib/refusal.mjs";
import { speaker } from "./lib/words.mjs";
import { attachView } from "./views/attach.mjs";
import { clipTrimmer } from "./views/clip_trimmer.mjs";
import { orientationSketch } from "./views/orientation_sketch.mjs";
import { posePlayer } from "./views/pose_player.mjs";
import { progressPanel } from "./views/progress_panel.mjs";
import { subjectEditor } from "./views/subject_editor.mjs";

const VIEWS = {
  LoadMotionVideo: clipTrimmer,
  ExtractHolisticPose: posePlayer,
  BuildSubjectLibrary: subjectEditor,
  OrientationMode: orientationSketch,
  RetargetSkeleton: posePlayer,
  KMCLoadMotion: posePlayer,
  KMCSampler: progressPanel,
  DistilledKMCSampler: progressPanel,
};
const SHOWN_FOR_MS = 20000;
const attached = new WeakMap();

const services = {
  /** Address of a file of the server's folders. */
  viewAddress: ({ filename, subfolder = "", type = "temp" }) => app.api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`),
  /** The wheel zooms the graph, as it does beside the view. In the Vue renderer it does so by itself. */
  onWheel: (event) => {
    if (!event.ctrlKey && event.target.closest("select, .kmc-note")) {
      return;
    }
    if (!globalThis.LiteGraph.vueNodesMode) {
      app.canvas.processMouseWheel(event);
    }
  },
};

const viewOf = (executionId) => attached.get(nodeOf(app.rootGraph ?? app.graph, executionId)) ?? null;

app.registerExtension({
  name: "KMC.Views",
  init() {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = new URL("../css/kmc.css", import.meta.url).href;
    document.head.append(sheet);
  },
  nodeCreated(node) {
    const make = VIEWS[node.comfyClass ?? node.constructor.comfyClass];
    if (make) {
      const say = speaker(app.extensionManager.setting.get("Comfy.Locale"));
      attached.set(node, attachView(node, make, { ...services, say }));
    }
  },
  /** Results of earlier runs come back when the user returns to a workflow's tab. */
  onNodeOutputsUpdated(outputs) {
    for (const [id, output] of Object.entries(outputs ?? {})) {
      viewOf(id)?.show?.(output ?? {});
    }
  },
  setup() {
    app.api.addEventListener("kmc.progress", ({ detail }) => viewOf(detail.node)?.advance?.(detail));
    app.api.addEventListener("kmc.views", ({ detail }) => viewOf(detail.node)?.show?.({ kmc_views: detail.views }));
    app.api.addEventListener("execution_error", ({ detail }) => {
      const refusal = refusalOf(detail);
      if (refusal) {
        app.extensionManager.toast.add({ severity: "error", ...refusal, life: SHOWN_FOR_MS });
      }
    });
  },
});
