"""The example workflows as API graphs: what scripts/make_workflows.py turns into example_workflows/ and tests/workflows runs.

A graph is {node name: (node type, {input: value or [node name, output]})}. Not here: positions and notes' places.
"""

from __future__ import annotations

from dataclasses import dataclass

from example_backbone_graphs import BACKBONE_EXAMPLES, Parts

Graph = dict[str, tuple[str, dict[str, object]]]

CLIP, MUSIC, BACKGROUND = "kmc_performer.mp4", "kmc_music.mp3", "kmc_background.jpg"
CHARACTERS = ("kmc_character.jpg", "kmc_character_2.jpg", "kmc_character_3.jpg")
SIDES = ("kmc_character_side.jpg", "kmc_character_back.jpg", "kmc_character_side_2.jpg")
FULL_TURN = "turn: Full turn (5.0 s, loop) [loop, rotate, back, full-body]"
UPSCALER, INTERPOLATOR = "RealESRGAN_x4plus.safetensors", "film_net_fp16.safetensors"


@dataclass(frozen=True)
class Example:
    """A workflow of the template browser. name: file and title; note: Markdown shown beside the nodes."""

    name: str
    graph: Graph
    note: str


def clip_and_pose(**load: object) -> Graph:
    """The driving clip and its motion."""
    return {
        "clip": ("LoadMotionVideo", {"file": CLIP, **load}),
        "pose": ("ExtractHolisticPose", {"clip": ["clip", 0], "person": "largest", "smoothing": 1.0, "subtract_camera": False}),
    }


def character(picture: str = CHARACTERS[0]) -> Graph:
    """One picture and its mask, if it is transparent."""
    return {
        "picture": ("LoadImage", {"image": picture}),
        "subject": ("BuildSubjectLibrary", {"pictures.picture_1": ["picture", 0], "masks.mask_1": ["picture", 1], "name": "character"}),
    }


def retargeted(motion: str = "pose", orientation: bool = True, **changes: object) -> Graph:
    """The motion on the character's body, by default with an orientation node in front."""
    facing = {"mode": "video", "pan_deg": 0.0, "tilt_deg": 0.0, "zoom": 1.0, "orbit_deg": 0.0, **changes}
    inputs = {"motion": [motion, 0], "subject": ["subject", 0], "strength": 1.0, "framing": "fit to picture"}
    nodes: Graph = {"orientation": ("OrientationMode", facing)} if orientation else {}
    return {**nodes, "retarget": ("RetargetSkeleton", {**inputs, **({"orientation": ["orientation", 0]} if orientation else {})})}


def sampler(**changes: object) -> Graph:
    """KMC Sampler with its defaults, frames kept only where a later node needs them."""
    settings = {
        "prompt": "", "negative_prompt": "", "cfg_scale": 0.5, "mode": "std", "steps": 1, "motion_strength": 1.0, "seed": 0,
        "background": "picture", "images": False,
    }  # fmt: skip
    return {"sampler": ("KMCSampler", {"motion": ["retarget", 0], "subject": ["subject", 0], **settings, **changes})}


def saved(video: list, name: str) -> Graph:
    return {"save": ("SaveVideo", {"video": video, "filename_prefix": f"KMC/{name}", "format": "auto", "codec": "auto"})}


def first_video() -> Example:
    graph = {**clip_and_pose(), **character(), **retargeted(), **sampler(), **saved(["sampler", 3], "first_video")}
    return Example("first_video", graph, """
1. **KMC Load Motion Video**: choose a clip of one person, 3 to 30 s.
2. **Load Image**: choose a picture of the character, whole body, at least 300 px.
3. Run. Look at the nodes first: is the skeleton on the performer, is the character cut out well, are the joints where they
   belong? A joint can be dragged to its place.

The result has as many frames as the clip, at its rate, with its sound. `mode` draft is quick, pro is 1080p.

More views of the character: link them to KMC Build Subject Library (workflow several_views).""")  # fmt: skip


def distilled_fast() -> Example:
    few = {
        "prompt": "", "mode": "draft", "steps": 2, "motion_strength": 1.0, "seed": 0, "background": "picture", "images": False,
        "motion": ["retarget", 0], "subject": ["subject", 0],
    }  # fmt: skip
    graph = {
        **clip_and_pose(), **character(), **retargeted(orientation=False), "sampler": ("DistilledKMCSampler", few),
        **saved(["sampler", 3], "distilled_fast"),
    }  # fmt: skip
    return Example("distilled_fast", graph, """
The quickest way to see whether clip and picture fit: few steps, 360p.

When it looks right, use **first_video** with the same clip and picture for the full size.""")


