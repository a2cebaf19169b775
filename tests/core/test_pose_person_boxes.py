"""Whom to follow when a mask or another detector says so."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pose_weights import pose_weights  # noqa: F401

from kmc_core.errors import PoseError
from kmc_core.media.clip import clip_from_images, open_clip
from kmc_core.pose.extractor import HolisticExtractor, TrackSettings
from kmc_core.pose.person_track import choose_person, follow_boxes

LARGE, SMALL = np.array([100.0, 150.0, 200.0, 0.0]), np.array([400.0, 200.0, 100.0, 0.1])
AROUND_SMALL = np.array([370.0, 160.0, 430.0, 240.0])


def test_our_own_region_is_taken_where_it_agrees_with_the_box_and_the_box_elsewhere() -> None:
    detections = [[(0.9, LARGE), (0.8, SMALL)], [], [(0.9, LARGE)]]
    largest = choose_person(detections, [(0, 3)], "largest", 500)
    boxes = np.stack([AROUND_SMALL, AROUND_SMALL, np.zeros(4)])
    track = follow_boxes(detections, boxes, largest)
    np.testing.assert_allclose(track.rois[0], SMALL)
    np.testing.assert_allclose(track.rois[1], [400, 200, 100, 0])  # nobody detected there: the box with its margin
    np.testing.assert_allclose(track.rois[2], LARGE)  # no box: the choice of person decides
    assert track.found.all()


@pytest.mark.usefixtures("pose_weights")
def test_a_box_leads_to_the_smaller_of_two_people(pose_weights: Path, shared_clips: Path) -> None:  # noqa: F811
    clip = open_clip(shared_clips / "driving" / "d05_dance_studio.mp4", duration_s=0.4)
    frames = []
    for frame in clip.frames(long_side=480):
        small = cv2.resize(frame, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        canvas = np.full((*frame.shape[:1], frame.shape[1] + small.shape[1], 3), frame[0, 0], np.uint8)
        canvas[:, : frame.shape[1]] = frame
        canvas[-small.shape[0] :, frame.shape[1] :] = small
        frames.append(canvas)
    both = clip_from_images(np.stack(frames), 25)
    border = clip.canvas.width * 480 / clip.canvas.height
    boxes = np.tile([border, 0.4 * 480, both.canvas.width, 480], (both.frame_count, 1))
    extractor = HolisticExtractor(pose_weights)
    chosen = extractor.track(both, TrackSettings(matte=False), person_boxes=boxes)
    default = extractor.track(both, TrackSettings(matte=False))
    assert chosen.body[:, 11:13, 0].min() > border > default.body[:, 11:13, 0].max()
    assert chosen.body_confidence[:, 11:13].min() > 0.5


@pytest.mark.usefixtures("pose_weights")
def test_boxes_of_another_clip_are_refused(pose_weights: Path) -> None:  # noqa: F811
    clip = clip_from_images(np.zeros((4, 64, 64, 3), np.uint8), 25)
    with pytest.raises(PoseError, match="same clip"):
        HolisticExtractor(pose_weights).track(clip, person_boxes=np.zeros((3, 4)))
