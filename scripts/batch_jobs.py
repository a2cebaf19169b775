"""The jobs of a batch: read from CSV or JSON lines, multiplied out, checked, and turned into prompts.

A row names files and settings. `clip`, `character` (several pictures of one character: `a.png;b.png`), `background_picture`
and `audio` are files; `name` and `workflow` are what they say; every other column is an input of a node of the workflow, as
`seed` or, where several nodes have it, `KMCSampler.seed`. Alternatives (`a.mp4|b.mp4` in CSV, lists in JSON) are multiplied out.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from workflow_graph import UnsupportedWorkflow, nodes_of_type, workflow_to_prompt

FILES = ("clip", "character", "background_picture", "audio")
SAMPLERS = ("KMCSampler", "DistilledKMCSampler")
SHORT_NAMES = {"orientation": "OrientationMode.mode"}
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
NUMBERS = {"INT": int, "FLOAT": float}
TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
MOST_JOBS = 100_000
LONGEST_NAME = 120


class BadJobs(ValueError):
    """The list of jobs cannot be run; the message names every problem found, one a line."""


@dataclass(frozen=True)
class Job:
    """One video to make. files: column -> paths; settings: column -> value; digest: of everything that decides the result."""

    name: str
    workflow: Path
    files: dict[str, tuple[Path, ...]]
    settings: dict[str, object]
    digest: str
    row: int = field(compare=False, default=0)


def read_jobs(path: Path, default_workflow: Path) -> list[Job]:
    """All jobs of a .csv or .jsonl file; relative paths count from the file's folder. Raises BadJobs."""
    rows, problems, jobs = _rows(path), [], []
    for number, row in rows:
        for choice in _products(row):
            try:
                jobs.append(_job(choice, number, path.parent, default_workflow))
            except (BadJobs, OSError) as error:
                problems.append(f"row {number}: {error}")
    names = [job.name for job in jobs]
    problems += [f"row {job.row}: the name {job.name} is used twice" for job in jobs if names.count(job.name) > 1]
    if not jobs and not problems:
        problems.append(f"{path.name} holds no jobs")
    if len(jobs) > MOST_JOBS:
        problems = [f"{len(jobs)} jobs are more than {MOST_JOBS}"]
    if problems:
        raise BadJobs("\n".join(problems))
    return jobs


def _rows(path: Path) -> list[tuple[int, dict[str, object]]]:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".csv":
        rows = list(enumerate(csv.DictReader(text.splitlines()), start=2))
        wide = [number for number, row in rows if None in row]
        if wide:
            raise BadJobs(f"row {wide[0]} has more cells than the first row has names")
        return [(number, {key.strip(): _alternatives(cell) for key, cell in row.items() if (cell or "").strip()}) for number, row in rows]
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise BadJobs(f"line {number} is no JSON: {error}") from error
            if not isinstance(row, dict):
                raise BadJobs(f"line {number} is no JSON object")
            rows.append((number, row))
    return rows


def _alternatives(cell: str) -> object:
    parts = [part.strip() for part in cell.split("|")]
    return parts if len(parts) > 1 else parts[0]


def _products(row: dict[str, object]) -> list[dict[str, object]]:
    values = [value if isinstance(value, list) else [value] for value in row.values()]
    return [dict(zip(row, choice, strict=True)) for choice in itertools.product(*values)]


