"""From a driving clip and a character picture to a video, through the real ComfyUI: `python scripts/demo.py`.

Sets everything up on the first run, starts ComfyUI on a free local port, queues example_workflows/first_video.json over HTTP
and leaves result.mp4, side_by_side.mp4, contact_sheet.png and report.json in the output folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import threading
import time
from pathlib import Path

from environment import CACHE, ROOT, run_in_venv

WORKFLOW = ROOT / "example_workflows" / "first_video.json"
MEMORY_SAMPLE_S = 0.2


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", type=Path, help="driving clip; without it a five-second performer made by this project")
    parser.add_argument("--character", type=Path, action="append", help="picture of the character, may be given up to 7 times")
    parser.add_argument("--prompt", help="light, background, style")
    parser.add_argument("--orientation", choices=("video", "image"), default="video", help="whose facing the result has")
    parser.add_argument("--seconds", type=float, default=0.0, help="how much of the clip to use; 0 = up to the limit")
    parser.add_argument("--mode", choices=("draft", "std", "pro"), help="size of the result: 360p, 720p or 1080p by area")
    parser.add_argument("--steps", type=int, help="steps of the network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "output", help="folder for the results")
    arguments = parser.parse_args()
    for path in (arguments.clip, *(arguments.character or ())):
        if path is not None and not path.is_file():
            parser.error(f"there is no file {path}")
    if len(arguments.character or ()) > 7:
        parser.error("at most seven pictures of one character can be used")
    return arguments


class StageClock:
    """Seconds per stage: steps of this script by hand, nodes of the graph from the server's events."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.stage, self.started = "", 0.0

    def begin(self, stage: str) -> None:
        now = time.perf_counter()
        if self.stage:
            self.seconds[self.stage] = round(self.seconds.get(self.stage, 0.0) + now - self.started, 3)
        self.stage, self.started = stage, now
        if stage:
            print(f"{stage} ...", flush=True)


class MemoryWatch(threading.Thread):
    """Highest resident memory of a process and its children, sampled until `stop`."""

    def __init__(self, process_id: int) -> None:
        super().__init__(daemon=True)
        import psutil

        self.process, self.peak_bytes, self.ended = psutil.Process(process_id), 0, threading.Event()
        self.gone = psutil.NoSuchProcess

    def run(self) -> None:
        while not self.ended.wait(MEMORY_SAMPLE_S):
            try:
                family = [self.process, *self.process.children(recursive=True)]
                self.peak_bytes = max(self.peak_bytes, sum(member.memory_info().rss for member in family))
            except self.gone:
                continue

    def stop(self) -> float:
        """Ends the watch; returns the peak in MB."""
        self.ended.set()
        self.join()
        return round(self.peak_bytes / 2**20, 1)


class ProgressPrinter:
    """Prints the running node and its progress, and hands node changes to the stage clock."""

    def __init__(self, prompt: dict, clock: StageClock) -> None:
        self.prompt, self.clock, self.tenths = prompt, clock, -1

    def __call__(self, event: dict) -> None:
        data = event["data"]
        if event["type"] == "executing" and data.get("node"):
            self.tenths = -1
            self.clock.begin(self.prompt[data["node"]]["class_type"])
        elif event["type"] == "progress_state":
            for state in data["nodes"].values():
                if state["state"] == "running" and state["max"] > 1:
                    self._show(state["value"], state["max"])

    def _show(self, value: float, maximum: float) -> None:
        tenths = int(10 * value / maximum)
        if tenths != self.tenths:
            self.tenths = tenths
            print(f"  {value:.0f} of {maximum:.0f}", flush=True)


def fill_in(prompt: dict, arguments: argparse.Namespace, clip_name: str, picture_names: list[str]) -> None:
    """Put this run's files and settings into the workflow's prompt."""
    from workflow_graph import nodes_of_type

    (load,), (library,), (orientation,), (sampler,) = (
        nodes_of_type(prompt, kind) for kind in ("LoadMotionVideo", "BuildSubjectLibrary", "OrientationMode", "KMCSampler")
    )
    seconds = min(arguments.seconds or 10.0, 10.0) if arguments.orientation == "image" else arguments.seconds
    below_the_limit = 0 < arguments.seconds < 3  # asked for by hand, so the limit is lifted
    prompt[load]["inputs"].update(file=clip_name, duration_s=seconds, override_limits=below_the_limit)
    for kind in ("ExtractHolisticPose", "RetargetSkeleton"):
        for node in nodes_of_type(prompt, kind):
            prompt[node]["inputs"]["override_limits"] = below_the_limit
    prompt[orientation]["inputs"]["mode"] = arguments.orientation
    (first_picture,) = nodes_of_type(prompt, "LoadImage")
    prompt[first_picture]["inputs"]["image"] = picture_names[0]
    for number, name in enumerate(picture_names[1:], start=2):
        node = f"picture_{number}"
        prompt[node] = {"class_type": "LoadImage", "inputs": {"image": name}}
        prompt[library]["inputs"] |= {f"pictures.picture_{number}": [node, 0], f"masks.mask_{number}": [node, 1]}
    chosen = {"prompt": arguments.prompt, "mode": arguments.mode, "steps": arguments.steps, "seed": arguments.seed}
    prompt[sampler]["inputs"].update({name: value for name, value in chosen.items() if value is not None})


