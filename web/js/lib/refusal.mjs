// What a KMC node's error says to its user. Pure: no browser, no ComfyUI.

export const NODE_TITLES = {
  LoadMotionVideo: "KMC Load Motion Video",
  ExtractHolisticPose: "KMC Extract Holistic Pose",
  BuildSubjectLibrary: "KMC Build Subject Library",
  OrientationMode: "KMC Orientation Mode",
  RetargetSkeleton: "KMC Retarget Skeleton",
  KMCSampler: "KMC Sampler",
  DistilledKMCSampler: "KMC Distilled Sampler",
  KMCPreflight: "KMC Preflight",
  KMCLoadMotion: "KMC Load Motion",
  KMCSaveMotion: "KMC Save Motion",
  KMCLoadModel: "KMC Load Model",
  KMCMotionConditioning: "KMC Motion Conditioning",
};

/**
 * @param {{node_type?: string, exception_message?: string}} detail of an execution_error event
 * @returns {{summary: string, detail: string} | null} null for nodes of other packs
 */
export function refusalOf(detail) {
  const title = NODE_TITLES[detail?.node_type];
  const text = detail?.exception_message?.trim();
  return title && text ? { summary: title, detail: text } : null;
}
