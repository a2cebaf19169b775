"""Random characters: ages, builds, faces, hair, clothes, colours and drawing styles, all from one seed, with a caption."""

from __future__ import annotations

import colorsys

import numpy as np

from .accessories import HELD, WORN
from .character import CharacterDesign
from .clothes import Outfit
from .creatures import MANNERS, random_creature
from .fabrics import EMBLEMS, Fabric
from .hair import STYLES as HAIR_STYLES
from .head import FaceShape
from .paint import Palette
from .skeleton import BodyShape

BUILDS = ("woman", "man", "girl", "boy", "heavy_man", "heavy_woman", "tall", "chibi", "heroic", "elder", "giant", "robot", "plush")
_BUILD_ODDS = (0.165, 0.165, 0.065, 0.065, 0.065, 0.05, 0.075, 0.06, 0.065, 0.05, 0.05, 0.07, 0.055)
_SKIN = ((0.96, 0.80, 0.70), (0.90, 0.71, 0.58), (0.82, 0.62, 0.48), (0.70, 0.50, 0.37), (0.55, 0.37, 0.27), (0.40, 0.26, 0.19), (0.93, 0.76, 0.62))
_HAIR = (
    ("black", (0.07, 0.06, 0.07)), ("brown", (0.25, 0.15, 0.09)), ("chestnut", (0.38, 0.20, 0.11)), ("blond", (0.78, 0.60, 0.34)),
    ("red", (0.58, 0.22, 0.09)), ("grey", (0.55, 0.55, 0.56)), ("white", (0.86, 0.85, 0.83)), ("blue", (0.18, 0.32, 0.68)), ("pink", (0.85, 0.42, 0.58)), ("green", (0.22, 0.48, 0.34)),
)  # fmt: skip
_IRIS = ((0.32, 0.20, 0.10), (0.24, 0.15, 0.09), (0.28, 0.42, 0.30), (0.26, 0.42, 0.60), (0.45, 0.50, 0.52), (0.45, 0.32, 0.14))
_JEANS = (((0.17, 0.23, 0.38), (0.36, 0.43, 0.58)), ((0.10, 0.13, 0.22), (0.22, 0.27, 0.40)), ((0.34, 0.44, 0.58), (0.62, 0.70, 0.80)), ((0.10, 0.10, 0.11), (0.26, 0.26, 0.28)))
_PATTERN_ODDS: dict[str, dict[str, float]] = {
    "top": {"solid": 3, "stripes": 1.2, "checks": 0.8, "dots": 0.7, "print": 2.2, "noise": 0.4, "wide_stripes": 0.6, "zigzag": 0.3, "plaid": 2.0, "knit": 1.4, "pinstripe": 0.5, "floral": 0.8, "quilted": 0.5, "melange": 1.6, "denim": 0.4},
    "bottom": {"solid": 6, "checks": 0.4, "noise": 0.5, "plaid": 0.6, "pinstripe": 0.4, "melange": 1.5},
    "skirt": {"solid": 3, "stripes": 0.6, "checks": 0.6, "dots": 0.8, "noise": 0.3, "wide_stripes": 0.5, "zigzag": 0.3, "plaid": 1.4, "floral": 1.4, "lace": 1.0, "denim": 0.6, "melange": 0.6},
    "coat": {"solid": 4, "checks": 0.4, "plaid": 0.8, "noise": 0.2, "quilted": 1.2, "melange": 1.4, "knit": 0.6},
    "shoe": {"solid": 1},
}  # fmt: skip
_PATTERN_WORDS = {
    "stripes": "striped", "wide_stripes": "striped", "checks": "checked", "dots": "dotted", "print": "printed", "zigzag": "zigzag", "noise": "camouflage", "denim": "denim",
    "plaid": "plaid", "knit": "knitted", "pinstripe": "pinstriped", "floral": "flowered", "quilted": "quilted", "lace": "lace",
}  # fmt: skip
_NAMED = (
    ("red", 0.0), ("orange", 0.07), ("yellow", 0.14), ("green", 0.35), ("teal", 0.48), ("blue", 0.60), ("violet", 0.74), ("pink", 0.90),
)  # fmt: skip


