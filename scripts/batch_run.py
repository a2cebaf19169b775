"""Runs jobs on servers: one at a time on each, tried again elsewhere when a server is lost, never again when a node refused.

A job's prompt id is chosen and journalled before it is sent, so that after a lost answer or a killed batch the server can be asked
whether it has the prompt. Not here: HTTP (batch_client.py), reading jobs (batch_jobs.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from batch_client import Failed, Refused, Server, Unreachable
from batch_jobs import BadJobs, Job, prompt_of
from batch_journal import Journal

VIDEO_ENDINGS = (".mp4", ".webm", ".mkv", ".mov", ".gif")
IDLE_S = 0.2


@dataclass(frozen=True)
class Patience:
    """tries of one job over all servers; base and longest wait between tries (s); how long a silent server is waited for (s);
    how often a lost connection is tried again at once, before the job goes to another server."""

    tries: int = 5
    base_s: float = 1.0
    longest_s: float = 60.0
    server_s: float = 600.0
    reconnects: int = 2

    def wait_s(self, attempt: int) -> float:
        """Exponential back-off with full jitter."""
        return random.uniform(0.1, 1.0) * min(self.longest_s, self.base_s * 2**attempt)


@dataclass
class Result:
    """What became of a job. state: waiting, running, done, skipped (done before), failed."""

    job: Job
    state: str = "waiting"
    server: str = ""
    tries: int = 0
    seconds: float = 0.0
    error: str = ""
    outputs: list[str] = field(default_factory=list)


class Batch:
    """All jobs of a run. `run` returns when every job is done, failed, or has no server left."""

    def __init__(self, jobs: list[Job], servers: list[Server], journal: Journal, out: Path, patience: Patience, say: object) -> None:
        self.results = [Result(job, "skipped" if journal.is_done(job) else "waiting") for job in jobs]
        self._journal, self._out, self._patience, self._say = journal, out, patience, say
        self._servers = servers
        self._waiting = deque(result for result in self.results if result.state == "waiting")
        self._open = {server.url: self._open_prompts(server.url) for server in servers}
        self._left_behind: dict[str, list[str]] = {server.url: [] for server in servers}
        self._finished = asyncio.Event()

    def _open_prompts(self, url: str) -> deque[tuple[Result, str]]:
        """Jobs an earlier run submitted to this server; they are asked for before anything else is taken."""
        found = deque()
        for result in list(self._waiting):
            prompt = self._journal.open_prompt(result.job)
            if prompt is not None and prompt[0] == url:
                self._waiting.remove(result)
                found.append((result, prompt[1]))
        return found

    async def run(self) -> None:
        """Keep every server busy. A server that stays silent longer than patience allows is left out."""
        await asyncio.gather(*(self._serve(server) for server in self._servers))
        for result in self.results:
            if result.state in ("waiting", "running"):
                result.state, result.error = "failed", result.error or "no server was left"

    def _unfinished(self) -> bool:
        return any(result.state in ("waiting", "running") for result in self.results)

    async def _serve(self, server: Server) -> None:
        silent_since, failures = None, 0
        while self._unfinished():
            try:
                if failures:
                    await self._pause(self._patience.wait_s(failures - 1))
                    await self._welcome_back(server)
                    silent_since = None
                taken = self._take(server)
                if taken is None:
                    await self._pause(IDLE_S)
                    continue
                await self._attempt(server, *taken)
                failures = 0
            except Unreachable as error:
                failures += 1
                silent_since = silent_since or time.monotonic()
                self._say(f"{server.url}: {error}; trying again")
                if time.monotonic() - silent_since > self._patience.server_s:
                    self._say(f"{server.url}: given up")
                    self._hand_over(server)
                    return
        self._finished.set()

    async def _pause(self, seconds: float) -> None:
        """Wait, or less when the whole batch is finished meanwhile."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._finished.wait(), seconds)

    def _take(self, server: Server) -> tuple[Result, str | None] | None:
        if self._open[server.url]:
            return self._open[server.url].popleft()
        return (self._waiting.popleft(), None) if self._waiting else None

    def _hand_over(self, server: Server) -> None:
        """Jobs that only this server could have known go to the others."""
        while self._open[server.url]:
            self._waiting.append(self._open[server.url].popleft()[0])

    async def _welcome_back(self, server: Server) -> None:
        """Take prompts off a server that were given to others while it was silent. Raises Unreachable while it still is."""
        if self._finished.is_set():
            return
        await server.describe()
        for identity in self._left_behind[server.url]:
            await server.cancel(identity, {"prompt_id": identity, "why": "done elsewhere"})
        self._left_behind[server.url].clear()

    async def _attempt(self, server: Server, result: Result, identity: str | None) -> None:
        """One try of one job. Raises Unreachable after putting the job back."""
        result.state, result.server, started = "running", server.url, time.monotonic()
        result.tries += 1
        context = {"job": result.job.name, "attempt": result.tries}
        try:
            entry, identity = await self._entry(server, result.job, identity, context)
            result.outputs = await self._with_reconnects(lambda: self._fetch(server, result.job, entry, context))
            self._journal.write(result.job, "done", server=server.url, prompt_id=identity, outputs=result.outputs)
            result.state = "done"
            self._say(f"{result.job.name}: done on {server.url} in {time.monotonic() - started:.1f} s")
        except (Refused, Failed, BadJobs, OSError) as error:
            if isinstance(error, Unreachable):
                self._put_back(server, result, str(error))
                raise
            result.state, result.error = "failed", str(error)
            self._journal.write(result.job, "failed", server=server.url, error=str(error)[:2000])
            self._say(f"{result.job.name}: failed: {error}")
        finally:
            result.seconds += time.monotonic() - started

    def _put_back(self, server: Server, result: Result, error: str) -> None:
        prompt = self._journal.open_prompt(result.job)
        if prompt is not None and prompt[0] == server.url:
            self._left_behind[server.url].append(prompt[1])
        result.error = error
        if result.tries >= self._patience.tries:
            result.state = "failed"
            self._journal.write(result.job, "failed", server=server.url, error=f"tried {result.tries} times: {error}")
            return
        result.state = "waiting"
        self._journal.write(result.job, "lost", server=server.url, error=error)
        self._waiting.appendleft(result)

    async def _entry(self, server: Server, job: Job, identity: str | None, context: dict) -> tuple[dict, str]:
        """(history entry, prompt id) of the finished job; submits it unless the server has it already."""
        if identity is not None:
            state, entry = await server.state(identity, context | {"prompt_id": identity})
            if state != "unknown":
                return await self._wait(server, identity, context), identity
        names = {path: await server.upload(path, context) for paths in job.files.values() for path in paths}
        prompt = prompt_of(job, names, server.object_info)
        identity = str(uuid.uuid4())
        self._journal.write(job, "submitted", server=server.url, prompt_id=identity)
        try:
            await server.submit(prompt, identity, context | {"prompt_id": identity})
        except Unreachable:
            state, _ = await server.state(identity, context | {"prompt_id": identity})  # the answer was lost, not the prompt?
            if state == "unknown":
                raise
        return await self._wait(server, identity, context), identity

    async def _wait(self, server: Server, identity: str, context: dict) -> dict:
        return await self._with_reconnects(lambda: server.outcome(identity, context | {"prompt_id": identity}))

    async def _with_reconnects(self, step: object) -> object:
        """A network that hiccups is tried again on the same server first: the prompt is still running there."""
        for attempt in range(self._patience.reconnects + 1):
            try:
                return await step()
            except Unreachable:
                if attempt == self._patience.reconnects:
                    raise
                await asyncio.sleep(self._patience.wait_s(attempt))
        raise AssertionError("unreachable code")

    async def _fetch(self, server: Server, job: Job, entry: dict, context: dict) -> list[str]:
        """Download every saved video of a finished prompt as <job>.mp4, <job>_2.mp4 ..."""
        items = [item for output in entry["outputs"].values() for kind in ("images", "video", "gifs") for item in output.get(kind, [])]
        saved = [item for item in items if item.get("type") == "output" and item["filename"].lower().endswith(VIDEO_ENDINGS)]
        if not saved:
            raise Failed("the workflow saved no video: it needs a Save Video node")
        names = []
        for number, item in enumerate(saved, start=1):
            ending = Path(item["filename"]).suffix
            names.append(f"{job.name}{f'_{number}' if number > 1 else ''}{ending}")
            await server.download(item, self._out / names[-1], context | {"file": names[-1]})
        return names
