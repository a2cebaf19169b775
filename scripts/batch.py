"""Many videos over one or several ComfyUI servers: `python scripts/batch.py jobs.csv --server http://127.0.0.1:8188 --server ...`.

Jobs are rows of a CSV or JSON-lines file (docs/batches.md). Everything is checked before anything is submitted. Results, a journal and
a log of every request lie in the --out folder; run the same command again after an interruption and finished jobs are not done twice.
Exit status 0: all done, 1: some failed, 2: nothing was started.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
import time
from pathlib import Path

from environment import ROOT, run_in_venv

WORKFLOW = ROOT / "example_workflows" / "first_video.json"
LOG_NAME = "batch_requests.log"


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jobs", type=Path, help="a .csv or .jsonl file, one job or one product of jobs a row")
    parser.add_argument("--server", action="append", default=[], help="URL of a ComfyUI server with this pack, may be given several times")
    parser.add_argument("--ray-workers", type=int, default=0, help="start so many ComfyUI servers through Ray, one for each GPU worker")
    parser.add_argument("--workflow", type=Path, default=WORKFLOW, help="workflow (as saved, or in API form) for rows that name none")
    parser.add_argument("--out", type=Path, default=ROOT / "output" / "batch", help="folder for videos, journal and log")
    parser.add_argument("--header", action="append", default=[], help="NAME=VALUE sent with every request, for servers behind a login")
    parser.add_argument("--tries", type=int, default=5, help="tries of one job when servers are lost")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds a silent server is waited for")
    parser.add_argument("--skip-unreachable", action="store_true", help="start although some of the servers do not answer")
    parser.add_argument("--dry-run", action="store_true", help="check everything and list the jobs, submit nothing")
    arguments = parser.parse_args()
    if not arguments.jobs.is_file():
        parser.error(f"there is no file {arguments.jobs}")
    if bool(arguments.server) == bool(arguments.ray_workers):
        parser.error("name servers with --server, or workers with --ray-workers")
    if any("=" not in header for header in arguments.header):
        parser.error("a --header is NAME=VALUE")
    return arguments


def start_log(folder: Path) -> None:
    """Every request as a JSON line with the time in front."""
    handler = logging.FileHandler(folder / LOG_NAME, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("batch.requests")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


async def reachable_servers(servers: list, skip_unreachable: bool) -> tuple[list, list[str]]:
    """(servers that answered, problems)."""
    from batch_client import Refused, Unreachable

    answering, problems = [], []
    for server in servers:
        try:
            await server.describe()
            answering.append(server)
        except (Unreachable, Refused) as error:
            text = f"{server.url} does not answer: {error}"
            if skip_unreachable:
                print(text, flush=True)
            else:
                problems.append(text)
    return answering, problems if answering else problems or ["no server answers"]


def check_prompts(jobs: list, servers: list) -> list[str]:
    """Every job's prompt on every server, without submitting it: nodes and settings."""
    from batch_jobs import BadJobs, prompt_of
    from kmc_core.errors import KMCError
    from kmc_core.media.limits import check_prompt

    problems = []
    for server in servers:
        for job in jobs:
            try:
                names = {path: path.name for paths in job.files.values() for path in paths}
                prompt_of(job, names, server.object_info)
                for key in ("prompt", "negative_prompt"):
                    check_prompt(str(job.settings.get(key, "")), override=bool(job.settings.get("override_limits")))
            except (BadJobs, KMCError) as error:
                problems.append(f"row {job.row}, {job.name}: {error}")
    return list(dict.fromkeys(problems))


async def run_batch(arguments: argparse.Namespace, urls: list[str]) -> int:
    """Check, run, sum up; returns the exit status."""
    from batch_client import Server
    from batch_jobs import BadJobs, check_files, read_jobs
    from batch_journal import FolderInUse, Journal
    from batch_run import Batch, Patience

    headers = dict(header.split("=", 1) for header in arguments.header)
    try:
        jobs = read_jobs(arguments.jobs, arguments.workflow.resolve())
    except (BadJobs, OSError, UnicodeDecodeError) as error:
        return refuse([str(error)])
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(Server(url, headers)) for url in dict.fromkeys(urls)]
        arguments.out.mkdir(parents=True, exist_ok=True)
        start_log(arguments.out)
        servers, problems = await reachable_servers(servers, arguments.skip_unreachable)
        problems += check_files(jobs) + check_prompts(jobs, servers)
        if problems:
            return refuse(problems)
        try:
            journal = stack.enter_context(Journal(arguments.out))
        except FolderInUse as error:
            return refuse([str(error)])
        patience = Patience(tries=arguments.tries, server_s=arguments.patience)
        batch = Batch(jobs, servers, journal, arguments.out, patience, lambda text: print(text, flush=True))
        started = time.monotonic()
        if not arguments.dry_run:
            await batch.run()
        print_summary(batch.results, time.monotonic() - started, arguments.dry_run)
        return 1 if any(result.state == "failed" for result in batch.results) else 0


def refuse(problems: list[str]) -> int:
    print("Nothing was started:\n" + "\n".join(f"  {line}" for problem in problems for line in problem.splitlines()), file=sys.stderr)
    return 2


def print_summary(results: list, seconds: float, is_dry_run: bool) -> None:
    """A line for each job, then the counts."""
    width = max((len(result.job.name) for result in results), default=4)
    print(f"\n{'job':{width}s}  {'state':8s} {'tries':>5s} {'seconds':>8s}  server, files or error")
    for result in results:
        tail = result.error if result.state == "failed" else " ".join([result.server, *result.outputs])
        print(f"{result.job.name:{width}s}  {result.state:8s} {result.tries:5d} {result.seconds:8.1f}  {tail[:160]}")
    counts = {state: sum(result.state == state for result in results) for state in ("done", "skipped", "failed", "waiting")}
    words = ", ".join(f"{count} {'done before' if state == 'skipped' else state}" for state, count in counts.items() if count)
    print(f"{len(results)} jobs: {words}{' (dry run)' if is_dry_run else f', {seconds:.0f} s'}.")


def main() -> int:
    arguments = parsed_arguments()
    run_in_venv(Path(__file__).resolve())
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    if not arguments.ray_workers:
        return asyncio.run(run_batch(arguments, arguments.server))
    from batch_ray import ray_servers

    with ray_servers(arguments.ray_workers) as urls:
        return asyncio.run(run_batch(arguments, urls))


if __name__ == "__main__":
    sys.exit(main())
