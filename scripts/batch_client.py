"""One ComfyUI server as a batch sees it: uploads, prompts with ids of our own, waiting, downloads; a log line for every request.

Built on aiohttp. Errors are of three kinds: Unreachable (the server may come back), Refused (this prompt is wrong), Failed (a node
raised). Not here: which job goes where and how often it is tried (batch_run.py).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path

import aiohttp
from batch_jobs import sha256_of

logger = logging.getLogger("batch.requests")

UPLOAD_FOLDER = "kmc_batch"
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300)
TRANSIENT_STATUS = {408, 425, 429, 500, 502, 503, 504}
HEARTBEAT_S = 15.0
LOOK_AGAIN_S = 10.0
"""how long the web socket may be silent before the history is asked"""
DOWNLOAD_BLOCK = 1 << 20
UNREACHABLE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, asyncio.TimeoutError, ConnectionError)
ENDINGS = {"execution_success", "execution_error", "execution_interrupted"}


class Unreachable(ConnectionError):
    """No usable answer: refused, cut off, too slow, or a status that says to try again."""


class Refused(ValueError):
    """The server will never take this request."""


class Failed(RuntimeError):
    """A node raised, or somebody interrupted the prompt."""


class Server:
    """An async client of one server. Use inside `async with`; headers go with every request and are never logged."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.url, self.object_info = url.rstrip("/"), {}
        self._headers, self._names = headers, {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Server:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def describe(self) -> None:
        """Ask what nodes there are. Raises Unreachable."""
        try:
            self.object_info = await self._request("GET", "/object_info", {})
        except Refused as error:
            raise Unreachable(f"this is no ComfyUI: {error}"[:200]) from error

    async def upload(self, path: Path, context: dict) -> str:
        """Copy a file into the server's input folder under a name made of its content; returns what a prompt calls it."""
        if path not in self._names:
            with path.open("rb") as file:
                form = aiohttp.FormData()
                form.add_field("image", file, filename=f"{sha256_of(path)[:16]}_{path.name}")
                form.add_field("subfolder", UPLOAD_FOLDER)
                form.add_field("overwrite", "true")
                answer = await self._request("POST", "/upload/image", {**context, "file": path.name}, data=form)
            self._names[path] = f"{answer['subfolder']}/{answer['name']}"
        return self._names[path]

    async def submit(self, prompt: dict, identity: str, context: dict) -> None:
        """Queue a prompt under an id of ours. Raises Refused with the server's reasons."""
        await self._request("POST", "/prompt", context, json={"prompt": prompt, "prompt_id": identity, "client_id": identity})

    async def state(self, identity: str, context: dict) -> tuple[str, dict]:
        """("done", history entry), ("waiting", {}) when queued or running, ("unknown", {})."""
        history = await self._request("GET", f"/history/{identity}", context)
        if identity in history:
            return "done", history[identity]
        queue = await self._request("GET", "/queue", context)
        known = {entry[1] for part in ("queue_running", "queue_pending") for entry in queue.get(part, [])}
        return ("waiting", {}) if identity in known else ("unknown", {})

    async def cancel(self, identity: str, context: dict) -> None:
        """Take a prompt out of the queue, or interrupt it if it runs."""
        await self._request("POST", "/queue", context, json={"delete": [identity]})
        await self._request("POST", "/interrupt", context, json={"prompt_id": identity})

    async def outcome(self, identity: str, context: dict) -> dict:
        """Wait until a submitted prompt has ended; returns its history entry.

        The web socket says when; the history is the truth. Raises Unreachable, Failed, and Unreachable too when the server has
        forgotten the prompt (it was started again).
        """
        started, context = time.monotonic(), context | {"server": self.url}
        try:
            async with self._session.ws_connect(f"{self.url}/ws?clientId={identity}", heartbeat=HEARTBEAT_S, max_msg_size=0) as events:
                while True:
                    state, entry = await self.state(identity, context)
                    if state == "done":
                        return _successful(entry)
                    if state == "unknown":
                        raise Unreachable("the server has forgotten the prompt")
                    await self._until_something_happens(events, identity)
        except UNREACHABLE as error:
            _note("WS", "/ws", context, started, error=error)
            raise Unreachable(str(error) or type(error).__name__) from error

    @staticmethod
    async def _until_something_happens(events: aiohttp.ClientWebSocketResponse, identity: str) -> None:
        """Returns at the prompt's end, or after LOOK_AGAIN_S of silence, so that a lost message costs no more than that."""
        while True:
            try:
                message = await events.receive(timeout=LOOK_AGAIN_S)
            except asyncio.TimeoutError:
                return
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                raise ConnectionError("the server closed the web socket")
            if message.type is aiohttp.WSMsgType.TEXT:
                event = json.loads(message.data)
                if event["type"] in ENDINGS and (event.get("data") or {}).get("prompt_id") == identity:
                    return

    async def download(self, item: dict, target: Path, context: dict) -> int:
        """Fetch one output file; it appears under its name only when complete. Returns its size."""
        part, started, size = target.with_name(target.name + ".part"), time.monotonic(), 0
        query = {"filename": item["filename"], "subfolder": item["subfolder"], "type": item["type"]}
        try:
            async with self._session.get(f"{self.url}/view", params=query) as answer:
                if answer.status != 200:
                    raise Unreachable(f"status {answer.status} for {item['filename']}")
                with part.open("wb") as file:
                    async for block in answer.content.iter_chunked(DOWNLOAD_BLOCK):
                        size += file.write(block)
            part.replace(target)
        except UNREACHABLE as error:
            _note("GET", "/view", context | {"server": self.url}, started, error=error)
            raise Unreachable(str(error) or type(error).__name__) from error
        finally:
            part.unlink(missing_ok=True)
        _note("GET", "/view", context | {"server": self.url, "bytes": size}, started, status=200)
        return size

    async def _request(self, method: str, path: str, context: dict, **body: object) -> dict:
        """JSON of one request. Raises Unreachable where trying again may help, Refused where it will not."""
        context, started = context | {"server": self.url}, time.monotonic()
        try:
            async with self._session.request(method, self.url + path, **body) as answer:
                text = await answer.text()
        except UNREACHABLE as error:
            _note(method, path, context, started, error=error)
            raise Unreachable(str(error) or type(error).__name__) from error
        _note(method, path, context, started, status=answer.status)
        if answer.status in TRANSIENT_STATUS:
            raise Unreachable(f"status {answer.status}: {text[:200]}")
        if answer.status >= 400:
            raise Refused(_reasons(text))
        try:
            return json.loads(text) if text.strip() else {}
        except ValueError as error:
            raise Unreachable(f"no JSON, but {text[:80]!r}") from error


def _successful(entry: dict) -> dict:
    status = entry.get("status") or {}
    if status.get("status_str") == "success":
        return entry
    for kind, data in status.get("messages", []):
        if kind == "execution_error":
            raise Failed(f"{data.get('node_type')}: {str(data.get('exception_message')).strip()}")
        if kind == "execution_interrupted":
            raise Failed("interrupted on the server")
    raise Failed("the server reports an error without a reason")


def _reasons(text: str) -> str:
    try:
        answer = json.loads(text)
        lines = [f"{node['class_type']}: {error['message']}: {error['details']}"
                 for node in (answer.get("node_errors") or {}).values() for error in node["errors"]]  # fmt: skip
        return "; ".join(lines) or answer["error"]["message"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return text[:300]


def _note(method: str, path: str, context: dict, started: float, status: int | None = None, error: object = None) -> None:
    """One line of the request log, as JSON."""
    line = {"method": method, "path": path, **context, "ms": round(1000 * (time.monotonic() - started))}
    line |= {"status": status} if status is not None else {}
    line |= {"error": f"{type(error).__name__}: {error}"[:300]} if error is not None else {}
    logger.log(logging.WARNING if error is not None else logging.INFO, json.dumps(line))
