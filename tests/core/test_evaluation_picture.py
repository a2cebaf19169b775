"""Picture measures against plain references and against what they must react to."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from kmc_core.evaluation.colour import ciede2000, colour_drift, lab_from_srgb
from kmc_core.evaluation.picture import blurred, gradient_energy, psnr, registered, ssim
from kmc_core.evaluation.picture_scores import ColourMeter, StillnessMeter, TruthMeter, background_of, flicker


def textured(height: int = 72, width: int = 96, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.clip((smooth - smooth.mean()) * 5 + 128, 0, 255).astype(np.uint8)


def test_psnr_is_the_textbook_formula() -> None:
    a, b = textured(), textured(seed=1)
    error = sum((int(x) - int(y)) ** 2 for x, y in zip(a.ravel(), b.ravel(), strict=True)) / a.size
    assert psnr(a, b) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-4)
    mask = np.zeros(a.shape[:2], bool)
    assert psnr(a, b, mask) is None
    mask[10:20, 5:50] = True
    error = np.mean((a[mask].astype(float) - b[mask]) ** 2)
    assert psnr(a, b, mask) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-4)
    assert np.isfinite(psnr(a, a))


def slow_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004, one window at a time, mirrored borders."""
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(weights, weights) / weights.sum() ** 2
    values = []
    for channel in range(3):
        x, y = (np.pad(picture[..., channel].astype(float), 5, mode="reflect") for picture in (a, b))
        for row in range(a.shape[0]):
            for column in range(a.shape[1]):
                p, q = (part[row : row + 11, column : column + 11] for part in (x, y))
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq, cov = ((window * part).sum() for part in ((p - mp) ** 2, (q - mq) ** 2, (p - mp) * (q - mq)))
                c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
                values.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return float(np.mean(values))


def test_ssim_equals_the_slow_loop() -> None:
    a = textured(24, 30)
    b = np.clip(a.astype(int) + np.random.default_rng(2).integers(-40, 40, a.shape), 0, 255).astype(np.uint8)
    assert ssim(a, b) == pytest.approx(slow_ssim(a, b), abs=1e-6)
    assert ssim(a, a) == pytest.approx(1.0)


def test_registration_forgives_a_shift_but_not_fog() -> None:
    truth = textured(160, 200)
    shifted = np.roll(truth, 3, axis=1)
    everywhere = np.zeros(truth.shape[:2], bool)
    everywhere[15:-15, 15:-15] = True
    assert psnr(truth, registered(truth, shifted), everywhere) > psnr(truth, shifted, everywhere) + 6
    fog = cv2.GaussianBlur(truth, (0, 0), 3)
    assert psnr(truth, registered(truth, fog), everywhere) < psnr(truth, fog, everywhere) + 2


def test_blur_control_is_softer_and_scales_with_the_picture() -> None:
    picture, everywhere = textured(512, 96), np.ones((512, 96), bool)
    assert gradient_energy(blurred(picture), everywhere) < 0.8 * gradient_energy(picture, everywhere)
    point = np.zeros((513, 513, 3), np.uint8)
    point[256, 256] = 255
    spread = blurred(point.astype(np.float32))[256, :, 0]
    sigma = np.sqrt((spread * (np.arange(513) - 256) ** 2).sum() / spread.sum())
    assert sigma == pytest.approx(1.2 * 513 / 256, rel=0.03)


def test_gradient_energy_is_the_plain_sum_of_differences() -> None:
    picture = textured(12, 9)
    mask = np.random.default_rng(0).random((12, 9)) > 0.4
    values = [
        np.mean([abs(int(picture[y, x, c]) - int(picture[y - 1, x, c])) + abs(int(picture[y, x, c]) - int(picture[y, x - 1, c])) for c in range(3)])
        for y in range(1, 12)
        for x in range(1, 9)
        if mask[y, x]
    ]
    assert gradient_energy(picture, mask) == pytest.approx(np.mean(values), rel=1e-5)


# Sharma, Wu, Dalal 2005, table 1
PUBLISHED = (
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.441), (91.1528, -1.6435, 0.0447), 1.4441),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
)


