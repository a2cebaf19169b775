"""Real pictures through the real extractor: a photo, a back view, several views, a drawing nobody can be found in."""

from __future__ import annotations

import numpy as np
import pytest
from pose_weights import pose_weights  # noqa: F401  (a fixture)

from kmc_core.errors import SubjectError
from kmc_core.media.picture import read_picture
from kmc_core.pose.extractor import HolisticExtractor
from kmc_core.subject.library import build_subject


@pytest.fixture(scope="module")
def extractor(pose_weights):  # noqa: F811
    return HolisticExtractor(pose_weights, workers=1)


def test_front_and_back_pictures_make_a_library_whose_front_is_primary(shared_clips, extractor):
    folder = shared_clips / "characters"
    pictures = [read_picture(folder / name) for name in ("c03_woman_back.png", "c36_man_railway.png")]
    steps = []
    library = build_subject(pictures, extractor, progress=lambda done, total, stage: steps.append((done, total)))
    back, front = library.views
    assert library.primary == 1
    assert steps[-1] == (2, 2)
    assert abs(np.degrees(back.yaw)) > 150
    assert abs(np.degrees(front.yaw)) < 20
    assert front.problems == ()
    assert any("behind" in problem for problem in back.problems)
    assert 0.03 < front.alpha.mean() < 0.3
    ratios = library.bone_lengths / library.bone_lengths[0]
    assert 0.4 < ratios[3] < 0.8 and 0.35 < ratios[4] < 0.75


def test_a_portrait_gets_a_torso_of_human_size(shared_clips, extractor):
    library = build_subject([read_picture(shared_clips / "characters" / "c10_face_woman_ai.png")], extractor)
    view = library.primary_view
    assert not library.bone_known[[3, 4, 11, 12]].any()
    eyes = np.linalg.norm(view.keypoints.face[33, :2] - view.keypoints.face[263, :2])
    assert 4 < view.torso_px / eyes < 7.5


def test_scenery_without_anybody_is_refused(extractor):
    rows, columns = np.mgrid[:320, :480]
    picture = np.stack([rows * 0.6, columns * 0.4, 255 - rows * 0.5], -1).astype(np.uint8)
    with pytest.raises(SubjectError, match="Nobody was found"):
        build_subject([picture], extractor)
