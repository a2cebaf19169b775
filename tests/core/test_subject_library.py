"""Building, storing and showing libraries from drawn pictures with exact keypoints; refusals carry their remedy."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints
from safetensors.numpy import load_file, save_file
from test_subject_rig import person_alpha

from kmc_core.errors import SubjectError
from kmc_core.subject.gallery import gallery
from kmc_core.subject.library import build_subject, working_picture
from kmc_core.subject.storage import load_subject, save_subject
from kmc_core.types import Canvas, SubjectView

CANVAS = Canvas(720, 720)


def drawn_picture(keypoints, canvas=CANVAS):
    picture = np.full((*canvas, 3), (200, 210, 220), np.uint8)
    picture[person_alpha(keypoints, canvas) > 0] = (180, 60, 60)
    return picture


@pytest.fixture(scope="module")
def front():
    keypoints = replace(picture_keypoints(HUMAN), user_supplied=True)
    return drawn_picture(keypoints), person_alpha(keypoints), keypoints


@pytest.fixture(scope="module")
def back():
    keypoints = replace(picture_keypoints(HUMAN, yaw=3.0, px_per_metre=240), user_supplied=True)
    return drawn_picture(keypoints), person_alpha(keypoints), keypoints


@pytest.fixture(scope="module")
def library(front, back):
    pictures, masks, keypoints = zip(back, front, strict=True)
    return build_subject(pictures, None, masks=masks, keypoints=keypoints, name="walker")


def test_the_most_frontal_view_is_primary_and_views_share_its_scale(library):
    assert library.primary == 1
    assert library.view_scale[1] == 1
    assert library.view_scale[0] == pytest.approx(300 / 240, rel=0.03)
    assert library.bone_known.all()
    assert library.primary_view.alpha.max() == 1


def test_save_and_load_give_the_same_library(library, tmp_path):
    path = save_subject(library, tmp_path / "walker")
    assert path.name == "walker.safetensors"
    loaded = load_subject(path)
    assert (loaded.name, loaded.primary, len(loaded.views)) == (library.name, library.primary, 2)
    np.testing.assert_array_equal(loaded.bone_lengths, library.bone_lengths)
    np.testing.assert_array_equal(loaded.bone_known, library.bone_known)
    for one, other in zip(loaded.views, library.views, strict=True):
        for entry in fields(SubjectView):
            if entry.name == "keypoints":
                for inner in fields(one.keypoints):
                    np.testing.assert_array_equal(getattr(one.keypoints, inner.name), getattr(other.keypoints, inner.name))
            else:
                np.testing.assert_array_equal(getattr(one, entry.name), getattr(other, entry.name))
    assert [entry.name for entry in tmp_path.iterdir()] == ["walker.safetensors"]


def test_loading_is_strict(library, tmp_path):
    path = save_subject(library, tmp_path / "walker.safetensors")
    tensors = load_file(path)
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as stored:
        header = json.loads(stored.metadata()["kmc"])

    def refuses(changed, metadata, words):
        save_file(changed, tmp_path / "changed.safetensors", metadata=metadata)
        with pytest.raises(SubjectError, match=words):
            load_subject(tmp_path / "changed.safetensors")

    refuses(tensors, {"kmc": json.dumps({**header, "version": 9})}, "version 9")
    refuses(tensors, {}, "no format")
    refuses(tensors, {"kmc": json.dumps({**header, "views": []})}, "no list of views")
    refuses(tensors, {"kmc": json.dumps({**header, "views": header["views"] * 2})}, r"views\.\d\.alpha")
    refuses(tensors, {"kmc": json.dumps(header).replace('"yaw": ', '"yaw": NaN, "was": ')}, "yaw nan")
    refuses({name: value for name, value in tensors.items() if name != "bone_known"}, {"kmc": json.dumps(header)}, "bone_known")
    (tmp_path / "text.safetensors").write_text("no tensors here")
    with pytest.raises(SubjectError, match="unreadable"):
        load_subject(tmp_path / "text.safetensors")
    with pytest.raises(SubjectError, match="no file"):
        load_subject(tmp_path / "absent.safetensors")


def test_surplus_and_infinite_tensors_are_refused(library, tmp_path):
    path = save_subject(library, tmp_path / "walker.safetensors")
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as stored:
        metadata = stored.metadata()
    tensors = load_file(path)
    save_file({**tensors, "extra": np.zeros(1, np.float32)}, path, metadata=metadata)
    with pytest.raises(SubjectError, match="extra"):
        load_subject(path)
    save_file({**tensors, "bone_lengths": np.full(18, np.nan, np.float32)}, path, metadata=metadata)
    with pytest.raises(SubjectError, match="infinite"):
        load_subject(path)


def test_an_alpha_channel_is_the_matte(front):
    picture, mask, keypoints = front
    alpha = cv2.GaussianBlur(mask, (0, 0), 1.5)
    rgba = np.dstack([picture, np.round(alpha * 255).astype(np.uint8)])
    view = build_subject([rgba], None, keypoints=[keypoints]).primary_view
    assert np.abs(view.alpha - alpha).max() < 0.02
    assert view.picture.shape[2] == 3


def test_large_pictures_are_reduced_with_their_keypoints(front):
    _, _, keypoints = front
    large = replace(keypoints, body=keypoints.body * 3, face=keypoints.face * 3, hands=keypoints.hands * 3)
    picture = cv2.resize(drawn_picture(keypoints), (2160, 2160), interpolation=cv2.INTER_NEAREST)
    mask = cv2.resize(person_alpha(keypoints), (2160, 2160), interpolation=cv2.INTER_NEAREST)
    library = build_subject([picture], None, masks=[mask], keypoints=[large])
    assert library.primary_view.canvas == (1280, 1280)
    assert library.primary_view.torso_px == pytest.approx(150 * 1280 / 720, rel=0.01)
    assert working_picture(picture).shape == (1280, 1280, 3)


@pytest.mark.parametrize(
    ("pictures", "options", "words"),
    [
        ([], {}, "at least one picture"),
        ([np.zeros((64, 64, 3), np.uint8)] * 8, {}, "1 to 7"),
        ([np.zeros((64, 64, 3), np.float32)], {}, "uint8"),
        ([np.zeros((64, 64, 3), np.uint8)], {}, "MASK and POSE_KEYPOINT"),
        ([np.zeros((64, 64, 3), np.uint8)], {"masks": [np.ones((64, 32), np.float32)]}, "does not belong"),
        ([np.zeros((64, 64, 3), np.uint8)], {"masks": [np.zeros((64, 64), np.float32)]}, "is empty"),
    ],
)
def test_refusals_say_what_to_do(pictures, options, words):
    with pytest.raises(SubjectError, match=words):
        build_subject(pictures, None, **options)


def test_gallery_shows_every_view_with_its_problems(library):
    shown = gallery(library, 200)
    assert shown.dtype == np.uint8 and shown.ndim == 3
    assert shown.shape[1] >= 2 * 200
    assert shown.shape[0] > 200


def test_guessed_bones_do_not_set_the_size_of_a_view(front):
    doubtful = replace(front[2], detection=0.2, user_supplied=False)
    small = replace(doubtful, body=doubtful.body * 0.5 + CANVAS.width / 4)
    pictures, masks = [front[0]] * 2, [front[1]] * 2
    subject = build_subject(pictures, None, masks=masks, keypoints=[doubtful, small])
    np.testing.assert_allclose(subject.view_scale, 1.0, atol=0.02)
    sure = [replace(keypoints, detection=0.9) for keypoints in (doubtful, small)]
    assert build_subject(pictures, None, masks=masks, keypoints=sure).view_scale.max() > 1.5