def several_views() -> Example:
    views = {f"picture_{number}": ("LoadImage", {"image": name}) for number, name in enumerate((CHARACTERS[0], *SIDES), 1)}
    pictures = {f"pictures.picture_{number}": [f"picture_{number}", 0] for number in range(1, 5)}
    graph = {
        "motion": ("KMCLoadMotion", {"motion": FULL_TURN, "seconds": 5.0, "speed": 1.0, "mirror": False}),
        **views, "subject": ("BuildSubjectLibrary", {**pictures, "name": "character"}),
        "check": ("KMCPreflight", {"motion": ["motion", 0], "subject": ["subject", 0]}),
        "timeline": ("PreviewImage", {"images": ["check", 1]}),
        **retargeted("motion"), **sampler(), **saved(["sampler", 3], "several_views"),
    }  # fmt: skip
    return Example("several_views", graph, """
A character who turns round needs to be known from all sides. The first picture gives size and background; sides and back
are used while the character shows them. Up to seven pictures can be linked.

The motion comes from the library: no clip is needed. **KMC Preflight** says before sampling what the pair will not do.""")


def image_orientation_with_camera() -> Example:
    directed = {"mode": "image", "zoom": 1.2, "pan_deg": 2.0, "orbit_deg": 6.0}
    graph = {
        **clip_and_pose(), **character(), **retargeted(**directed), **sampler(),
        **saved(["sampler", 3], "image_orientation_with_camera"),
    }  # fmt: skip
    return Example("image_orientation_with_camera", graph, """
Orientation **image**: the character keeps the facing of its picture, and the camera is yours. Here it comes 20 % closer and
goes a little round the character until the last frame.

Up to 10 seconds; longer clips are trimmed. With orientation **video** the clip decides facing and camera.""")


def transparent_character_for_compositing() -> Example:
    graph = {
        **clip_and_pose(), **character(), **retargeted(orientation=False), **sampler(background="transparent", images=True, mode="draft"),
        "inverted": ("InvertMask", {"mask": ["sampler", 1]}),
        "cutout": ("JoinImageWithAlpha", {"image": ["sampler", 0], "alpha": ["inverted", 0]}),
        "save": ("SaveWEBM", {"images": ["cutout", 0], "filename_prefix": "KMC/transparent", "codec": "vp9", "fps": ["sampler", 2],
                              "crf": 24.0}),
    }  # fmt: skip
    return Example("transparent_character_for_compositing", graph, """
The character alone, as a WEBM with an alpha channel for any editor. Its MASK is white on the character; core's Join Image with
Alpha wants it the other way round, hence Invert Mask.

For a picture sequence link Join Image with Alpha to Save Image.""")


def upscale_and_interpolate() -> Example:
    graph = {
        **clip_and_pose(duration_s=3.0), **character(), **retargeted(orientation=False), **sampler(mode="draft", images=True),
        "upscaler": ("UpscaleModelLoader", {"model_name": UPSCALER}),
        "larger": ("ImageUpscaleWithModel", {"upscale_model": ["upscaler", 0], "image": ["sampler", 0]}),
        "half": ("ImageScaleBy", {"image": ["larger", 0], "upscale_method": "lanczos", "scale_by": 0.5}),
        "interpolator": ("FrameInterpolationModelLoader", {"model_name": INTERPOLATOR}),
        "smoother": ("FrameInterpolate", {"interp_model": ["interpolator", 0], "images": ["half", 0], "multiplier": 2}),
        "twice": ("ComfyMathExpression", {"expression": "a * 2", "values.a": ["sampler", 2]}),
        "video": ("CreateVideo", {"images": ["smoother", 0], "fps": ["twice", 0], "audio": ["clip", 2]}),
        **saved(["video", 0], "upscale_and_interpolate"),
    }  # fmt: skip
    return Example("upscale_and_interpolate", graph, f"""
Core's own nodes behind KMC Sampler: twice the size, twice the frames. Two models are needed, which are not part of this pack:

- `models/upscale_models/{UPSCALER}` (Comfy-Org/Real-ESRGAN_repackaged on Hugging Face)
- `models/frame_interpolation/{INTERPOLATOR}` (Comfy-Org/frame_interpolation on Hugging Face)

Three seconds need about 5 GB of memory. Another multiplier: change `a * 2`, too.""")


def keep_and_mix_audio() -> Example:
    graph = {
        **clip_and_pose(), **character(), **retargeted(orientation=False),
        "music": ("LoadAudio", {"audio": MUSIC}),
        "quiet": ("AudioAdjustVolume", {"audio": ["music", 0], "volume": -9}),
        "mix": ("AudioMerge", {"audio1": ["clip", 2], "audio2": ["quiet", 0], "merge_method": "add"}),
        **sampler(audio=["mix", 0]), **saved(["sampler", 3], "keep_and_mix_audio"),
    }  # fmt: skip
    return Example("keep_and_mix_audio", graph, """
The clip's own sound is kept by itself; `audio` replaces it. Here music is put under it, 9 dB lower.

The sound of the clip is the first input of Merge Audio, so the mix is exactly as long as the clip.""")