def random_design(seed: int, style: str | None = None, build: str | None = None) -> CharacterDesign:
    """A seeded character. style and build override the dice (shading.STYLES, BUILDS)."""
    rng = np.random.default_rng([seed, 101])
    build = build or str(rng.choice(BUILDS, p=_BUILD_ODDS))
    style = style or str(rng.choice(["soft", "toon", "painterly"], p=[0.58, 0.27, 0.15]))
    if build in ("robot", "plush"):
        return random_creature(build, style, rng)
    feminine = build in ("woman", "girl", "heavy_woman") or (build in ("tall", "chibi", "elder", "giant") and rng.random() < 0.5)
    shape = _shape(build, feminine, rng)
    face = _face(build, feminine, style, rng)
    palette, words = _palette(build, feminine, rng)
    outfit, clothes_words = _outfit(build, feminine, words, rng)
    hair = _hair(build, feminine, rng)
    noun = {"girl": "girl", "boy": "boy"}.get(build, "woman" if feminine else "man")
    adjective = {"heavy_man": "heavy ", "heavy_woman": "heavy ", "tall": "long-limbed ", "chibi": "chibi ", "heroic": "broad-shouldered ", "elder": "old ", "giant": "giant "}.get(build, "")
    hair_words = "a bald head" if hair == "none" else f"{words['hair']} {hair.replace('_', ' ')} hair"
    hair_seed, extras = int(rng.integers(1 << 20)), _extras(hair, rng)
    things = [f"a {name}" if name != "glasses" else name for name in extras if name in WORN] + [f"a {name} in one hand" for name in extras if name in HELD]
    caption = f"a {adjective}{noun} with {hair_words} in {clothes_words}{''.join(', ' + thing for thing in things)}{MANNERS[style]}"
    return CharacterDesign(build, shape, face, hair, hair_seed, outfit, palette, style, caption, extras, int(rng.integers(2)))


