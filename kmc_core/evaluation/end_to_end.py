"""One whole job in a fresh process: decode, pose, cut-out, retargeting, alignment, sampling, fusion, encoding; with its seconds.

`timed_job` starts the process; run as a module it is that process. Called by speed_command.py. Not here: ComfyUI around it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from ..dit.weights_file import RECOMMENDED_STRENGTH, load_network
from ..errors import KMCError
from ..media.clip import open_clip
from ..media.picture import read_picture
from ..media.writer import VideoWriter
from ..motion.retarget import retarget
from ..pose.extractor import HolisticExtractor
from ..sampling.output_size import output_canvas
from ..sampling.reenact import SamplerSettings, reenact
from ..subject.library import build_subject

PACK = Path(__file__).resolve().parents[2]
MODE, SECONDS = "std", 5.0
WORKERS = 2


def timed_job(clip: Path, picture: Path, weights: Path, pose_weights: Path, out: Path, steps: int = 4) -> dict[str, object]:
    """Run it -> {"seconds" from the start of the process to its end, "cpu_seconds", "frames", "stages": {name: seconds}}.

    Raises KMCError with the job's own words when it fails.
    """
    words = [str(value) for value in (clip, picture, weights, pose_weights, out, steps)]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.end_to_end", *words], cwd=PACK, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise KMCError("The job in a fresh process failed", got=done.stderr.strip()[-400:], remedy="Check its clip and picture")
    return {"seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}


def job(clip_path: Path, picture: Path, weights: Path, pose_weights: Path, out: Path, steps: int) -> dict[str, object]:
    """The job itself: the first SECONDS of the clip at 720p, with the clip's sound, into the file `out`."""
    stages: dict[str, float] = {}
    last = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal last
        stages[stage], last = time.perf_counter() - last, time.perf_counter()

    clip = open_clip(clip_path, duration_s=SECONDS)
    extractor = HolisticExtractor(pose_weights, workers=WORKERS)
    network, facts = load_network(weights)
    lap("load")
    driver = extractor.track(clip)
    lap("decode and pose")
    subject = build_subject([read_picture(picture)], extractor, name=picture.stem)
    lap("character")
    motion = retarget(driver, subject)
    lap("retarget")
    settings = SamplerSettings(
        mode=MODE, steps=steps, network_strength=float(facts.get(RECOMMENDED_STRENGTH, 1.0)), folded_guidance=True
    )
    canvas = output_canvas(motion.character.canvas, MODE)
    with VideoWriter(out, canvas, clip.rate, clip.audio()) as writer:
        for frame in reenact(motion, subject, settings, network):
            writer.write(frame.rgb)
    lap("align, sample, fuse and encode")
    return {"cpu_seconds": time.process_time(), "frames": writer.frame_count, "stages": stages}


def main() -> int:
    """The fresh process: its last line of output is the JSON of `job`."""
    parser = argparse.ArgumentParser(prog="kmc_core.evaluation.end_to_end", description=__doc__)
    for name in ("clip", "picture", "weights", "pose_weights", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("steps", type=int)
    options = parser.parse_args()
    try:
        found = job(options.clip, options.picture, options.weights, options.pose_weights, options.out, options.steps)
    except KMCError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