def test_ciede2000_gives_the_published_values() -> None:
    first, second = (np.array([pair[place] for pair in PUBLISHED], float) for place in (0, 1))
    expected = np.array([pair[2] for pair in PUBLISHED])
    assert np.abs(ciede2000(first, second) - expected).max() < 1e-4
    assert np.abs(ciede2000(second, first) - expected).max() < 1e-4


def test_lab_of_known_colours() -> None:
    lab = lab_from_srgb(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [119, 119, 119]]))
    assert np.abs(lab - [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [50.03, 0, 0]]).max() < 0.02


def test_colour_drift_is_taken_against_the_control() -> None:
    walk = np.linspace([50, 10, 10], [60, 20, 5], 40)
    assert colour_drift(np.repeat(walk[:1], 40, 0)) == pytest.approx(0)
    assert colour_drift(walk) > 5
    assert colour_drift(walk + 3, walk) < 0.01
    assert colour_drift(walk[:1]) is None


def test_truth_meter_ranks_truth_over_blur_and_sees_the_blur() -> None:
    alpha = np.zeros((72, 96), np.float32)
    alpha[10:60, 20:70] = 1
    exact, soft, frozen = TruthMeter(), TruthMeter(), TruthMeter()
    first = textured()
    for shift in range(6):
        truth = np.roll(first, 2 * shift, axis=1)
        exact.add(truth, truth, alpha, alpha)
        soft.add(truth, cv2.GaussianBlur(truth, (0, 0), 2), alpha, alpha)
        frozen.add(truth, first, alpha, alpha)
    good, fog, still = (meter.numbers() for meter in (exact, soft, frozen))
    assert good["psnr"] > 60 and good["ssim"] == pytest.approx(1) and good["sharpness"] == 1 and good["motion_energy"] == 1
    assert fog["sharpness"] < 0.8 and fog["motion_energy"] < 1 and fog["psnr_registered"] < good["psnr_registered"] - 10
    assert still["motion_energy"] == 0 and still["psnr_subject"] < fog["psnr_subject"]


def test_holes_are_where_the_true_subject_is_not_covered() -> None:
    truth = np.full((40, 40, 3), 100, np.uint8)
    output = truth.copy()
    output[:, 20:] = 110
    matte, alpha = np.ones((40, 40), np.float32), np.ones((40, 40), np.float32)
    alpha[:, 30:] = 0
    meter = TruthMeter()
    meter.add(truth, output, matte, alpha)
    assert meter.numbers()["holes"] == pytest.approx(0.25)
    assert meter.numbers()["psnr_holes"] == pytest.approx(10 * np.log10(255**2 / 100), abs=1e-3)
    nothing = TruthMeter().numbers()
    assert set(nothing.values()) == {None}


def test_flicker_is_one_for_the_source_itself_and_grows_with_noise() -> None:
    random = np.random.default_rng(0)
    alpha = np.zeros((60, 80), np.float32)
    alpha[20:40, 30:50] = 1
    assert not background_of(alpha)[19, 30] and background_of(alpha)[5, 5]
    source, noisy, still = StillnessMeter(), StillnessMeter(), StillnessMeter()
    base = textured(60, 80).astype(int)
    for _ in range(8):
        grain = random.integers(-3, 4, base.shape)
        source.add(np.clip(base + grain, 0, 255).astype(np.uint8), alpha)
        noisy.add(np.clip(base + 2 * grain, 0, 255).astype(np.uint8), alpha)
        still.add(base.astype(np.uint8), alpha)
    assert flicker(source, source) == pytest.approx(1)
    assert flicker(noisy, source) == pytest.approx(2, rel=0.1)
    assert flicker(still, source) == 0 and flicker(source, still) > 4
    assert flicker(StillnessMeter(), source) is None


def test_colour_meter_looks_at_the_character_only() -> None:
    alpha = np.zeros((20, 20), np.float32)
    alpha[5:15, 5:15] = 1
    meter = ColourMeter()
    for level in (0, 100, 200):
        frame = np.full((20, 20, 3), level, np.uint8)
        frame[5:15, 5:15] = (10, 200, 30)
        meter.add(frame, alpha)
    meter.add(frame, np.zeros((20, 20), np.float32))
    assert len(meter.colours) == 3 and meter.drift(None) == pytest.approx(0, abs=1e-9)
