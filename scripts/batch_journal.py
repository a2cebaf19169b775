"""What a batch has done so far, as JSON lines that survive a kill: a line is on the disk before what it announces happens.

A torn last line is ignored. One batch at a time may write to a folder. Not here: what to do with it (batch_run.py).
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from batch_jobs import Job

JOURNAL_NAME, LOCK_NAME = "batch_journal.jsonl", "batch.lock"


class FolderInUse(RuntimeError):
    """Another batch writes into this folder."""


class Journal:
    """Context manager. `done` names finished jobs, `submitted` those whose prompt may still be on a server."""

    def __init__(self, folder: Path) -> None:
        self.path, self._lock = folder / JOURNAL_NAME, folder / LOCK_NAME
        self._folder = folder
        self.done: dict[tuple[str, str], dict] = {}
        self.submitted: dict[tuple[str, str], dict] = {}

    def __enter__(self) -> Journal:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._read()
        self._file = self.path.open("a", encoding="utf-8")
        if self.path.stat().st_size and not self.path.read_bytes().endswith(b"\n"):
            self._file.write("\n")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._lock.unlink(missing_ok=True)

    def write(self, job: Job, state: str, **facts: object) -> None:
        """Append a line and wait until it is on the disk. state: submitted, lost, failed or done."""
        line = {"at": round(time.time(), 3), "job": job.name, "digest": job.digest, "state": state, **facts}
        self._take(line)
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def is_done(self, job: Job) -> bool:
        """True when this very job was finished and its files are still there."""
        line = self.done.get((job.name, job.digest))
        return line is not None and all((self._folder / name).is_file() for name in line["outputs"])

    def open_prompt(self, job: Job) -> tuple[str, str] | None:
        """(server, prompt id) of a submitted job whose end is not known."""
        line = self.submitted.get((job.name, job.digest))
        return (line["server"], line["prompt_id"]) if line else None

    def _take(self, line: dict) -> None:
        key = (line["job"], line["digest"])
        self.submitted.pop(key, None)
        if line["state"] == "submitted":
            self.submitted[key] = line
        elif line["state"] == "done":
            self.done[key] = line

    def _read(self) -> None:
        if not self.path.is_file():
            return
        for text in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                self._take(json.loads(text))
            except (ValueError, KeyError, TypeError):
                continue  # the line a kill tore

    def _take_lock(self) -> None:
        import psutil

        for _ in range(2):
            try:
                with self._lock.open("x") as file:
                    file.write(str(os.getpid()))
                return
            except FileExistsError:
                holder = self._lock.read_text(errors="replace").strip()
                if holder.isdigit() and psutil.pid_exists(int(holder)) and int(holder) != os.getpid():
                    break
                self._lock.unlink(missing_ok=True)  # its batch was killed
        raise FolderInUse(f"Wait for the other batch, or choose another folder. {self._folder} is in use by process {holder}.")
