"""Cameras that move: pan, tilt, slide, dolly, zoom, orbit and the sway of a hand, as a camera for every instant.

Not here: what stands behind the performer (moving_backdrop.py). Called by renderer.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...types import Canvas
from .camera import Camera
from .timing import wobble

KINDS = ("pan", "tilt", "slide", "dolly", "zoom", "orbit", "sway")
# the least and the most of each kind in a second: radians, metres by distance, natural logarithm of size
_PACE = {"pan": (0.03, 0.10), "tilt": (0.015, 0.04), "slide": (0.02, 0.08), "dolly": (0.06, 0.22), "zoom": (0.06, 0.25), "orbit": (0.05, 0.20)}
_WORDS = {"pan": "a panning camera", "tilt": "a tilting camera", "slide": "a sliding camera", "dolly": "a dolly shot", "zoom": "a zoom", "orbit": "an orbiting camera"}


@dataclass(frozen=True)
class CameraMove:
    """How a camera moves round the instant `middle_s`, when it is the scene's own camera.

    A second: pan (rad, to the picture's right), tilt (rad, up), slide (distances, to the right), dolly (logarithm of the
    distance, away), zoom (logarithm of the focal length), orbit (rad); sway: size of a hand's tremble, radians; seed of it.
    """

    pan: float = 0.0
    tilt: float = 0.0
    slide: float = 0.0
    dolly: float = 0.0
    zoom: float = 0.0
    orbit: float = 0.0
    sway: float = 0.0
    middle_s: float = 0.0
    seed: int = 0

    @property
    def is_still(self) -> bool:
        """Whether nothing moves."""
        return not any((self.pan, self.tilt, self.slide, self.dolly, self.zoom, self.orbit, self.sway))

    @property
    def words(self) -> str:
        """How a caption names it, "" for a still one."""
        said = [_WORDS[name] for name in _WORDS if getattr(self, name)]
        return " and ".join(said) if said else "a hand-held camera" if self.sway else ""


def random_move(seed: int, middle_s: float) -> CameraMove:
    """A seeded move: one kind or two, three in ten with a hand's sway, one in ten that sway alone; middle_s: as in CameraMove."""
    rng = np.random.default_rng([seed, 67])
    names, paces = list(_PACE), {}
    chosen = rng.choice(names, int(rng.choice([0, 1, 2], p=[0.1, 0.6, 0.3])), replace=False, p=[0.22, 0.10, 0.16, 0.20, 0.20, 0.12])
    for name in chosen:
        paces[str(name)] = float(rng.uniform(*_PACE[str(name)]) * rng.choice([-1, 1]))
    hand = float(rng.uniform(0.003, 0.010)) if not len(chosen) or rng.random() < 0.3 else 0.0
    return CameraMove(**paces, sway=hand, middle_s=middle_s, seed=seed)


def camera_at(camera: Camera, move: CameraMove, t: float) -> Camera:
    """The camera at t seconds."""
    if move.is_still:
        return camera
    u = t - move.middle_s
    slow = np.tanh(u / 1.5) * 1.5  # moves come to rest before the performer is lost
    moved = replace(camera, yaw=camera.yaw + move.orbit * slow, distance=camera.distance * float(np.exp(move.dolly * slow)), focal=camera.focal * float(np.exp(move.zoom * slow)))
    side = moved.axes[0] * (move.slide * slow * moved.distance)
    hand = wobble(t, move.seed + 31, 5, 1.1) * move.sway if move.sway else np.zeros(5)
    side = side + moved.axes.T @ np.array([hand[3], hand[4], 0.0]) * 0.35 * moved.distance
    moved = replace(moved, target=tuple(np.asarray(moved.target) + side))
    return turned(moved, move.pan * slow + hand[0], move.tilt * slow + hand[1], hand[2])


def turned(camera: Camera, pan: float, tilt: float, roll: float = 0.0) -> Camera:
    """The camera turned where it stands: pan to the picture's right, tilt up, roll, radians."""
    if not (pan or tilt or roll):
        return camera
    place = camera.place
    turned_one = replace(camera, yaw=camera.yaw - pan, pitch=camera.pitch - tilt, roll=camera.roll + roll)
    return replace(turned_one, target=tuple(place - turned_one.axes.T @ np.array([0.0, 0.0, camera.distance])))


def sky_to_axes(first: Camera, now: Camera, direction: tuple[float, float, float]) -> tuple[float, float, float]:
    """A direction in `first`'s axes as `now` sees it: a light stays where it is while the camera turns."""
    return tuple(float(v) for v in now.axes @ first.axes.T @ np.asarray(direction))


def scene_points(camera: Camera, canvas: Canvas, pixels: np.ndarray, wall_z: float) -> np.ndarray:
    """What pixels [...,2] see of a scene of a floor (y = 0) and a wall across it at `wall_z`, model axes, metres [...,3]."""
    rays, place = camera.rays(pixels, canvas), camera.place
    to_wall = (wall_z - place[2]) / np.minimum(rays[..., 2], -1e-3)
    to_floor = np.where(rays[..., 1] < -1e-6, -place[1] / np.minimum(rays[..., 1], -1e-6), np.inf) if place[1] > 0.02 else np.full(rays.shape[:-1], np.inf)
    return place + rays * np.minimum(to_wall, to_floor)[..., None]


def similarity(first: Camera, now: Camera, canvas: Canvas, wall_z: float) -> np.ndarray:
    """The similarity [2,3] that best takes the background seen by `first` to where `now` sees it (least squares, Umeyama 1991)."""
    y, x = np.meshgrid(np.linspace(0, canvas.height, 9), np.linspace(0, canvas.width, 9), indexing="ij")
    before = np.stack([x.ravel(), y.ravel()], 1)
    after, depth = now.project(scene_points(first, canvas, before, wall_z), canvas)
    kept = (depth > 0.1) & (np.abs(after - before).max(1) < max(canvas))
    before, after = before[kept], after[kept]
    a, b = before - before.mean(0), after - after.mean(0)
    size = (a**2).sum()
    cosine, sine = (a * b).sum() / size, (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / size
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, after.mean(0) - linear @ before.mean(0)]).astype(np.float32)
