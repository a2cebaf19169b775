// The views' sentences in the language ComfyUI is set to. English sentences are the keys; {0}, {1} ... are filled in. Pure.

const ZH = {
  // names
  "head": "头部", "left shoulder": "左肩", "left elbow": "左肘", "left wrist": "左腕", "left knuckles": "左指根", "left hip": "左髋", "left knee": "左膝",
  "left ankle": "左踝", "left toe": "左脚尖", "right shoulder": "右肩", "right elbow": "右肘", "right wrist": "右腕", "right knuckles": "右指根",
  "right hip": "右髋", "right knee": "右膝", "right ankle": "右踝", "right toe": "右脚尖",
  "body": "身体", "hands": "双手", "face": "面部", "confidence": "置信度", "cut-out": "抠图", "Performer": "表演者", "Character": "角色", "Motion": "动作",
  // controls
  "Play": "播放", "Pause": "暂停", "Start": "起点", "End": "终点", "Whole clip": "整段视频", "Reset joint": "还原关节", "Reset view": "还原视图",
  "View {0}": "视图 {0}", "View {0} (main)": "视图 {0}（主视图）", "Joint": "关节", "Views": "视图", "Frame": "帧", "Progress": "进度",
  "Red: not trusted, green: trusted": "红：不可信，绿：可信", "Show what was cut out of the picture": "显示从图片中抠出的内容",
  "Joints of the character. Arrow keys move the chosen joint, Delete takes its correction back.": "角色的关节。方向键移动所选关节，Delete 键撤销修正。",
  "Views of the character": "角色视图", "Pose player": "姿态播放器", "What is drawn": "绘制内容", "Clip and trim handles": "视频与裁剪手柄",
  "The clip": "视频", "Part of the clip that is used": "所用的视频片段", "Facing and camera": "朝向与镜头", "Progress of the sampler": "采样进度",
  // gallery
  "Run the workflow to see the character's rig here. Wrong joints can then be dragged into place.": "运行工作流后，这里会显示角色的骨架；错误的关节可以拖到正确位置。",
  "The corrections of this workflow cannot be read. Reset the view to start again.": "无法读取此工作流中的修正。请还原视图后重新开始。",
  "Nobody was found: drag the shoulders and hips into place, then run again.": "没有找到人物：请把双肩和双髋拖到正确位置，然后重新运行。",
  "Body {0}, head {1}.": "身体{0}，头部{1}。", "1 joint put right by hand.": "已手动修正 1 个关节。", "{0} joints put right by hand.": "已手动修正 {0} 个关节。",
  "Used at the next run.": "下次运行时生效。", "facing the camera": "正对镜头", "seen from behind": "背对镜头",
  "turned {0}° to the picture's right": "向画面右侧转 {0}°", "turned {0}° to the picture's left": "向画面左侧转 {0}°",
  // player and clip
  "Run the workflow to see the motion here.": "运行工作流后，这里会显示动作。", "Skeletons: {0}": "骨架：{0}", "frame {0} of {1}, {2} seconds": "第 {0} / {1} 帧，{2} 秒",
  "Found: body {0} %, hands {1} %, face {2} % of the frames.": "检测到的帧：身体 {0} %，双手 {1} %，面部 {2} %。",
  "Choose or upload a clip to see it here.": "选择或上传视频后，将在这里显示。", "The browser cannot show this file. The numbers still apply.": "浏览器无法显示此文件，数值仍然有效。",
  "A linked video is used instead of this file.": "使用的是连接的视频，而不是此文件。", "Shorter than 3 s: choose a longer part.": "短于 3 秒：请选择更长的片段。",
  "Cut to 30 s, the longest clip.": "已截至 30 秒（最长时长）。", "{0} – {1} of {2} ({3} s)": "{0} – {1}，共 {2}（{3} 秒）",
  // orientation
  "The character turns as the performer does": "角色随表演者转身", "The character keeps the picture's facing": "角色保持图片中的朝向",
  "the clip's camera is kept": "保留视频的镜头运动", "the camera stands still": "镜头静止", "the camera {0}": "镜头{0}", "{0}, {1}.": "{0}，{1}。",
  "turns {0}° right": "右转 {0}°", "turns {0}° left": "左转 {0}°", "tilts {0}° up": "上仰 {0}°", "tilts {0}° down": "下俯 {0}°",
  "moves in to {0}×": "推近至 {0}×", "moves out to {0}×": "拉远至 {0}×", "goes {0}° round to the right": "向右环绕 {0}°", "goes {0}° round to the left": "向左环绕 {0}°",
  "What the camera is told in words is added.": "文字描述的镜头运动会一并加入。", "from above": "俯视", "as filmed": "与视频一致", "first and last frame": "首帧与末帧",
  "A camera of your own needs mode image, or the clip's camera removed.": "自定义镜头需要 image 模式，或去除视频的镜头运动。",
  // progress
  "Progress is shown here while the node runs.": "节点运行时，这里会显示进度。", "about {0} left": "约剩 {0}", "Finished.": "已完成。", "Finished in {0}.": "已完成，用时 {0}。",
};

/** @returns a function that says an English sentence in the language of `locale`, with its values in place */
export function speaker(locale) {
  const dictionary = String(locale ?? "").toLowerCase().startsWith("zh") ? ZH : {};
  return (sentence, ...values) => (dictionary[sentence] ?? sentence).replace(/\{(\d)\}/g, (_, at) => values[at]);
}

/** English, for tests and for callers that have no language. */
export const inEnglish = speaker("en");

/** The sentences that are translated. */
export const TRANSLATED = Object.freeze(Object.entries(ZH));
