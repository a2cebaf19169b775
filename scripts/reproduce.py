"""Run a video's production record again and say whether the frames are the same: `python scripts/reproduce.py video.mp4`.

Takes the record's JSON, or the video itself (the record is in its metadata). Runs on a server given by --server, which must
have the input files, else on a ComfyUI of its own. Exit status 0: identical frames, 1: other frames, 2: could not be run.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from environment import CACHE, ROOT, run_in_venv

BLOCK = 1 << 20
CACHE_TRIES, FORGETTING_S = 3, 0.5
SAVE = {"filename_prefix": "kmc/reproduced", "format": "auto", "codec": "auto"}
VIDEO_OUTPUT = 3


class CannotReproduce(RuntimeError):
    """The record cannot be run again; the message says what is missing."""


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", type=Path, help="a *.record.json, or a video made by a KMC sampler")
    parser.add_argument("--server", help="URL of a running ComfyUI with this pack; without it one is started and stopped")
    parser.add_argument("--inputs", type=Path, help="folder with the input files, for a server that does not have them (such as its own)")
    parser.add_argument("--show", action="store_true", help="only print the record")
    return parser.parse_args()


@contextlib.contextmanager
def client_of(address: str | None) -> Iterator[object]:
    """A client of the server at `address`, or of one started for this run."""
    from comfyui_server import ComfyUIClient, ComfyUIServer

    if address:
        yield ComfyUIClient(address.rstrip("/"))
        return
    with tempfile.TemporaryDirectory(prefix="kmc_reproduce_") as base:
        with ComfyUIServer(Path(os.environ["COMFYUI_DIR"]), Path(base), models=CACHE / "models") as server:
            yield server


def runnable_prompt(record: dict) -> tuple[dict, str]:
    """(prompt of the sampler's ancestors and a Save Video, the sampler's id)."""
    prompt, sampler = record.get("prompt"), record.get("node")
    if not isinstance(prompt, dict) or sampler not in prompt:
        raise CannotReproduce("This record holds no prompt: the sampler was not run through ComfyUI's queue.")
    kept, waiting = set(), [sampler]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting += [value[0] for value in prompt[name]["inputs"].values() if _is_link(value, prompt)]
    chosen = {name: prompt[name] for name in kept}
    chosen[f"{sampler}_save"] = {"class_type": "SaveVideo", "inputs": {"video": [sampler, VIDEO_OUTPUT], **SAVE}}
    return chosen, sampler


def _is_link(value: object, prompt: dict) -> bool:
    return isinstance(value, list) and len(value) == 2 and value[0] in prompt


def compare_inputs(client: object, record: dict, folder: Path | None) -> list[str]:
    """Make the record's files available on the server; sentences for those whose content is another now."""
    changed = []
    for entry in record["files"]:
        name = entry["name"]
        there = _sha256_on(client, name)
        own = _find(folder, entry) if there != entry["sha256"] and folder is not None else None
        if own is not None:
            client.upload(own, _folder_of(name), Path(_plain_name(name)).name)
            there = _sha256_on(client, name)
        if there is None:
            raise CannotReproduce(f"The server has no input file {name} (sha256 {entry['sha256'][:12]}...). Name its folder with --inputs.")
        if there != entry["sha256"]:
            changed.append(f"file {name}: {entry['sha256'][:12]}... -> {there[:12]}...")
    return changed


def _find(folder: Path, entry: dict) -> Path | None:
    """The file in a folder with the size and hash of a record's entry, whatever it is called."""
    alike = (path for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_size == entry["bytes"])
    return next((path for path in alike if hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]), None)


def _plain_name(name: str) -> str:
    return name.rsplit(" [", 1)[0] if name.endswith("]") else name


def _folder_of(name: str) -> str:
    parent = Path(_plain_name(name)).parent
    return "" if parent == Path() else parent.as_posix()


def _sha256_on(client: object, name: str) -> str | None:
    """SHA-256 of a file of the server's folders, or None where there is none."""
    kind = name.rsplit(" [", 1)[1][:-1] if name.endswith("]") and " [" in name else "input"
    digest = hashlib.sha256()
    try:
        with client.view(Path(_plain_name(name)).name, _folder_of(name), kind) as answer:
            while block := answer.read(BLOCK):
                digest.update(block)
    except urllib.error.HTTPError:
        return None
    return digest.hexdigest()


def reproduced(client: object, record: dict) -> dict:
    """Run the record's prompt from its first node on; returns the new run's record.

    Raises CannotReproduce when the server keeps answering from its cache.
    """
    prompt, sampler = runnable_prompt(record)
    for _ in range(CACHE_TRIES):
        client.post("/free", {"unload_models": True, "free_memory": True})  # the server forgets results when it is next idle
        time.sleep(FORGETTING_S)
        cached: list[str] = []
        entry = client.run(prompt, lambda event: cached.extend(_cached_nodes(event)))  # noqa: B023 - used within this turn
        if not cached:
            noted = entry["outputs"][sampler]["record"][0]
            with client.view(noted["filename"], noted["subfolder"], noted["type"]) as answer:
                return json.load(answer)
    raise CannotReproduce("The server answered from its cache. Restart it and try again.")


def _cached_nodes(event: dict) -> list[str]:
    return event["data"]["nodes"] if event["type"] == "execution_cached" else []


def verdict(record: dict, fresh: dict, changed: list[str]) -> tuple[bool, list[str]]:
    """Whether the frames are the same, and the report."""
    from kmc_core.media.production_record import record_differences

    old, new = record["frames"], fresh["frames"]
    same = old["rendered_sha256"] == new["rendered_sha256"]
    lines = [f"{'IDENTICAL' if same else 'DIFFERENT'}: {new['count']} frames, {new['width']} x {new['height']}."]
    lines += [f"rendered frames {old['rendered_sha256'][:16]}... and {new['rendered_sha256'][:16]}..."]
    if same and old["decoded_sha256"] != new["decoded_sha256"]:
        lines.append("The rendered frames are the same; the video encoder stored them differently.")
    differences = changed + record_differences(record, fresh)
    if differences:
        lines += ["What differs:", *(f"  {line}" for line in differences)]
    elif not same:
        lines.append("Nothing else differs: the device's arithmetic is not repeatable.")
    return same, lines


def main() -> int:
    arguments = parsed_arguments()
    run_in_venv(Path(__file__).resolve())
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    from comfyui_server import PromptFailed, PromptRefused
    from kmc_core.errors import KMCError
    from kmc_core.media.production_record import read_record

    try:
        record = read_record(arguments.record)
        if arguments.show:
            print(json.dumps(record, indent=1, sort_keys=True))
            return 0
        with client_of(arguments.server) as client:
            changed = compare_inputs(client, record, arguments.inputs)
            fresh = reproduced(client, record)
    except (CannotReproduce, PromptFailed, PromptRefused, KMCError, OSError) as error:
        print(f"Not run: {error}", file=sys.stderr)
        return 2
    same, lines = verdict(record, fresh, changed)
    print("\n".join(lines))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