def _extras(hair: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Things worn and held: glasses on one in six, a watch on one in five, something in the hand of one in eight."""
    dice = rng.random(4)
    worn = [name for name, chance, die in (("glasses", 0.17, dice[0]), ("watch", 0.20, dice[1]), ("cap", 0.07, dice[2])) if die < chance]
    if hair in ("afro", "spiky", "bun", "curly", "side_part") and "cap" in worn:
        worn.remove("cap")
    return (*worn, str(rng.choice(HELD))) if dice[3] < 0.13 else tuple(worn)


def _shape(build: str, feminine: bool, rng: np.random.Generator) -> BodyShape:
    vary = lambda middle, spread=0.05: float(middle * (1 + spread * np.clip(rng.normal(), -2, 2)))  # noqa: E731
    base: dict[str, dict[str, float]] = {
        "woman": {"leg": 0.80, "torso": 0.475, "shoulder": 0.147, "hip": 0.086, "arm": 0.50, "hand": 0.93, "foot": 0.92, "thickness": 0.88, "waist": 0.90, "hips": 1.10, "bust": 0.6, "head": 1.12, "neck": 0.088},
        "man": {"leg": 0.84, "torso": 0.52, "shoulder": 0.174, "hip": 0.085, "arm": 0.55, "thickness": 1.02, "waist": 1.02, "hips": 0.95, "head": 1.12, "neck": 0.082},
        "girl": {"leg": 0.52, "torso": 0.36, "shoulder": 0.108, "hip": 0.064, "arm": 0.36, "hand": 0.74, "foot": 0.72, "thickness": 0.74, "head": 1.08, "neck": 0.058, "waist": 1.02},
        "boy": {"leg": 0.55, "torso": 0.38, "shoulder": 0.118, "hip": 0.066, "arm": 0.38, "hand": 0.76, "foot": 0.78, "thickness": 0.78, "head": 1.08, "neck": 0.058, "waist": 1.04},
        "heavy_man": {"leg": 0.78, "torso": 0.54, "shoulder": 0.182, "hip": 0.096, "arm": 0.53, "thickness": 1.30, "waist": 1.18, "belly": 0.75, "hips": 1.05, "head": 1.14, "neck": 0.070, "hand": 1.05},
        "heavy_woman": {"leg": 0.74, "torso": 0.49, "shoulder": 0.156, "hip": 0.098, "arm": 0.49, "thickness": 1.22, "waist": 1.10, "belly": 0.45, "hips": 1.22, "bust": 0.9, "head": 1.12, "neck": 0.075, "hand": 0.95, "foot": 0.95},
        "tall": {"leg": 1.00, "torso": 0.53, "shoulder": 0.160, "hip": 0.080, "arm": 0.64, "thickness": 0.84, "waist": 0.92, "head": 1.08, "neck": 0.11, "hand": 1.06},
        "chibi": {"leg": 0.34, "torso": 0.30, "shoulder": 0.105, "hip": 0.062, "arm": 0.30, "hand": 0.80, "foot": 0.84, "thickness": 0.84, "head": 1.55, "neck": 0.035, "waist": 1.05, "hips": 1.0},
        "heroic": {"leg": 0.90, "torso": 0.55, "shoulder": 0.205, "hip": 0.086, "arm": 0.59, "thickness": 1.18, "waist": 0.92, "chest": 1.15, "hips": 0.92, "head": 1.10, "neck": 0.085, "hand": 1.08, "foot": 1.05},
        "giant": {"leg": 1.42, "torso": 0.88, "shoulder": 0.31, "hip": 0.145, "arm": 1.00, "hand": 1.72, "foot": 1.62, "thickness": 1.62, "waist": 0.98, "chest": 1.1, "head": 1.36, "neck": 0.12},
        "elder": {"leg": 0.74, "torso": 0.48, "shoulder": 0.152, "hip": 0.084, "arm": 0.51, "thickness": 0.94, "waist": 1.08, "belly": 0.3, "head": 1.13, "neck": 0.070},
    }  # fmt: skip
    values = {name: vary(value, 0.035 if name in ("head", "neck", "hand", "foot") else 0.045) for name, value in base[build].items()}
    if feminine and build in ("tall", "elder", "giant"):
        values.update(shoulder=values["shoulder"] * 0.92, bust=0.5, hips=1.1)
    return BodyShape(**values)


def _face(build: str, feminine: bool, style: str, rng: np.random.Generator) -> FaceShape:
    young = build in ("girl", "boy", "chibi")
    big = (1.14 if style == "toon" else 1.0) * (1.34 if build == "chibi" else 1.14 if young else 1.0) * (1.04 if feminine else 1.0)
    u = lambda a, b: float(rng.uniform(a, b))  # noqa: E731
    return FaceShape(
        eye_width=0.0162 * big * u(0.95, 1.06), eye_height=big**1.6 * u(0.9, 1.08), eye_gap=0.0322 * (1 + 0.35 * (big - 1)) * u(0.98, 1.03), eye_tilt=0.08,
        nose=u(0.75, 1.1) * (0.55 if build == "chibi" else 0.68 if young else 0.86 if feminine else 1.0), nose_width=u(0.9, 1.12) * (0.85 if young else 0.92 if feminine else 1.05),
        mouth_width=0.0240 * u(0.92, 1.12) * (0.78 if build == "chibi" else 0.9 if young else 1.0), lips=u(0.75, 1.05) * (1.15 if feminine else 0.9),
        jaw=u(0.93, 1.03) * (0.95 if feminine or young else 1.05), chin=u(0.7, 1.1) * (0.75 if young else 1.0), cheek=u(0.7, 1.3), width=u(0.96, 1.05) * (1.05 if young else 1.0) * (1.05 if "heavy" in build else 1.0),
        brow_height=u(-0.001, 0.0025) + 0.010 * (big - 1), iris=1.12 if style == "toon" or young else 1.0,
    )  # fmt: skip


def _palette(build: str, feminine: bool, rng: np.random.Generator) -> tuple[Palette, dict[str, str]]:
    skin = np.clip(np.array(_SKIN[int(rng.integers(len(_SKIN)))]) + rng.normal(0, 0.02), 0.1, 1)
    odds = np.array([3, 3, 2, 2, 1.2, 0.4, 0.3, 0.35, 0.35, 0.25])
    if build == "elder":
        odds = np.array([0.3, 0.3, 0.2, 0.2, 0, 4, 4, 0.1, 0.1, 0])
    elif skin[0] < 0.65:
        odds = np.array([6, 3, 1, 0.2, 0.1, 0.3, 0.3, 0.3, 0.3, 0.2])
    hair_name, hair = _HAIR[int(rng.choice(len(_HAIR), p=odds / odds.sum()))]
    words = {"hair": hair_name}
    fabrics = {name: _fabric(name, words, rng) for name in ("top", "bottom", "skirt", "coat", "shoe")}
    lips = skin * ([0.84, 0.56, 0.55] if not feminine else [0.86, 0.50, 0.51])
    makeup = float(feminine and build not in ("girl", "chibi") and rng.random() < 0.5) * rng.uniform(0.3, 1.0)
    lips = lips + (np.array([0.72, 0.16, 0.22]) - lips) * 0.55 * makeup
    as_rgb = lambda v: tuple(float(c) for c in np.clip(v, 0, 1))  # noqa: E731
    beard = 0.0 if feminine or build in ("boy", "girl", "chibi") else float(rng.choice([0.0, 0.22, 0.75, 0.9], p=[0.55, 0.2, 0.1, 0.15]))
    return Palette(
        skin=as_rgb(skin), lips=as_rgb(lips), hair=as_rgb(hair), brow=as_rgb(np.array(hair) * 0.75 * (skin.mean() / 0.7) ** 0.5), iris=_IRIS[int(rng.integers(len(_IRIS)))],
        accessory=colorsys.hls_to_rgb(float(rng.random()), float(rng.uniform(0.1, 0.85)), float(rng.uniform(0.0, 0.7))),
        blush=float(rng.uniform(0.2, 0.9)), beard=beard, makeup=float(makeup), freckles=float(rng.random() < 0.12), **fabrics,
    ), words  # fmt: skip


def _fabric(name: str, words: dict[str, str], rng: np.random.Generator) -> Fabric:
    def colour() -> tuple[str, tuple[float, float, float]]:
        if rng.random() < 0.30:
            value = float(rng.choice([0.10, 0.30, 0.62, 0.93]))
            return {0.10: "black", 0.30: "dark grey", 0.62: "grey", 0.93: "white"}[value], tuple(float(v) for v in np.clip(value + rng.normal(0, 0.012, 3), 0, 1))
        word, hue = _NAMED[int(rng.integers(len(_NAMED)))]
        light = rng.uniform(0.28, 0.72)
        word = ("dark " if light < 0.38 else "light " if light > 0.62 else "") + word
        return word, colorsys.hls_to_rgb((hue + rng.normal() * 0.015) % 1, light, rng.uniform(0.15, 0.80))

    word, first = colour()
    _, second = colour()
    pick = int(rng.integers(1 << 16))
    if name == "bottom" and rng.random() < 0.4:
        words[name] = "jeans"
        deep, pale = _JEANS[pick % len(_JEANS)]
        return Fabric(deep, pale, "denim", 0.05, details="jeans", seed=pick)
    odds = _PATTERN_ODDS[name]
    pattern = str(rng.choice(list(odds), p=np.array(list(odds.values())) / sum(odds.values())))
    words[name] = f"{word} {_PATTERN_WORDS.get(pattern, '')}".strip()
    sewn = {"top": ["", "", "shirt", "zip", "lanyard", "shirt" if pattern in ("plaid", "checks", "pinstripe") else ""], "bottom": ["", "jeans", "track"]}.get(name, [""])
    return Fabric(first, second, pattern, float(rng.uniform(0.030, 0.075)), str(rng.choice(EMBLEMS, p=[0.13, 0.13, 0.12, 0.12, 0.5])), sewn[pick % len(sewn)], pick)


def _outfit(build: str, feminine: bool, words: dict[str, str], rng: np.random.Generator) -> tuple[Outfit, str]:
    sleeve = float(rng.choice([0.0, 0.30, 0.40, 0.62, 0.97], p=[0.12, 0.28, 0.18, 0.07, 0.35]))
    skirt = float(rng.uniform(0.15, 0.95)) if feminine and rng.random() < 0.42 else 0.0
    dress = skirt > 0 and rng.random() < 0.55
    coat = float(rng.uniform(0.1, 0.9)) if rng.random() < 0.14 else 0.0
    leg = float(rng.choice([0.30, 0.42, 0.80, 0.97], p=[0.14, 0.14, 0.10, 0.62]))
    outfit = Outfit(
        sleeve=0.97 if coat > 0 and sleeve > 0.4 else sleeve, leg=leg, skirt=skirt, dress=dress, coat=coat, loose=float(rng.choice([0.35, 0.6, 1.0, 1.3], p=[0.3, 0.25, 0.3, 0.15])),
        leg_loose=float(rng.choice([0.1, 0.4, 0.8, 1.2], p=[0.25, 0.35, 0.25, 0.15])),
        flare=float(rng.choice([0.0, 0.1, 0.4, 0.9], p=[0.45, 0.2, 0.2, 0.15])), shoe=str(rng.choice(["sneaker", "sneaker", "boot"])),
    )  # fmt: skip
    top = "sleeveless top" if sleeve == 0 else "T-shirt" if sleeve < 0.5 else "shirt" if sleeve < 0.9 else "sweater"
    if dress:
        text = f"a {words['skirt']} dress"
    elif skirt > 0:
        text = f"a {words['top']} {top} and a {words['skirt']} skirt"
    else:
        low = "shorts" if leg < 0.5 else "trousers"
        text = f"a {words['top']} {top} and " + ("jeans" if words["bottom"] == "jeans" and leg > 0.5 else f"{words['bottom']} {low}")
    return outfit, text + (f" under a {words['coat']} coat" if coat > 0 else "")


def _hair(build: str, feminine: bool, rng: np.random.Generator) -> str:
    if feminine:
        odds = {"bob": 2.2, "long": 2.8, "bun": 1.6, "ponytail": 1.8, "curly": 0.8, "afro": 0.5, "short": 0.7, "pigtails": 1.6 if build in ("girl", "chibi") else 0.2}
    else:
        odds = {"none": 0.5, "buzz": 1.0, "short": 2.6, "side_part": 2.6, "curly": 1.2, "spiky": 1.3, "afro": 0.5, "bob": 0.3, "ponytail": 0.25}
    if build == "elder" and not feminine:
        odds["none"] = 2.5
    names = [n for n in HAIR_STYLES if n in odds]
    weights = np.array([odds[n] for n in names])
    return str(rng.choice(names, p=weights / weights.sum()))
