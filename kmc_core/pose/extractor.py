"""The pose room's door: a clip becomes a HolisticMotion, a picture becomes PictureKeypoints.

Not here: the stages themselves (clip_tracking.py, picture_tracking.py) and the networks. Called by nodes and subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..errors import PoseError
from ..types import Canvas, HolisticMotion, PictureKeypoints, Progress, ShouldStop
from .assembly import finished_motion, raw_motion, report
from .camera import luma_thumbnail
from .clip_tracking import CHUNK_FRAMES, ClipReader, PersonFinder
from .crops import Pyramid
from .networks import PoseNetworks
from .performer_matte import MatteRecorder, person_probability
from .person_track import check_person
from .picture_tracking import find_body, find_face, find_hands
from .worker_threads import WorkerThreads

if TYPE_CHECKING:
    from ..media.clip import Clip

LONG_SIDE_PX = 1280
"""frames are read at most this large; results are in pixels of the clip's own canvas"""
DETECTOR_LOOKS_PER_SECOND = 6
LARGEST_DETECTOR_STRIDE = 3
FOLLOW_UNSEEN_S = 2.0
SMOOTH_FPS = 20.0
"""from this rate on, every second frame is enough to place the body's region"""


@dataclass(frozen=True)
class TrackSettings:
    """How to read a clip.

    person: "largest", "left", "right", "centre" or a number (0 = largest, 1 = second largest ...)
    smoothing: 0 none, 1 default, more = calmer
    subtract_camera: give the motion as a standing camera would have seen it
    matte: also cut the performer out (doubles the cost of the body network)
    """

    person: str | int = "largest"
    smoothing: float = 1.0
    subtract_camera: bool = False
    matte: bool = True


