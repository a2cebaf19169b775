// Registers the pack's browser side: a refusal of a KMC node is shown in full, remedy first, instead of ComfyUI's short notice.
import { app } from "../../../scripts/app.js";
import { refusalOf } from "./lib/refusal.mjs";

const SHOWN_FOR_MS = 20000;

app.registerExtension({
  name: "KMC.Refusals",
  setup() {
    app.api.addEventListener("execution_error", ({ detail }) => {
      const refusal = refusalOf(detail);
      if (refusal) {
        app.extensionManager.toast.add({ severity: "error", ...refusal, life: SHOWN_FOR_MS });
      }
    });
  },
});
