"""Makes the pictures of the template browser: every example workflow is run in the real ComfyUI, its frames become a JPG.

python scripts/make_workflow_pictures.py [name ...]     some minutes
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from environment import CACHE, ROOT, run_in_venv
from example_backbone_graphs import BACKBONE_EXAMPLES
from example_graphs import CLIP, EXAMPLES, INTERPOLATOR, UPSCALER, prompt_of, shortened

FOLDER, INPUTS = ROOT / "example_workflows", ROOT / "example_inputs"
HEIGHT, GAP, QUALITY = 400, 4, 86
FPS, SECONDS = 2.0, 5.0
MOMENT = 4  # two seconds in: both arms are up
TURN_SPEED = 4.0
PAPER = 245
WITH_LINKED_MODELS = {make.__name__ for make in BACKBONE_EXAMPLES}  # scripts/make_linked_model_pictures.py makes theirs


def moments(path: Path) -> list:
    """All frames of a video, uint8 RGB, or RGBA where the file has an alpha channel."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.metadata.get("alpha_mode") != "1":
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        return [
            frame.to_ndarray(format="rgba") for packet in container.demux(stream) if packet.size for frame in decoder.decode(packet)
        ]


def beside(*pictures: object) -> object:
    """Pictures in a row, all HEIGHT high."""
    import cv2
    import numpy as np

    scales = [HEIGHT / len(picture) for picture in pictures]
    scaled = [
        cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for picture, scale in zip(pictures, scales, strict=True)
    ]
    line = np.full((HEIGHT, GAP, 3), PAPER, np.uint8)
    parts = [part for picture in scaled for part in (picture[:HEIGHT, :, :3], line)]
    return np.concatenate(parts[:-1], axis=1)


def middle(picture: object, width_to_height: float = 0.72) -> object:
    """The middle of a wide picture."""
    width = min(picture.shape[1], round(width_to_height * len(picture)))
    left = (picture.shape[1] - width) // 2
    return picture[:, left : left + width]


def over_checks(picture: object) -> object:
    """RGBA over a chessboard."""
    import numpy as np

    rows, columns = np.indices(picture.shape[:2]) // 16
    board = np.where((rows + columns) % 2, 205, 255)[..., None]
    alpha = picture[..., 3:] / 255
    return (picture[..., :3] * alpha + board * (1 - alpha)).astype(np.uint8)


def with_sound(picture: object, path: Path) -> object:
    """The picture above the loudness of a file's sound over time."""
    import av
    import numpy as np

    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray().mean(0) for frame in container.decode(audio=0)])
    strip_height = 90
    strip = np.full((strip_height, picture.shape[1], 3), PAPER, np.uint8)
    for column, part in enumerate(np.array_split(np.abs(sound), picture.shape[1])):
        half = round(min(part.max(), 1.0) * (strip_height // 2 - 4))
        strip[strip_height // 2 - half : strip_height // 2 + half + 1, column] = (46, 125, 150)
    return np.concatenate([picture[: HEIGHT - strip_height], strip])


def small_and_large(picture: object) -> object:
    """The same frame at its own size in the corner of a sheet and at twice the size beside it."""
    import cv2
    import numpy as np

    large = cv2.resize(picture, None, fx=HEIGHT / len(picture), fy=HEIGHT / len(picture), interpolation=cv2.INTER_AREA)
    small = cv2.resize(large, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    sheet = np.full((HEIGHT, small.shape[1], 3), PAPER, np.uint8)
    sheet[HEIGHT - len(small) :] = small
    return beside(sheet, large)


def drawn(name: str, files: list[Path], driver: list) -> object:
    """The JPG's content for one workflow. files: what it saved; driver: frames of the clip at the same rate."""
    frames = [moments(path) for path in files if path.suffix in (".mp4", ".webm")]
    result = frames[0]
    now = min(MOMENT, len(result) - 1)
    if name == "several_views":
        return beside(*(middle(result[round(part * (len(result) - 1))], 0.6) for part in (0, 0.25, 0.5, 0.75)))
    if name == "image_orientation_with_camera":
        return beside(middle(driver[now]), result[0], result[-1])
    if name == "transparent_character_for_compositing":
        return beside(over_checks(result[now]), over_checks(result[now + 2]))
    if name == "keep_and_mix_audio":
        return with_sound(beside(middle(driver[now]), result[now]), files[0])
    if name == "upscale_and_interpolate":
        return small_and_large(result[now])
    if name == "batch_over_characters":
        return beside(*(middle(clip[now], 0.62) for clip in frames))
    if name == "replace_background":
        return beside(result[now], result[now + 2])
    return beside(middle(driver[now], 0.9), middle(result[now], 0.9))


def settings_of(name: str) -> dict[str, dict]:
    """A short prompt of the workflow; models that are not shipped are left out of upscale_and_interpolate."""
    prompt = shortened(prompt_of(EXAMPLES[name].graph), FPS, SECONDS)
    if "motion" in prompt:
        prompt["motion"]["inputs"].update(seconds=0.0, speed=TURN_SPEED)
    if name == "upscale_and_interpolate":
        prompt["video"]["inputs"].update(images=["sampler", 0], fps=["sampler", 2])
        prompt = {key: node for key, node in prompt.items() if {UPSCALER, INTERPOLATOR}.isdisjoint(map(str, node["inputs"].values()))}
        for unused in ("larger", "half", "smoother", "twice"):
            prompt.pop(unused)
    return prompt


def main() -> int:
    run_in_venv(Path(__file__).resolve())
    import cv2
    from comfyui_server import ComfyUIServer

    sys.path.append(str(ROOT))  # behind everything else: ComfyUI has a module `nodes` of its own
    from kmc_core.media.clip import open_clip

    driver = list(open_clip(INPUTS / CLIP, fps=FPS).frames())
    with (
        tempfile.TemporaryDirectory() as base,
        ComfyUIServer(Path(os.environ["COMFYUI_DIR"]), Path(base), models=CACHE / "models") as server,
    ):
        for name in sys.argv[1:] or [name for name in EXAMPLES if name not in WITH_LINKED_MODELS]:
            entry = server.run(settings_of(name))
            files = [path for path in server.output_files(entry) if path.is_relative_to(server.base / "output")]
            picture = drawn(name, files, driver)
            cv2.imwrite(str(FOLDER / f"{name}.jpg"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            print(name, picture.shape, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
