"""Starts the real ComfyUI server with this pack in it, on a free loopback port, and talks to it over HTTP and its web socket.

Called by scripts/demo.py and by the host tests. The server has a base folder of its own, so that nobody's ComfyUI is touched.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
PACK_FOLDER = "ComfyUI-KMC"
START_TIMEOUT_S = 180
# glibc gives big blocks back at once by default; page faults then cost more than half of a CPU network's time.
MEMORY_SETTINGS = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "1073741824"}
FOLDERS = ("custom_nodes", "input", "output", "temp", "models", "user/default")
ENDINGS = ("execution_success", "execution_error", "execution_interrupted")

Event = dict[str, object]


class PromptRefused(ValueError):
    """The server did not accept a prompt; the message holds every reason it gave."""


class PromptFailed(RuntimeError):
    """A node raised, or the prompt was interrupted; the message is the node's own."""


class ComfyUIClient:
    """Talks to a ComfyUI server at `url` over its own HTTP routes and web socket."""

    def __init__(self, url: str) -> None:
        self.url = url

    def log(self) -> str:
        """What is known of the server's log: nothing, for a server somebody else started."""
        return ""

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)

    def post(self, path: str, data: dict) -> tuple[int, dict]:
        """POST JSON; returns the HTTP status and the answer's JSON, also for refusals."""
        request = urllib.request.Request(self.url + path, json.dumps(data).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                body = answer.read()
                return answer.status, json.loads(body) if body else {}
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def view(self, name: str, subfolder: str, kind: str) -> HTTPResponse:
        """An open answer with a file's bytes; kind "input", "output" or "temp". Raises HTTPError where there is no such file."""
        query = urllib.parse.urlencode({"filename": name, "subfolder": subfolder, "type": kind})
        return urllib.request.urlopen(f"{self.url}/view?{query}", timeout=300)

    def upload(self, path: Path, subfolder: str = "", name: str = "") -> str:
        """Copy a file into the server's input folder over HTTP, as `name` or its own; returns the name to use in a prompt."""
        boundary = uuid.uuid4().hex
        fields = (
            (f'name="image"; filename="{name or path.name}"', path.read_bytes()),
            ('name="overwrite"', b"true"),
            ('name="subfolder"', subfolder.encode()),
        )
        body = b"".join(
            f"--{boundary}\r\nContent-Disposition: form-data; {header}\r\n\r\n".encode() + content + b"\r\n"
            for header, content in fields
        )
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        request = urllib.request.Request(f"{self.url}/upload/image", body + f"--{boundary}--\r\n".encode(), kind)
        with urllib.request.urlopen(request, timeout=300) as reply:
            answer = json.load(reply)
        return f"{answer['subfolder']}/{answer['name']}" if answer.get("subfolder") else answer["name"]

    def interrupt(self) -> None:
        self.post("/interrupt", {})

    def run(self, prompt: dict, on_event: Callable[[Event], None] | None = None, timeout_s: float = 3600) -> dict:
        """Queue a prompt, hand every event to `on_event`, wait for its end; returns the history entry.

        Events are {"type", "data", "at_s"} of the web socket. Raises PromptRefused, PromptFailed or TimeoutError.
        """
        def wait() -> dict:
            return asyncio.run(asyncio.wait_for(self._run(prompt, on_event or (lambda event: None)), timeout_s))

        try:
            with ThreadPoolExecutor(1) as own_thread:  # the caller's may have a loop running, as Playwright's has
                try:
                    return own_thread.submit(wait).result()
                except KeyboardInterrupt:
                    self.interrupt()  # leaving waits for the thread, which waits for the prompt
                    raise
        except asyncio.TimeoutError as error:
            self.interrupt()  # or the next prompt would wait behind this one
            raise TimeoutError(f"The prompt took longer than {timeout_s:g} s. The log ends:\n{self.log()[-2000:]}") from error

    async def _run(self, prompt: dict, on_event: Callable[[Event], None]) -> dict:
        client = uuid.uuid4().hex
        started = time.monotonic()
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{self.url}/ws?clientId={client}", max_msg_size=0) as events:
            await events.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
            status, answer = await asyncio.to_thread(self.post, "/prompt", {"prompt": prompt, "client_id": client})
            if status != 200 or answer.get("node_errors"):
                raise PromptRefused(_reasons(answer))
            identity = answer["prompt_id"]
            async for message in events:
                if message.type is aiohttp.WSMsgType.BINARY:
                    on_event({"type": "binary", "data": message.data, "at_s": time.monotonic() - started})
                    continue
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                event = {**json.loads(message.data), "at_s": time.monotonic() - started}
                on_event(event)
                data = event.get("data") or {}
                if event["type"] in ENDINGS and data.get("prompt_id") == identity:
                    return await self._finished(identity, event["type"], data)
        raise PromptFailed(f"The server closed the connection. Its log ends:\n{self.log()[-3000:]}")

    async def _finished(self, identity: str, ending: str, data: dict) -> dict:
        if ending == "execution_error":
            raise PromptFailed(f"{data['node_type']}: {data['exception_message'].strip()}")
        if ending == "execution_interrupted":
            raise PromptFailed("interrupted")
        for _ in range(100):  # the history can lag behind the event by some milliseconds
            history = await asyncio.to_thread(self.get, f"/history/{identity}")
            if identity in history:
                return history[identity]
            await asyncio.sleep(0.05)
        raise PromptFailed("The server finished the prompt and has no history of it")


class ComfyUIServer(ComfyUIClient):
    """Context manager around one server process.

    base: its folder (created); models: a folder of models to use instead of base/models; arguments: more for main.py;
    host: the address to listen on.
    """

    def __init__(
        self, comfyui: Path, base: Path, models: Path | None = None, arguments: tuple[str, ...] = (), host: str = "127.0.0.1"
    ) -> None:  # fmt: skip
        self.base, self.log_path = base.resolve(), base.resolve() / "server.log"
        self._prepare_folders(models)
        with socket.socket() as probe:
            probe.bind((host, 0))
            self.port = probe.getsockname()[1]
        super().__init__(f"http://{host}:{self.port}")
        command = [
            sys.executable, str(comfyui / "main.py"), "--listen", host, "--port", str(self.port),
            "--base-directory", str(self.base), "--disable-auto-launch", "--disable-api-nodes",
            "--database-url", "sqlite:///:memory:", *_device_arguments(), *arguments,
        ]  # fmt: skip
        self._log = self.log_path.open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            command, cwd=self.base, env={**MEMORY_SETTINGS, **os.environ}, stdout=self._log, stderr=subprocess.STDOUT
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> ComfyUIServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare_folders(self, models: Path | None) -> None:
        for name in FOLDERS:
            if name != "models" or models is None:
                (self.base / name).mkdir(parents=True, exist_ok=True)
        link_folder(self.base / "custom_nodes" / PACK_FOLDER, ROOT)
        if models is not None:
            models.mkdir(parents=True, exist_ok=True)
            link_folder(self.base / "models", models)
        settings = self.base / "user" / "default" / "comfy.settings.json"
        settings.write_text(json.dumps({"Comfy.TutorialCompleted": True}))

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if str(self.base) in self.get("/system_stats")["system"]["argv"]:  # ours, not another server on this port
                    return
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(0.1)
        raise RuntimeError(f"ComfyUI did not start (exit status {self.process.poll()}). Its log ends:\n{self.log()[-4000:]}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def output_files(self, entry: dict) -> list[Path]:
        """Every file a history entry names, in the order of its nodes, saved ones before temporary ones."""
        results = [item for output in entry["outputs"].values() for item in output.get("images", []) + output.get("video", [])]
        results.sort(key=lambda item: item["type"] != "output")
        return [self.base / item["type"] / item["subfolder"] / item["filename"] for item in results]


def link_folder(link: Path, target: Path) -> None:
    """A symbolic link to a folder, or a junction where Windows does not allow links."""
    if link.is_symlink() or link.exists():
        if link.resolve() == target.resolve():
            return
        link.unlink()
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        link.symlink_to(target, target_is_directory=True)
    except OSError:
        import _winapi

        _winapi.CreateJunction(str(target), str(link))


def _device_arguments() -> tuple[str, ...]:
    import torch

    has_device = torch.cuda.is_available() or torch.backends.mps.is_available()
    return () if has_device else ("--cpu",)


def _reasons(answer: dict) -> str:
    lines = [answer.get("error", {}).get("message", "")] if isinstance(answer.get("error"), dict) else []
    for node in (answer.get("node_errors") or {}).values():
        lines += [f"{node['class_type']}: {error['message']}: {error['details']}" for error in node["errors"]]
    return "\n".join(line for line in lines if line)