class HolisticExtractor:
    """Body, hands and face of one performer, without any other package's runtime.

    weights_folder: as returned by weights.ensure_weights; device: where networks run; workers: CPU threads.
    """

    def __init__(self, weights_folder: Path, device: str = "cpu", workers: int = 2) -> None:
        self._networks = PoseNetworks(Path(weights_folder), device)
        self._workers = workers

    def track(
        self, clip: Clip, settings: TrackSettings = TrackSettings(), *, person_boxes: np.ndarray | None = None,
        progress: Progress | None = None, should_stop: ShouldStop | None = None,
    ) -> HolisticMotion:  # fmt: skip
        """Read one performer out of a clip, streaming it twice.

        person_boxes: float [T,4] (x0, y0, x1, y1) px of the clip's canvas, width 0 = unknown: whom to follow, before
        settings.person. Nobody found: confidences are 0, and the provenance says so. Raises PoseError for a wrong setting, Cancelled when
        should_stop answers True.
        """
        check_person(settings.person)
        tell = progress or (lambda done, total, stage: None)
        total = clip.frame_count
        with WorkerThreads(self._workers, should_stop) as workers:
            stride = int(np.clip(round(clip.fps / DETECTOR_LOOKS_PER_SECOND), 1, LARGEST_DETECTOR_STRIDE))
            finder = PersonFinder(self._networks, workers, stride)
            for done, frames in _chunks(clip, workers):
                finder.add(frames)
                tell(done // 4, total + total // 4, "Finding the performer")
            read_canvas = Canvas(*frames[0].shape[:2])
            person = finder.choose(settings.person, _scaled_boxes(person_boxes, clip, read_canvas))
            matte = MatteRecorder(self._networks, total, read_canvas) if settings.matte else None
            reader = ClipReader(
                self._networks,
                workers,
                person,
                total,
                on_bodies=matte.record if matte else None,
                longest_unseen=round(FOLLOW_UNSEEN_S * clip.fps),
                first_look_stride=2 if clip.fps >= SMOOTH_FPS else 1,
            )
            luma: list[np.ndarray] = []
            for done, frames in _chunks(clip, workers):
                luma.extend(workers.map(luma_thumbnail, frames))
                reader.add(frames)
                tell(total // 4 + done, total + total // 4, "Reading body, hands and face")
            tracks = reader.finish()
            raw = raw_motion(clip, read_canvas, person, tracks)
            mattes = matte.mattes if matte else None
            finishing = workers.submit(finished_motion, raw, luma, mattes, settings.smoothing, settings.subtract_camera)
            motion = finishing.result()
        numbers = report(person, tracks, settings.person, getattr(clip, "notes", ()))
        return replace(motion, provenance={**numbers, **motion.provenance})

    def picture(self, rgb: np.ndarray) -> PictureKeypoints:
        """The person of one still picture uint8 [H,W,3]; nobody found = detection 0 and all confidences 0.

        Raises PoseError when `rgb` is not such a picture.
        """
        _check_picture(rgb)
        with WorkerThreads(1) as workers:
            return workers.submit(self._read_picture, rgb).result()

    def person_mask(self, rgb: np.ndarray, keypoints: PictureKeypoints) -> np.ndarray:
        """Raw probability of "person" float32 [H,W] of a picture uint8 [H,W,3]: mean of a look at the whole and at the body."""
        _check_picture(rgb)
        with WorkerThreads(1) as workers:
            return workers.submit(person_probability, self._networks, Pyramid(rgb), keypoints).result()

    def _read_picture(self, rgb: np.ndarray) -> PictureKeypoints:
        scale = min(1.0, 2 * LONG_SIDE_PX / max(rgb.shape[:2]))
        if scale < 1:
            rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        pyramid = Pyramid(rgb)
        body = find_body(self._networks, pyramid)
        hands = find_hands(self._networks, pyramid, body)
        face = find_face(self._networks, pyramid, body)
        float32 = np.float32
        return PictureKeypoints(
            body=(body.points / scale).astype(float32) if body else np.zeros((33, 2), float32),
            body_confidence=body.visibility.astype(float32) if body else np.zeros(33, float32),
            body_world=body.world.astype(float32) if body else np.zeros((33, 3), float32),
            hands=np.stack([(hand.points / scale if hand else np.zeros((21, 3))) for hand in hands]).astype(float32),
            hands_confidence=np.array([hand.presence if hand else 0.0 for hand in hands], float32),
            face=(face.points / scale).astype(float32) if face else np.zeros((478, 3), float32),
            face_confidence=face.presence if face else 0.0,
            detection=body.detection if body else 0.0,
        )


def _scaled_boxes(boxes: np.ndarray | None, clip: Clip, read_canvas: Canvas) -> np.ndarray | None:
    """Boxes in pixels of the frames as they are read. Raises PoseError when their number is not the clip's."""
    if boxes is None:
        return None
    if np.shape(boxes) != (clip.frame_count, 4):
        raise PoseError(
            "The boxes do not belong to this clip",
            got=f"shape {np.shape(boxes)}",
            expected=f"[{clip.frame_count}, 4], one box per frame",
            remedy="Make the boxes or the mask from the same clip, with the same start, duration and fps",
        )
    return np.asarray(boxes, np.float64) * (read_canvas.width / clip.canvas.width)


def _chunks(clip: Clip, workers: WorkerThreads) -> Iterator[tuple[int, list[np.ndarray]]]:
    """(frames read so far, list of at most CHUNK_FRAMES frames); the next list is decoded while the caller works."""
    stream = iter(clip.frames(long_side=LONG_SIDE_PX))
    done = 0
    following: Future[list[np.ndarray]] = workers.submit(_read, stream)
    while frames := following.result():
        following = workers.submit(_read, stream)
        workers.check()
        done += len(frames)
        yield done, frames


def _read(stream: Iterator[np.ndarray]) -> list[np.ndarray]:
    return [frame for _, frame in zip(range(CHUNK_FRAMES), stream, strict=False)]


def _check_picture(rgb: np.ndarray) -> None:
    is_picture = isinstance(rgb, np.ndarray) and rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] == 3
    if not is_picture or min(rgb.shape[:2]) < 16:
        raise PoseError(
            "This is not a picture that can be searched for a person",
            got=f"{getattr(rgb, 'dtype', type(rgb).__name__)} {getattr(rgb, 'shape', '')}",
            expected="uint8 [H,W,3], at least 16 px per side",
            remedy="Hand in an RGB picture",
        )
