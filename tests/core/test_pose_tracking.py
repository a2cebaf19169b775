"""From pixels to keypoints: crops, regions, detections, person choice, streaming, real clips and pictures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pose_weights import pose_weights  # noqa: F401

from kmc_core.errors import Cancelled, PoseError
from kmc_core.media.clip import clip_from_images, open_clip
from kmc_core.pose import clip_tracking, decoders, regions
from kmc_core.pose.clip_tracking import ClipReader, PersonFinder
from kmc_core.pose.crops import Pyramid, crop_to_frame, whole_frame
from kmc_core.pose.extractor import HolisticExtractor, TrackSettings
from kmc_core.pose.hand_sides import are_together, true_side
from kmc_core.pose.networks import PoseNetworks
from kmc_core.pose.person_track import choose_person
from kmc_core.pose.plausibility import implausible_bodies
from kmc_core.pose.worker_threads import WorkerThreads, split_evenly


def dotted(height: int, width: int, x: float, y: float) -> np.ndarray:
    """A smooth bright dot centred at (x, y), pixel centres at integer + 0.5."""
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    dot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 6.0**2))
    return np.repeat(dot[..., None], 3, 2).astype(np.uint8)


@pytest.mark.parametrize(("side", "rotation"), [(96, 0.0), (130, 0.4), (500, -1.2), (700, 3.0), (60, 0.0)])
def test_a_point_of_a_crop_goes_back_to_where_it_was(side: float, rotation: float) -> None:
    roi = np.array([205.0, 140.0, side, rotation])
    x, y = 205.0 + 0.1 * side, 140.0 - 0.06 * side
    crop = Pyramid(dotted(300, 420, x, y)).crop(roi, 96).astype(np.float64)[..., 0]
    rows, columns = np.mgrid[0:96, 0:96] + 0.5
    found = np.array([[(crop * columns).sum(), (crop * rows).sum()]]) / crop.sum() / 96
    np.testing.assert_allclose(crop_to_frame(found, roi)[0], [x, y], atol=0.02 * side / 2)


def test_the_whole_square_frame_is_its_own_crop() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_array_equal(Pyramid(frame).crop(whole_frame(64, 64), 64), frame)


def test_shrinking_crops_do_not_alias() -> None:
    board = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    crop = Pyramid(np.repeat(board[..., None], 3, 2)).crop(whole_frame(512, 512), 64)
    assert abs(crop.astype(float) - 127.5).max() < 3


def test_outside_the_frame_is_black_or_the_edge() -> None:
    pyramid = Pyramid(np.full((40, 40, 3), 200, np.uint8))
    roi = np.array([20.0, 20.0, 80.0, 0.0])
    assert pyramid.crop(roi, 40, zero_border=True)[0, 0, 0] == 0
    assert pyramid.crop(roi, 40).min() == 200


def test_body_region_is_upright_for_an_upright_body_and_turns_with_it() -> None:
    upright = regions.pose_roi(np.array([100.0, 200.0]), np.array([100.0, 100.0]))
    np.testing.assert_allclose(upright, [100, 200, 250, 0], atol=1e-9)
    turned = regions.pose_roi(np.array([100.0, 200.0]), np.array([200.0, 200.0]))
    np.testing.assert_allclose(turned[2:], [250, np.pi / 2], atol=1e-9)


def test_hand_region_moves_turns_and_grows_with_the_hand() -> None:
    hand = np.random.default_rng(3).normal((300, 200), 30, (21, 2))
    turn, scale, shift = 0.7, 1.8, np.array([50.0, -20.0])
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    before, after = regions.hand_roi_from_landmarks(hand), regions.hand_roi_from_landmarks(hand @ matrix.T + shift)
    np.testing.assert_allclose(after[:2], matrix @ before[:2] + shift, atol=1e-6)
    np.testing.assert_allclose(after[2], before[2] * scale)
    np.testing.assert_allclose(np.cos(after[3] - before[3] - turn), 1)


def wandering_rois(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    rois = np.cumsum(random.normal(0, 3, (count, 4)), 0) + np.array([300, 300, 200, 0])
    rois[:, 3] = random.normal(3.1, 0.1, count)
    found = random.random(count) > 0.3
    found[30:52] = False
    return rois, found


@pytest.mark.parametrize(("reach", "sigma"), [(8, 1.5), (6, 0.0)])
def test_regions_do_not_depend_on_how_the_clip_is_cut_into_pieces(reach: int, sigma: float) -> None:
    rois, found = wandering_rois(80)
    whole, usable = regions.fill_and_smooth(rois, found, [(0, 80)], reach, sigma)
    margin = reach + 2 * int(3 * sigma + 0.5)
    for start, stop in ((0, 20), (20, 33), (33, 60), (60, 80)):
        low, high = max(0, start - margin), min(80, stop + margin)
        part, there = regions.fill_and_smooth(rois[low:high], found[low:high], [(0, high - low)], reach, sigma)
        np.testing.assert_array_equal(there[start - low : stop - low], usable[start:stop])
        near = usable[start:stop]
        np.testing.assert_allclose(part[start - low : stop - low][near], whole[start:stop][near], atol=1e-9)


def test_gaps_are_bridged_within_reach_and_never_across_a_cut() -> None:
    rois = np.tile([100.0, 100.0, 50.0, 0.0], (30, 1))
    rois[20:] += [60, 0, 0, 0]
    found = np.zeros(30, bool)
    found[[5, 9, 20]] = True
    rois[9] += [8, 0, 0, 0]
    filled, usable = regions.fill_and_smooth(rois, found, [(0, 15), (15, 30)], 4, 0.0)
    assert usable.tolist() == [1 <= k <= 13 or 16 <= k <= 24 for k in range(30)]
    np.testing.assert_allclose(filled[5:10, 0], [100, 102, 104, 106, 108])
    np.testing.assert_allclose(filled[16:25, 0], 160)


@pytest.mark.parametrize(
    ("grid", "count"),
    [(decoders.PERSON_ANCHORS, 2254), (decoders.FACE_ANCHORS, 896), (decoders.WIDE_FACE_ANCHORS, 2304), (decoders.PALM_ANCHORS, 2016)],
)
def test_anchor_grids_have_the_networks_size(grid: decoders.AnchorGrid, count: int) -> None:
    centres = grid.centres()
    assert centres.shape == (count, 2)
    assert centres.min() > 0 and centres.max() < 1


def test_overlapping_detections_are_averaged_by_score() -> None:
    grid = decoders.AnchorGrid(8, ((4, 1),))
    boxes = np.zeros((4, 6), np.float32)
    boxes[:, 2:4] = 4
    boxes[1, :2] = [-4, 0]
    logits = np.array([[2.0], [1.0], [-9.0], [3.0]])
    found = decoders.decode_detections(boxes, logits, grid)
    assert len(found) == 2
    weight = decoders.sigmoid(logits[:2, 0])
    expected = (0.25 * weight[0] + (0.75 - 0.5) * weight[1]) / weight.sum()
    np.testing.assert_allclose(found[1].box.mean(0)[0], expected)
    assert found[0].score == pytest.approx(decoders.sigmoid(np.array(3.0)))


def test_heatmap_refinement_equals_the_plain_loop() -> None:
    random = np.random.default_rng(2)
    points, heatmap = random.random((2, 39, 2)) * 1.2 - 0.1, random.normal(-2, 3, (2, 64, 64, 39))
    got = decoders.refine_by_heatmap(points, heatmap)
    for b in range(2):
        for k in range(39):
            x, y = points[b, k]
            column, row = int(np.floor(x * 64)), int(np.floor(y * 64))
            wanted = points[b, k]
            if x >= 0 and y >= 0 and column < 64 and row < 64:
                rows, columns = range(max(0, row - 3), min(64, row + 4)), range(max(0, column - 3), min(64, column + 4))
                cells = [(decoders.sigmoid(heatmap[b, r, c, k]), c / 64, r / 64) for r in rows for c in columns]
                if max(weight for weight, _, _ in cells) >= 0.5:
                    wanted = np.average([cell[1:] for cell in cells], axis=0, weights=[cell[0] for cell in cells])
            np.testing.assert_allclose(got[b, k], wanted, atol=1e-9)


def two_people(frames: int) -> list[list[tuple[float, np.ndarray]]]:
    """A large person walking on the left, a small one on the right; the large one is lost in some frames."""
    large = [(0.8, np.array([100.0 + k, 200, 180, 0])) for k in range(frames)]
    small = [(0.9, np.array([400.0 - k, 200, 90, 0])) for k in range(frames)]
    return [[small[k]] + ([large[k]] if k % 5 else []) for k in range(frames)]


@pytest.mark.parametrize(("person", "size"), [("largest", 180), ("left", 180), ("right", 90), (0, 180), (1, 90), ("centre", 90)])
def test_the_wanted_person_is_followed_all_the_time(person: str | int, size: float) -> None:
    track = choose_person(two_people(20), [(0, 20)], person, 700)
    assert track.people == 2
    assert np.unique(track.rois[track.found, 2]) == [size]
    assert track.found.sum() >= 16


def test_a_merged_lying_giant_does_not_take_the_track() -> None:
    """Two people one above the other are now and then detected as one large lying body."""
    frames = two_people(30)
    for k in (3, 4, 10, 11):
        frames[k].append((0.6, np.array([120.0, 180, 420, 1.5])))
    track = choose_person(frames, [(0, 30)], "largest", 700)
    assert np.unique(track.rois[track.found, 2]) == [180]


@pytest.mark.parametrize("person", ["tallest", -1, True, 1.5])
def test_an_unknown_choice_of_person_is_refused(person: object) -> None:
    with pytest.raises(PoseError, match="Choose which person"):
        choose_person([], [], person, 1)


def test_one_hand_read_twice_goes_to_the_nearer_wrist_then_to_handedness() -> None:
    wrists = np.array([[100.0, 100], [102, 100]])
    bodies = np.array([[101.0, 100], [160, 100]])
    seen = np.array([0.9, 0.9])
    assert true_side(wrists, bodies, seen, 0.9, 100) == 0
    assert true_side(wrists, bodies[::-1], seen, 0.1, 100) == 1
    near = np.array([[101.0, 100], [103, 100]])
    assert true_side(wrists, near, seen, 0.9, 100) == 1
    assert are_together(near, seen, 100) and not are_together(bodies, seen, 100)
    assert not are_together(near, np.array([0.9, 0.1]), 100)


def test_a_collapsed_body_between_good_ones_is_disbelieved_and_fast_moves_are_not() -> None:
    standing = np.zeros((33, 2))
    standing[:, 1] = np.linspace(0, 400, 33)
    standing[:, 0] = np.where(np.arange(33) % 2, 60, -60)
    time = np.arange(60)[:, None, None]
    running = standing + np.array([8.0, 0]) * time + np.array([0, 60.0]) * np.sin(time / 3)
    found = np.ones(60, bool)
    found[40:44] = False
    assert not implausible_bodies(running, found, [(0, 60)], 25).any()
    wrong = running.copy()
    wrong[20:23] = wrong[20:23].mean(1, keepdims=True) - (wrong[20:23] - wrong[20:23].mean(1, keepdims=True))
    wrong[50] += 300
    assert np.flatnonzero(implausible_bodies(wrong, found, [(0, 60)], 25)).tolist() == [20, 21, 22, 50]


def test_pieces_cover_everything_once() -> None:
    for count in range(40):
        pieces = split_evenly(range(count), 2, 4)
        assert [k for piece in pieces for k in piece] == list(range(count))
        assert all(0 < len(piece) <= 4 for piece in pieces)


def test_thread_counts_are_put_back() -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    with WorkerThreads(2) as workers:
        assert workers.map(torch.get_num_threads) == []
        assert workers.submit(torch.get_num_threads).result() == 1
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before


def sky(frames: int) -> np.ndarray:
    """Pictures with nobody in them: a slowly moving gradient."""
    ramp = np.linspace(60, 220, 96)[:, None, None] + np.linspace(0, 20, 128)[None, :, None]
    return np.stack([np.broadcast_to(ramp + k % 7, (96, 128, 3)) for k in range(frames)]).astype(np.uint8)


def assert_finite(motion: object, names: tuple[str, ...]) -> None:
    for name in names:
        assert np.isfinite(getattr(motion, name)).all(), name


POINTS = ("body", "body_confidence", "body_world", "hands", "hands_confidence", "face", "face_confidence")
DERIVED = ("expression", "head_pose", "root_yaw", "camera")


def test_nobody_in_the_clip_is_confidence_zero_not_an_error(pose_weights: Path) -> None:  # noqa: F811
    motion = HolisticExtractor(pose_weights).track(clip_from_images(sky(20), 10))
    assert motion.frame_count == 20
    assert_finite(motion, POINTS + DERIVED)
    assert motion.body_confidence.max() == 0 and motion.hands_confidence.max() == 0 and motion.face_confidence.max() == 0
    assert "Nobody was found in the clip." in motion.provenance["notes"]
    assert motion.matte is not None and motion.matte.max() == 0


def test_frames_held_do_not_grow_with_the_clip(pose_weights: Path) -> None:  # noqa: F811
    networks, pictures = PoseNetworks(pose_weights), sky(160)
    with WorkerThreads(1) as workers:
        finder = PersonFinder(networks, workers, detector_stride=40)
        finder.add(list(pictures))
        reader, held = ClipReader(networks, workers, finder.choose("largest"), 160), []
        for start in range(0, 160, 16):
            reader.add(list(pictures[start : start + 16]))
            held.append(reader.frames_held)
        reader.finish()
    assert max(held) == held[-1] < 64 and held[4] == held[-1]
    assert reader.frames_held == 0


def test_stop_request_abandons_the_clip(pose_weights: Path) -> None:  # noqa: F811
    asked = []
    with pytest.raises(Cancelled):
        HolisticExtractor(pose_weights).track(clip_from_images(sky(64), 25), should_stop=lambda: asked.append(1) or len(asked) > 3)
    assert len(asked) < 12


def test_chunks_do_not_change_the_result(pose_weights: Path, shared_clips: Path) -> None:  # noqa: F811
    clip = open_clip(shared_clips / "driving" / "d05_dance_studio.mp4")
    frames = list(clip.frames(0, 12, long_side=320))
    networks, results = PoseNetworks(pose_weights), []
    with WorkerThreads(2) as workers:
        finder = PersonFinder(networks, workers, 3)
        finder.add(frames)
        person = finder.choose("largest")
        for edges in ([0, 12], [0, 5, 6, 12]):
            reader = ClipReader(networks, workers, person, 12)
            for start, stop in pairwise(edges):
                reader.add(frames[start:stop])
            results.append(reader.finish())
    one, other = results
    np.testing.assert_allclose(one.body.points, other.body.points, atol=0.02)
    np.testing.assert_allclose(one.face.points, other.face.points, atol=0.05)
    for first, second in zip(one.hands, other.hands, strict=True):
        assert np.mean(first.found == second.found) > 0.95


def test_a_dancer_is_read_completely(pose_weights: Path, shared_clips: Path) -> None:  # noqa: F811
    clip = open_clip(shared_clips / "driving" / "d05_dance_studio.mp4", start_s=1.0, duration_s=0.6)
    done: list[int] = []
    motion = HolisticExtractor(pose_weights).track(clip, TrackSettings(), progress=lambda at, total, stage: done.append(at))
    assert_finite(motion, POINTS + DERIVED)
    assert motion.cuts == () and motion.provenance["people"] == 1
    assert motion.provenance["body_found"] == 1 and motion.provenance["face_found"] == 1
    assert motion.provenance["left_hand_found"] > 0.9 and motion.provenance["right_hand_found"] > 0.9
    # upright, facing the camera, the subject's left on the picture's right
    body = motion.body
    assert (body[:, 11, 0] > body[:, 12, 0]).all() and (body[:, 23, 1] > body[:, 11, 1]).all()
    assert abs(motion.root_yaw).max() < 0.8
    # hands end where the arms end
    reach = np.linalg.norm(motion.hands[:, :, 0, :2] - body[:, [15, 16]], axis=-1)
    torso = np.linalg.norm(body[:, [11, 12]].mean(1) - body[:, [23, 24]].mean(1), axis=-1)
    assert np.median(reach / torso[:, None]) < 0.15
    inside = motion.matte[:, motion.matte.shape[1] // 2].max()
    assert inside > 200 and 0.05 < (motion.matte > 127).mean() < 0.4
    assert done == sorted(done)


def test_a_hard_cut_is_found_and_both_scenes_are_read(pose_weights: Path, shared_clips: Path) -> None:  # noqa: F811
    clip = open_clip(shared_clips / "driving" / "d29_cut_synth.mp4", start_s=63 / 25 - 0.24, duration_s=0.48)
    motion = HolisticExtractor(pose_weights).track(clip, TrackSettings(matte=False))
    assert motion.cuts == (6,)
    assert motion.matte is None
    assert (motion.body_confidence.max(-1) > 0.9).all()


def test_a_portrait_is_read(pose_weights: Path, shared_clips: Path) -> None:  # noqa: F811
    picture = cv2.imread(str(shared_clips / "characters" / "c06_woman_half_ai.png"))[..., ::-1].copy()
    extractor = HolisticExtractor(pose_weights)
    found = extractor.picture(picture)
    assert found.detection > 0.8 and found.face_confidence > 0.9 and found.hands_confidence.min() > 0.9
    assert (found.hands[0, :, 0] > found.hands[1, :, 0]).all()
    probability = extractor.person_mask(picture, found)
    assert probability.shape == picture.shape[:2]
    seen = found.body[found.body_confidence > 0.8].astype(int)
    assert probability[seen[:, 1].clip(0, 1023), seen[:, 0].clip(0, 1023)].mean() > 0.8
    assert probability[:100].mean() < 0.2


def test_a_picture_of_nobody_gives_zero_confidences(pose_weights: Path) -> None:  # noqa: F811
    found = HolisticExtractor(pose_weights).picture(sky(1)[0])
    assert found.detection < 0.5 and found.face_confidence == 0 and found.hands_confidence.max() == 0
    assert np.isfinite(found.body).all()


@pytest.mark.parametrize("wrong", [np.zeros((64, 64)), np.zeros((64, 64, 4), np.uint8), np.zeros((4, 4, 3), np.uint8), None])
def test_what_is_no_picture_is_refused(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(PoseError, match="Hand in an RGB picture"):
        HolisticExtractor(tmp_path).picture(wrong)


def test_smoothing_windows_fit_the_streaming_lookahead() -> None:
    """What a stage needs of later frames must be what `_lookahead` promises."""
    rois, found = wandering_rois(60)
    reach, sigma = clip_tracking.BODY_REACH, clip_tracking.BODY_SIGMA
    known = 40
    final = known - clip_tracking._lookahead(reach, sigma)
    whole, usable = regions.fill_and_smooth(rois, found, [(0, 60)], reach, sigma)
    found[known:] = False
    part, there = regions.fill_and_smooth(rois, found, [(0, 60)], reach, sigma)
    np.testing.assert_array_equal(there[:final], usable[:final])
    np.testing.assert_allclose(part[:final][usable[:final]], whole[:final][usable[:final]])