def run_workflow(arguments: argparse.Namespace, clock: StageClock) -> tuple[Path, float]:
    """Queue the workflow on a fresh server; returns the video it saved (copied to the output folder) and the peak in MB."""
    import os

    from comfyui_server import ComfyUIServer
    from demo_inputs import default_character, default_clip, fetch_pose_weights
    from workflow_graph import workflow_to_prompt

    clock.begin("prepare_inputs")
    fetch_pose_weights(CACHE / "models")
    clip = arguments.clip or default_clip(CACHE / "demo")
    pictures = arguments.character or [default_character(CACHE / "demo")]
    clock.begin("start_comfyui")
    base = CACHE / "comfyui_base"
    for name in ("output", "temp", "input"):
        shutil.rmtree(base / name, ignore_errors=True)
    with ComfyUIServer(Path(os.environ["COMFYUI_DIR"]), base, models=CACHE / "models") as server:
        watch = MemoryWatch(server.process.pid)
        watch.start()
        prompt = workflow_to_prompt(json.loads(WORKFLOW.read_text(encoding="utf-8")), server.get("/object_info"))
        fill_in(prompt, arguments, server.upload(clip), [server.upload(picture) for picture in pictures])
        entry = server.run(prompt, ProgressPrinter(prompt, clock))
        clock.begin("write_results")
        result = arguments.out / "result.mp4"
        shutil.copyfile(server.output_files(entry)[0], result)
        return result, watch.stop()


def write_results(arguments: argparse.Namespace, result: Path, clock: StageClock, peak_mb: float) -> dict:
    """Side by side, contact sheet and report beside the result; returns the report."""
    from demo_inputs import default_clip
    from demo_results import open_span, probe, write_contact_sheet, write_side_by_side

    driver = open_span(arguments.clip or default_clip(CACHE / "demo"), arguments.seconds, arguments.orientation)
    write_side_by_side(driver, result, arguments.out / "side_by_side.mp4")
    write_contact_sheet(driver, result, arguments.out / "contact_sheet.png")
    sound, made = driver.audio(), probe(result)
    clock.begin("")
    report = {
        "frames_in": driver.frame_count, "frames_out": made.frames,
        "fps_in": round(driver.fps, 4), "fps_out": round(made.fps, 4),
        "audio_in_s": round(sound.waveform.shape[-1] / sound.sample_rate, 3) if sound else 0.0,
        "audio_out_s": round(made.audio_s, 3),
        "seconds": clock.seconds, "peak_mb": peak_mb,
    }  # fmt: skip
    (arguments.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    return report


def main() -> int:
    arguments = parsed_arguments()
    started = time.perf_counter()
    run_in_venv(Path(__file__).resolve())
    from comfyui_server import PromptFailed, PromptRefused
    from demo_inputs import KMCError

    clock = StageClock()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        result, peak_mb = run_workflow(arguments, clock)
        report = write_results(arguments, result, clock, peak_mb)
    except (PromptFailed, PromptRefused, KMCError) as error:
        print(f"\nNo video: {error}", file=sys.stderr)
        return 1
    print("\nSeconds per stage:")
    for stage, seconds in report["seconds"].items():
        print(f"  {stage:22s} {seconds:8.1f}")
    print(f"Frames in / out {report['frames_in']} / {report['frames_out']}, fps {report['fps_in']} / {report['fps_out']}, ", end="")
    print(f"sound {report['audio_in_s']} / {report['audio_out_s']} s, peak memory {peak_mb:.0f} MB.")
    print(f"Results in {arguments.out} after {time.perf_counter() - started:.0f} s: result.mp4, side_by_side.mp4, contact_sheet.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
