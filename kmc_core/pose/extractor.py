"""The pose room's door: a clip becomes a HolisticMotion, a picture becomes PictureKeypoints.

Not here: the stages themselves (clip_tracking.py, picture_tracking.py) and the networks. Called by nodes and subject.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..errors import PoseError
from ..types import Canvas, HolisticMotion, PictureKeypoints, Progress, ShouldStop
from .clip_tracking import CHUNK_FRAMES, ClipReader, FoundPerson, PersonFinder, RawTracks
from .crops import Pyramid
from .networks import PoseNetworks
from .person_track import check_person
from .picture_tracking import find_body, find_face, find_hands
from .skeleton_layouts import rig_joints, torso_yaw
from .worker_threads import WorkerThreads

if TYPE_CHECKING:
    from ..media.clip import Clip

logger = logging.getLogger(__name__)

LONG_SIDE_PX = 1280
"""frames are read at most this large; results are in pixels of the clip's own canvas"""
DETECTOR_LOOKS_PER_SECOND = 6
LARGEST_DETECTOR_STRIDE = 3


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
        self, clip: Clip, settings: TrackSettings = TrackSettings(), *,
        progress: Progress | None = None, should_stop: ShouldStop | None = None,
    ) -> HolisticMotion:  # fmt: skip
        """Read one performer out of a clip, streaming it twice.

        Nobody found: confidences are 0, and the provenance says so. Raises PoseError for a wrong setting, Cancelled when
        should_stop answers True.
        """
        check_person(settings.person)
        tell = progress or (lambda done, total, stage: None)
        with WorkerThreads(self._workers, should_stop) as workers:
            stride = int(np.clip(round(clip.fps / DETECTOR_LOOKS_PER_SECOND), 1, LARGEST_DETECTOR_STRIDE))
            finder = PersonFinder(self._networks, workers, stride)
            total = clip.frame_count
            done = 0
            for frames in _chunks(clip, workers):
                finder.add(frames)
                done += len(frames)
                tell(done // 4, total + total // 4, "Finding the performer")
            person = finder.choose(settings.person)
            reader = ClipReader(self._networks, workers, person, total)
            done = 0
            for frames in _chunks(clip, workers):
                reader.add(frames)
                done += len(frames)
                tell(total // 4 + done, total + total // 4, "Reading body, hands and face")
            tracks = reader.finish()
        return _motion(clip, frames[0].shape[:2], person, tracks, settings)

    def picture(self, rgb: np.ndarray) -> PictureKeypoints:
        """The person of one still picture uint8 [H,W,3]; nobody found = detection 0 and all confidences 0.

        Raises PoseError when `rgb` is not such a picture.
        """
        _check_picture(rgb)
        with WorkerThreads(1) as workers:
            return workers.submit(self._read_picture, rgb).result()

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


def _chunks(clip: Clip, workers: WorkerThreads) -> Iterator[list[np.ndarray]]:
    """Lists of at most CHUNK_FRAMES frames; the next list is decoded while the caller works on this one."""
    stream = iter(clip.frames(long_side=LONG_SIDE_PX))

    def read() -> list[np.ndarray]:
        return [frame for _, frame in zip(range(CHUNK_FRAMES), stream)]

    following: Future[list[np.ndarray]] = workers.submit(read)
    while frames := following.result():
        following = workers.submit(read)
        workers.check()
        yield frames


def _check_picture(rgb: np.ndarray) -> None:
    is_picture = isinstance(rgb, np.ndarray) and rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] == 3
    if not is_picture or min(rgb.shape[:2]) < 16:
        raise PoseError(
            "This is not a picture that can be searched for a person",
            got=f"{getattr(rgb, 'dtype', type(rgb).__name__)} {getattr(rgb, 'shape', '')}",
            expected="uint8 [H,W,3], at least 16 px per side",
            remedy="Hand in an RGB picture",
        )


def _motion(
    clip: Clip, size: tuple[int, int], person: FoundPerson, tracks: RawTracks, settings: TrackSettings
) -> HolisticMotion:
    """Raw tracks (pixels of the frames as read, `size`) -> pixels of the clip's canvas."""
    canvas = Canvas(*clip.canvas)
    ratio = np.array([canvas.width / size[1], canvas.height / size[0]], np.float32)
    ratio_3d = np.append(ratio, ratio[0])
    hands = np.stack([hand.points for hand in tracks.hands], 1) * ratio_3d
    hands_confidence = np.stack([hand.presence * hand.found for hand in tracks.hands], 1).astype(np.float32)
    world = tracks.world
    count = clip.frame_count
    return HolisticMotion(
        fps=clip.fps,
        canvas=canvas,
        body=tracks.body.points * ratio,
        body_confidence=tracks.visibility,
        body_world=world,
        hands=hands,
        hands_confidence=hands_confidence,
        face=tracks.face.points * ratio_3d,
        face_confidence=(tracks.face.presence * tracks.face.found).astype(np.float32),
        expression=np.zeros((count, 0), np.float32),
        head_pose=np.zeros((count, 3), np.float32),
        root_yaw=torso_yaw(rig_joints(world)).astype(np.float32),
        camera=np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1)),
        cuts=person.cuts,
        source=clip,
        provenance=_provenance(person, tracks, settings),
    )


def _provenance(person: FoundPerson, tracks: RawTracks, settings: TrackSettings) -> dict[str, object]:
    return {
        "detector": "MediaPipe holistic networks (0.10.21), two-pass clip mode",
        "person": str(settings.person),
        "people": person.track.people,
        "frames_searched": person.looked_at,
        "frames_detected": person.detected,
        "body_found": float(tracks.body.found.mean()),
        "left_hand_found": float(tracks.hands[0].found.mean()),
        "right_hand_found": float(tracks.hands[1].found.mean()),
        "face_found": float(tracks.face.found.mean()),
        "hands_first_look": list(tracks.first_hands),
        "hands_second_look": tracks.second_hands,
        "duplicate_hands_dropped": tracks.duplicates,
    }