def _job(row: dict[str, object], number: int, folder: Path, default_workflow: Path) -> Job:
    files = {}
    for column in FILES:
        if column in row:
            entry = row[column]
            names = entry if isinstance(entry, list) else str(entry).split(";")
            files[column] = tuple((folder / str(name).strip()).resolve() for name in names)
    workflow = (folder / str(row["workflow"])).resolve() if row.get("workflow") else default_workflow
    settings = {key: value for key, value in row.items() if key not in (*FILES, "name", "workflow")}
    for path in (*itertools.chain(*files.values()), workflow):
        if not path.is_file() or not path.stat().st_size:
            raise BadJobs(f"there is no file {path}, or it is empty")
    facts = {
        "workflow": sha256_of(workflow), "settings": settings,
        "files": {column: [sha256_of(path) for path in paths] for column, paths in files.items()},
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
    stems = [path.stem for column in ("clip", "character") for path in files.get(column, ())[:1]]
    name = str(row.get("name") or "_".join([*stems, digest[:8]]))
    return Job(re.sub(r"[^\w.-]+", "_", name).strip("._")[:LONGEST_NAME] or digest[:8], workflow, files, settings, digest, number)


@lru_cache(maxsize=4096)
def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read once for each run."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_files(jobs: list[Job]) -> list[str]:
    """What is wrong with clips and pictures, found by opening each once as the nodes will; empty when all is well."""
    from kmc_core.errors import KMCError
    from kmc_core.media.clip import open_clip
    from kmc_core.media.limits import check_picture
    from kmc_core.media.picture import read_picture

    problems = []
    for column, path in sorted({(column, path) for job in jobs for column, paths in job.files.items() for path in paths}):
        try:
            if column == "clip":
                open_clip(path)
            elif column == "character":
                check_picture(read_picture(path).shape)
            elif column == "background_picture":
                read_picture(path)
        except KMCError as error:
            problems.append(f"{column} {path.name}: {error}")
    return problems


def prompt_of(job: Job, names: dict[Path, str], object_info: dict) -> dict[str, dict]:
    """The prompt of a job; `names` says what each of its files is called on the server. Raises BadJobs."""
    prompt = _base_prompt(job, object_info)
    unknown = sorted({node["class_type"] for node in prompt.values()} - set(object_info))
    if unknown:
        raise BadJobs(f"the server does not have the nodes {', '.join(unknown)}")
    for key, value in job.settings.items():
        _set_input(prompt, SHORT_NAMES.get(key, key), value, object_info)
    _place_files(prompt, job, names)
    return prompt


def _base_prompt(job: Job, object_info: dict) -> dict[str, dict]:
    try:
        workflow = json.loads(job.workflow.read_text(encoding="utf-8"))
        return workflow_to_prompt(workflow, object_info) if "nodes" in workflow else json.loads(json.dumps(workflow))
    except (ValueError, UnsupportedWorkflow) as error:
        raise BadJobs(f"{job.workflow.name}: {error}") from error


def _set_input(prompt: dict, key: str, value: object, object_info: dict) -> None:
    kind, _, name = key.rpartition(".")
    owners = [node for node in prompt.values() if kind in ("", node["class_type"]) and _has_widget(node, name, object_info)]
    if not kind and len({node["class_type"] for node in owners}) > 1:
        owners = [node for node in owners if node["class_type"] in SAMPLERS] or owners
    if not owners:
        raise BadJobs(f"no node of the workflow has the input {key}")
    if len({node["class_type"] for node in owners}) > 1:
        kinds = ", ".join(sorted({f"{node['class_type']}.{name}" for node in owners}))
        raise BadJobs(f"{key} may mean {kinds}: name one of them")
    for node in owners:
        node["inputs"][name] = checked_value(key, value, _specification(node, name, object_info))


def _specification(node: dict, name: str, object_info: dict) -> list | None:
    described = object_info[node["class_type"]]["input"]
    return {**described.get("required", {}), **described.get("optional", {})}.get(name)


def _has_widget(node: dict, name: str, object_info: dict) -> bool:
    """True for an input that holds a value; what is linked to another node stays linked."""
    specification = _specification(node, name, object_info)
    is_widget = specification is not None and (isinstance(specification[0], list) or specification[0] in WIDGETS)
    return is_widget and not isinstance(node["inputs"].get(name), list)


def checked_value(key: str, value: object, specification: list) -> object:
    """The value as the input's own type. Raises BadJobs for another type, outside its range or not among its options."""
    kind, options = specification[0], specification[1] if len(specification) > 1 else {}
    choices = kind if isinstance(kind, list) else options.get("options")
    try:
        if kind in NUMBERS:
            number = NUMBERS[kind](value)
            low, high = options.get("min", float("-inf")), options.get("max", float("inf"))
            if isinstance(value, bool) or not low <= number <= high:
                raise BadJobs(f"{key} is {value}, expected {low} to {high}")
            return number
        if kind == "BOOLEAN":
            return value if isinstance(value, bool) else TRUTHS[str(value).strip().lower()]
    except (TypeError, ValueError, KeyError) as error:
        if isinstance(error, BadJobs):
            raise
        raise BadJobs(f"{key} is {value!r}, expected {kind}") from error
    if choices and value not in choices:
        raise BadJobs(f"{key} is {value!r}, expected one of {', '.join(map(str, choices[:12]))}")
    return value


def _place_files(prompt: dict, job: Job, names: dict[Path, str]) -> None:
    for path in job.files.get("clip", ()):
        for node in _needed(prompt, ("LoadMotionVideo",)):
            prompt[node]["inputs"]["file"] = names[path]
    if "character" in job.files:
        (library, *_) = _needed(prompt, ("BuildSubjectLibrary",))
        inputs = prompt[library]["inputs"]
        for key in [key for key in inputs if key.startswith(("pictures.", "masks."))]:
            del inputs[key]
        for number, path in enumerate(job.files["character"], start=1):
            node = f"batch_picture_{number}"
            prompt[node] = {"class_type": "LoadImage", "inputs": {"image": names[path]}}
            inputs |= {f"pictures.picture_{number}": [node, 0], f"masks.mask_{number}": [node, 1]}
    for column, kind, key in (("background_picture", "LoadImage", "image"), ("audio", "LoadAudio", "audio")):
        for path in job.files.get(column, ()):
            node = f"batch_{column}"
            prompt[node] = {"class_type": kind, "inputs": {key: names[path]}}
            for sampler in _needed(prompt, SAMPLERS):
                linked = {"background": "image", "background_image": [node, 0]} if key == "image" else {"audio": [node, 0]}
                prompt[sampler]["inputs"] |= linked


def _needed(prompt: dict, kinds: tuple[str, ...]) -> list[str]:
    found = [node for kind in kinds for node in nodes_of_type(prompt, kind)]
    if not found:
        raise BadJobs(f"the workflow has no {' or '.join(kinds)}")
    return found