def pose_only_export() -> Example:
    graph = {
        **clip_and_pose(),
        "drawn": ("SDPoseDrawKeypoints", {
            "keypoints": ["pose", 1], "draw_body": True, "draw_hands": True, "draw_face": True, "draw_feet": False, "stick_width": 6,
            "face_point_size": 3, "score_threshold": 0.3, "draw_head": True}),
        "video": ("CreateVideo", {"images": ["drawn", 0], "fps": ["clip", 3], "audio": ["clip", 2]}),
        **saved(["video", 0], "pose"),
        "keypoints": ("KMCSaveMotion", {"motion": ["pose", 0], "filename_prefix": "kmc/pose", "format": "POSE_KEYPOINT (.json)"}),
        "skeleton": ("KMCSaveMotion", {"motion": ["pose", 0], "filename_prefix": "kmc/pose", "format": "BVH"}),
    }  # fmt: skip
    return Example("pose_only_export", graph, """
The motion without a character: POSE_KEYPOINT for any node that takes it (here core's SDPose Draw Keypoints makes the
skeleton video that ControlNets and pose models want), the same as a JSON file, and a BVH for 3-D programs.""")


def replace_background() -> Example:
    graph = {
        **clip_and_pose(), **character(), **retargeted(orientation=False), "backdrop": ("LoadImage", {"image": BACKGROUND}),
        **sampler(background="image", background_image=["backdrop", 0]), **saved(["sampler", 3], "replace_background"),
    }  # fmt: skip
    return Example("replace_background", graph, """
`background` **image** puts the character in front of the linked picture, which is cropped to the character picture's shape.

**driver** puts it into the clip itself, in the performer's place.""")


def batch_over_characters() -> Example:
    pictures = {f"picture_{number}": ("LoadImage", {"image": name}) for number, name in enumerate(CHARACTERS, 1)}
    listed = {f"inputs.input{index}": [name, 0] for index, name in enumerate(pictures)}
    graph = {
        **clip_and_pose(), **pictures, "characters": ("CreateList", listed),
        "subject": ("BuildSubjectLibrary", {"pictures.picture_1": ["characters", 0], "name": "character"}),
        **retargeted(orientation=False), **sampler(mode="draft"), **saved(["sampler", 3], "batch"),
    }  # fmt: skip
    return Example("batch_over_characters", graph, """
One clip, any number of characters. **Create List** hands its pictures on one by one; every node behind it runs once for each,
and Save Video writes a file for each. The clip's pose is found only once.

Link more pictures to Create List: it grows.""")


def motion_control() -> Graph:
    """What the blueprint KMC Motion Control holds, with its two inputs and a result outside of it."""
    return {
        "reference_image": ("LoadImage", {"image": CHARACTERS[0]}),
        "reference_video": ("LoadVideo", {"file": CLIP}),
        "clip": ("LoadMotionVideo", {"file": "", "video": ["reference_video", 0]}),
        "pose": ("ExtractHolisticPose", {"clip": ["clip", 0], "person": "largest", "smoothing": 1.0, "subtract_camera": False}),
        "subject": ("BuildSubjectLibrary", {"pictures.picture_1": ["reference_image", 0], "name": "character"}),
        **retargeted(),
        "silence": ("EmptyAudio", {"duration": 1.0, "sample_rate": 44100, "channels": 2}),
        "sound": ("ComfySwitchNode", {"switch": True, "on_true": ["clip", 2], "on_false": ["silence", 0]}),
        **sampler(audio=["sound", 0]), **saved(["sampler", 3], "motion_control"),
    }  # fmt: skip


def linked_model_examples() -> list[Example]:
    """Those of scripts/example_backbone_graphs.py, whose models are not shipped."""
    parts = Parts(clip_and_pose(), character(), retargeted(orientation=False), sampler(), (CHARACTERS[0], *SIDES[:2]))
    return [Example(make.__name__, *make(parts)) for make in BACKBONE_EXAMPLES]


EXAMPLES: dict[str, Example] = {
    example.name: example
    for example in (
        first_video(), distilled_fast(), several_views(), image_orientation_with_camera(), transparent_character_for_compositing(),
        upscale_and_interpolate(), keep_and_mix_audio(), pose_only_export(), replace_background(), batch_over_characters(),
        *linked_model_examples(),
    )
}  # fmt: skip


def prompt_of(graph: Graph) -> dict[str, dict]:
    """The form POST /prompt takes."""
    return {name: {"class_type": kind, "inputs": dict(inputs)} for name, (kind, inputs) in graph.items()}


def shortened(prompt: dict[str, dict], fps: float = 2.0, seconds: float = 1.0) -> dict[str, dict]:
    """The same prompt on a second of the clip (less of a library motion) at the smallest size and one step, for tests."""
    changes = {
        "LoadMotionVideo": {"fps": fps, "duration_s": seconds, "override_limits": True},
        "ExtractHolisticPose": {"override_limits": True},
        "KMCLoadMotion": {"seconds": 0.2},
        "KMCSampler": {"mode": "draft", "steps": 1},
        "DistilledKMCSampler": {"mode": "draft", "steps": 1},
    }
    return {
        name: {**node, "inputs": {**node["inputs"], **changes.get(node["class_type"], {})}} for name, node in prompt.items()
    }
