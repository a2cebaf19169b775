"""Reads one still picture as everybody means it: upright, 8-bit sRGB, with its transparency.

Size is checked on the header, before a single pixel is decoded. Not here: what a character picture must be (limits.py).
"""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from ..errors import MediaError

logger = logging.getLogger(__name__)

MAX_PIXELS = 64_000_000
MAX_SIDE_PX = 65_536
MAX_BYTES = 512 << 20
SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")
EXPECTED = "a picture such as PNG, JPEG, WebP, GIF, BMP or TIFF"
DARK_LEVEL, BRIGHT_LEVEL, FLAT_DEVIATION, SOFT_DETAIL = 25, 235, 6.0, 4.0


def read_picture(source: str | Path | bytes) -> np.ndarray:
    """A picture file, or its bytes, as uint8 [H,W,3], or [H,W,4] when any pixel is transparent.

    Applies the EXIF orientation and an embedded colour profile; CMYK, palettes, grey, 16-bit and float pictures become
    8-bit RGB; of an animation the first frame. Raises MediaError for missing, empty, damaged, too large or unknown files.
    """
    name, data = _bytes_of(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data)) as picture:
                _guard_size(picture.size, name)
                picture.load()
                return _as_array(picture)
        except Image.DecompressionBombError as error:
            raise _too_large(name, "more pixels than can be opened safely") from error
        except UnidentifiedImageError as error:
            if data.startswith(SIGNATURES):
                raise _damaged(name, "its header is broken") from error
            raise MediaError(
                "This is not a picture", got=name, expected=EXPECTED, remedy="Choose another file, or save it as PNG"
            ) from error
        except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError) as error:
            raise _damaged(name, str(error)) from error


def _bytes_of(source: str | Path | bytes) -> tuple[str, bytes]:
    if isinstance(source, bytes | bytearray | memoryview):
        name, data = "picture", bytes(source)
    else:
        path = Path(source)
        name = path.name
        if not path.is_file():
            raise MediaError(
                "The picture does not exist", got=str(path), expected=EXPECTED, remedy="Check the file name, or upload it again"
            )
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(name, f"{path.stat().st_size >> 20} MB")
        data = path.read_bytes()
    if not data:
        raise MediaError("The picture is empty", got=f"{name}: 0 bytes", expected=EXPECTED, remedy="Upload it again")
    return name, data


def _guard_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS or max(size) > MAX_SIDE_PX:
        raise _too_large(name, f"{width}x{height} px")
    if min(size) < 1:
        raise MediaError("The picture has no pixels", got=f"{name}: {width}x{height} px", expected=EXPECTED, remedy="Choose another file")


def _damaged(name: str, cause: str) -> MediaError:
    return MediaError(
        "The picture is damaged", got=f"{name} ({cause})", expected="a complete file", remedy="Save or upload the picture again"
    )


def _too_large(name: str, got: str) -> MediaError:
    return MediaError(
        "The picture is too large",
        got=f"{name}: {got}",
        expected=f"at most {MAX_PIXELS // 1_000_000} million pixels and {MAX_SIDE_PX} px per side",
        remedy="Scale the picture down",
    )


def _as_array(picture: Image.Image) -> np.ndarray:
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith(("I", "F")):
        return np.repeat(_eight_bit(np.asarray(picture))[..., None], 3, axis=2)
    has_alpha = "A" in picture.getbands() or "transparency" in picture.info
    alpha = np.asarray(picture.convert("RGBA"))[..., 3] if has_alpha else None
    pixels = np.asarray(_in_srgb(picture).convert("RGBA" if has_alpha else "RGB"))[..., :3]
    if alpha is None or alpha.min() == 255:
        return np.ascontiguousarray(pixels)
    return np.dstack([pixels, alpha])


def _eight_bit(values: np.ndarray) -> np.ndarray:
    """Grey values of a 16-bit, 32-bit or float picture [H,W] -> uint8; floats are 0..1, or 0..255 when they exceed 1."""
    if np.issubdtype(values.dtype, np.integer):
        top = max(65535, int(values.max()))
    else:
        values = np.nan_to_num(values)
        top = 1.0 if values.max() <= 1.0 else max(255.0, float(values.max()))
    return np.round(np.clip(values.astype(np.float64) / top, 0.0, 1.0) * 255.0).astype(np.uint8)


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Apply the embedded colour profile, if it has a usable one for the picture's mode."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "CMYK", "RGBA"):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = "RGBA" if picture.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        logger.debug("the embedded colour profile is not usable: %s", error)
        return picture


def picture_problems(picture: np.ndarray) -> tuple[str, ...]:
    """What a user should know about a readable picture uint8 [H,W,3|4]: plain sentences, empty when it is fine."""
    problems = []
    if picture.shape[-1] == 4:
        shown = picture[..., 3] > 127
        if not shown.any():
            return ("The picture is completely transparent.",)
        if shown.mean() < 0.02:
            problems.append("Only a very small part of the picture is visible.")
    else:
        shown = np.ones(picture.shape[:2], bool)
    grey = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_RGB2GRAY)
    level, deviation = float(grey[shown].mean()), float(grey[shown].std())
    if deviation < FLAT_DEVIATION:
        problems.append("The picture has almost no contrast.")
    elif level < DARK_LEVEL:
        problems.append("The picture is very dark.")
    elif level > BRIGHT_LEVEL and picture.shape[-1] == 3 and deviation < 2 * FLAT_DEVIATION:
        problems.append("The picture is very bright.")
    if deviation >= FLAT_DEVIATION and float(cv2.Laplacian(grey, cv2.CV_32F)[shown].std()) < SOFT_DETAIL:
        problems.append("The picture is blurred.")
    return tuple(problems)
