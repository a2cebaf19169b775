"""What the models look at: the trained skeleton style, crops of faces, everything on one canvas."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch


@pytest.mark.parametrize(("height", "width", "expected"), [(480, 832, 1), (720, 1280, 2), (1080, 1920, 4), (64, 96, 1)])
def test_sticks_are_as_wide_as_in_training(backbones, core, height: int, width: int, expected: int) -> None:
    assert backbones("skeleton").stick_width_px(core("types").Canvas(height, width)) == expected


def test_sticks_have_the_trained_colours_and_there_are_no_face_points(backbones, core) -> None:
    """Right upper arm: stick 2, orange at 60 %; a face of 478 points is not even asked for."""
    skeleton, canvas = backbones("skeleton"), core("types").Canvas(480, 480)
    body, seen = np.zeros((33, 2), np.float32), np.zeros(33, np.float32)
    body[12], body[14] = (100, 100), (200, 100)
    seen[[12, 14]] = 1
    picture = skeleton.draw_training_skeleton(canvas, body, seen, np.zeros((2, 21, 2)), np.zeros(2))
    assert picture[100, 150].tolist() == [153, 102, 0]
    assert picture[100, 100].tolist() == [255, 170, 0] and picture[100, 200].tolist() == [255, 255, 0]
    assert {tuple(colour) for colour in picture.reshape(-1, 3).tolist()} == {(0, 0, 0), (153, 102, 0), (255, 170, 0), (255, 255, 0)}
    body[14] = np.nan
    assert np.isfinite(skeleton.draw_training_skeleton(canvas, body, seen, np.zeros((2, 21, 2)), np.zeros(2))).all()


def test_pictures_and_points_cover_the_canvas_alike(backbones, core) -> None:
    """A marked pixel lands where the points' transform says, for wider and taller canvases."""
    pictures, types = backbones("pictures"), core("types")
    source = types.Canvas(60, 40)
    image = np.zeros((60, 40, 3), np.uint8)
    image[30:32, 10:12] = 255
    for canvas in (types.Canvas(120, 160), types.Canvas(240, 100)):
        covered = pictures.covering(image, canvas)
        assert covered.shape == (*canvas, 3)
        rows, columns = np.nonzero(covered[..., 0] > 127)
        x, y = pictures.covering_points(np.array([[11.0, 31.0]]), source, canvas)[0]
        assert abs(columns.mean() + 0.5 - x) < 1 and abs(rows.mean() + 0.5 - y) < 1


def test_the_reference_passes_comfyui_s_own_scaling_unchanged(performance, backbones) -> None:
    import comfy.utils

    motion, subject = performance(2)
    protocol = backbones("protocol")
    canvas = backbones("wan_animate").FACTS.fitted(motion.canvas)
    job = protocol.BackboneJob(motion, subject, canvas, protocol.LinkedModels(None), protocol.SamplingPlan(1))
    reference = backbones("pictures").JobPictures(job).reference()
    scaled = comfy.utils.common_upscale(reference.movedim(-1, 1), canvas.width, canvas.height, "area", "center").movedim(1, -1)
    assert torch.equal(scaled, reference)


def test_a_face_crop_shows_the_grown_box(backbones) -> None:
    """Grown to 1.3 times its area, three quarters of the extra height above; cut at the frame's edge, black without a face."""
    face_crop = backbones("pictures").face_crop
    frame = np.zeros((400, 400, 3), np.uint8)
    frame[100:200, 100:200] = 200
    crop = face_crop(frame, np.array([100, 100, 200, 200], np.float32))
    assert crop.shape == (512, 512, 3)
    rows, columns = np.nonzero(crop[..., 0] > 100)
    side = 512 / 1.3**0.5
    assert abs(columns.max() - columns.min() + 1 - side) < 3 and abs(columns.mean() - 255.5) < 2
    assert abs(rows.min() - (512 - side) * 0.75) < 3
    at_the_edge = face_crop(frame, np.array([350, 100, 450, 200], np.float32))
    assert at_the_edge.shape == (512, 512, 3)
    assert not face_crop(frame, np.zeros(4, np.float32)).any()
    large = face_crop(np.full((2000, 2000, 3), 90, np.uint8), np.array([200, 200, 1800, 1800], np.float32))
    assert (large == 90).all()


def test_padding_walks_back_and_forth(backbones: Callable[[str], ModuleType]) -> None:
    padded = backbones("pictures").padded_frames
    assert padded(3, 6, 9) == [3, 4, 5, 4, 3, 4, 5, 4, 3]
    assert padded(7, 8, 5) == [7] * 5 and padded(0, 5, 5) == [0, 1, 2, 3, 4]
