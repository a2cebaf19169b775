"""ComfyUI servers started through Ray, one for each worker, for batches on a cluster. Needs `pip install ray` on every node.

A worker is an actor that holds one GPU (or one CPU core where the cluster has no GPUs) and one server process, which listens on the
node's own address. Ray's scheduler decides which node; this file only starts and stops. Called by batch.py.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

START_TIMEOUT_S = 600


@contextlib.contextmanager
def ray_servers(count: int) -> Iterator[list[str]]:
    """URLs of `count` running servers, stopped afterwards. Joins the cluster of RAY_ADDRESS, else starts a local one."""
    try:
        import ray
    except ImportError as error:
        raise SystemExit("Install Ray on every node: pip install ray. It is needed for --ray-workers only.") from error

    address = os.environ.get("RAY_ADDRESS")
    # this script's folder travels in the path, so that workers find the modules beside it
    places = os.pathsep.join(filter(None, (str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH", ""))))
    environment = {"env_vars": {"PYTHONPATH": places, "COMFYUI_DIR": os.environ["COMFYUI_DIR"]}}
    ray.init(address=address, runtime_env=environment, include_dashboard=False if address is None else None, log_to_driver=False)
    has_gpus = ray.cluster_resources().get("GPU", 0) >= count
    actor = ray.remote(num_cpus=1, num_gpus=1 if has_gpus else 0)(Worker)
    workers = [actor.remote(is_local=address is None) for _ in range(count)]
    try:
        yield ray.get([worker.start.remote() for worker in workers], timeout=START_TIMEOUT_S)
    finally:
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get([worker.stop.remote() for worker in workers], timeout=30)
        ray.shutdown()


class Worker:
    """One ComfyUI server. is_local: listen on the loopback address only."""

    def __init__(self, is_local: bool) -> None:
        self._is_local, self._server = is_local, None
        self._base = tempfile.TemporaryDirectory(prefix="kmc_worker_")

    def start(self) -> str:
        """Start the server; returns its URL."""
        import ray
        from comfyui_server import ComfyUIServer
        from environment import CACHE

        host = "127.0.0.1" if self._is_local else ray.util.get_node_ip_address()
        self._server = ComfyUIServer(Path(os.environ["COMFYUI_DIR"]), Path(self._base.name), models=CACHE / "models", host=host)
        return self._server.url

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self._server is not None:
            self._server.stop()
        self._base.cleanup()
