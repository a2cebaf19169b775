"""Feeds thousands of spoiled files to every reader, in a process of its own: `python run_cases.py FOLDER COUNTS_JSON SEED`.

Prints one JSON object: for each format the number of cases, refusals, and of everything that should not have happened. A case that
hangs ends the process with a traceback. Times are the processor's, so that a busy machine fails nothing.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from hostile_files import good_files, spoilers

from kmc_core.dit.weights_file import load_network
from kmc_core.errors import KMCError
from kmc_core.media.clip import open_clip
from kmc_core.media.picture import picture_problems, read_picture
from kmc_core.media.production_record import read_record
from kmc_core.motion.bvh import read_bvh
from kmc_core.motion.pose_keypoint_file import read_pose_keypoint_file
from kmc_core.motion.storage import load_motion
from kmc_core.pose.interchange import from_pose_keypoint
from kmc_core.subject.storage import load_subject
from kmc_core.types import HolisticMotion

HANG_S = 60.0
ENDINGS = {"bvh": ".bvh", "pose_keypoint": ".json", "record": ".record.json", "picture": ".png", "clip": ".mp4"}


def check_motion(motion: HolisticMotion) -> None:
    arrays = [value for value in vars(motion).values() if isinstance(value, np.ndarray)]
    assert all(np.isfinite(array).all() for array in arrays), "numbers that are not finite"
    assert 0 < motion.fps <= 240 and motion.frame_count > 0 and min(motion.canvas) > 0


def check_subject(path: Path) -> None:
    subject = load_subject(path)
    view = subject.primary_view
    assert 1 <= len(subject.views) <= 7 and np.isfinite([view.torso_px, view.yaw, view.head_yaw, subject.bone_lengths.sum()]).all()


def check_clip(path: Path) -> None:
    clip = open_clip(path)
    part = clip.span(0.0, min(clip.seconds, 1.0))
    frames = sum(1 for _ in part.frames(0, min(part.frame_count, 30), long_side=48))
    assert frames == min(part.frame_count, 30)
    part.audio()


def check_picture(path: Path) -> None:
    picture = read_picture(path)
    assert picture.dtype == np.uint8 and picture.shape[-1] in (3, 4)
    picture_problems(picture)


def check_values(path: Path) -> None:
    check_motion(from_pose_keypoint(json.loads(path.read_bytes().decode("utf-8", "surrogatepass")), 24.0))


READERS = {
    "motion": lambda path: check_motion(load_motion(path)),
    "subject": check_subject,
    "checkpoint": load_network,
    "bvh": lambda path: check_motion(read_bvh(path)),
    "pose_keypoint": lambda path: check_motion(read_pose_keypoint_file(path)),
    "keypoint_values": check_values,
    "record": read_record,
    "picture": check_picture,
    "clip": check_clip,
}


def run(kind: str, contents: list[bytes], count: int, seed: int, folder: Path) -> dict:
    """`count` cases of one format; failures hold the case's number, so that it can be made again."""
    facts = {"cases": 0, "refused": 0, "slowest_s": 0.0, "failures": []}
    path, ways = folder / f"spoiled{ENDINGS.get(kind, '.safetensors')}", spoilers(kind)
    for content in contents:
        path.write_bytes(content)
        READERS[kind](path)  # what is not spoiled is read
    for case in range(count):
        rng = np.random.default_rng([seed, sorted(READERS).index(kind), case])
        path.write_bytes(ways[int(rng.integers(len(ways)))](contents[case % len(contents)], rng))
        started = time.process_time()
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        try:
            READERS[kind](path)
        except KMCError as error:
            facts["refused"] += 1
            if not str(error) or len(str(error)) > 2000:
                facts["failures"].append(f"{case}: a message of {len(str(error))} characters")
        except BaseException:  # noqa: BLE001 - whatever it is, it is a finding
            facts["failures"].append(f"{case}: {traceback.format_exc(limit=-3)}"[-700:])
        finally:
            faulthandler.cancel_dump_traceback_later()
        seconds = time.process_time() - started
        facts["slowest_s"] = max(facts["slowest_s"], round(seconds, 2))
        facts["cases"] += 1
    return facts


def main() -> None:
    folder, counts, seed = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
    faulthandler.enable()
    warnings.simplefilter("ignore")
    contents = good_files(folder)
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts, started = {}, time.process_time()
    for kind, count in counts.items():
        begun = time.process_time()
        facts[kind] = run(kind, contents[kind], count, seed, folder)
        facts[kind]["cpu_s"] = round(time.process_time() - begun, 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"formats": facts, "added_mb": (peak - baseline) // 1024, "cpu_s": round(time.process_time() - started, 1)}))


if __name__ == "__main__":
    main()
