"""Still pictures of every kind come out upright, 8-bit RGB(A); broken and oversized ones are refused before decoding."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kmc_core.errors import MediaError
from kmc_core.media.picture import picture_problems, read_picture


def corners(height: int = 40, width: int = 60) -> np.ndarray:
    """Red, green, blue and white quarters: every flip and turn shows."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (255, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 255, 0)
    picture[height // 2 :, : width // 2] = (0, 0, 255)
    picture[height // 2 :, width // 2 :] = 255
    return picture


def saved(picture: Image.Image, kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **settings)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG file that promises a size and holds no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = b"IDAT" + zlib.compress(b"")
    chunks = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, pixels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_kinds_are_exact(kind: str, tmp_path: Path) -> None:
    data = saved(Image.fromarray(corners()), kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.array_equal(read_picture(data), corners())
    path = tmp_path / "odd name ü #1.png"
    path.write_bytes(data)
    assert np.array_equal(read_picture(path), corners())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
    turns = {2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.swapaxes(0, 1)}
    turns |= {6: lambda a: np.rot90(a, 1), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: np.rot90(a, -1)}
    stored = np.ascontiguousarray(turns.get(orientation, lambda a: a)(corners()))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read_picture(saved(Image.fromarray(stored), "PNG", exif=exif)), corners())


def test_cmyk_is_not_inverted() -> None:
    back = read_picture(saved(Image.fromarray(corners()).convert("CMYK"), "JPEG", quality=98, subsampling=0))
    assert back.shape == (40, 60, 3) and np.abs(back.astype(int) - corners()).mean() < 12


def test_sixteen_bit_grey() -> None:
    ramp = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    back = read_picture(saved(Image.fromarray(ramp), "PNG"))
    assert back.shape == (40, 60, 3) and np.abs(back[..., 0] - ramp / 257.0).max() <= 0.51
    dark = read_picture(saved(Image.fromarray(np.ones((8, 8), np.uint16)), "PNG"))
    assert dark.max() == 0


def test_float_and_one_bit() -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    assert np.abs(read_picture(saved(Image.fromarray(ramp), "TIFF"))[..., 0] - ramp * 255).max() <= 0.51
    bits = Image.fromarray(((np.arange(64).reshape(8, 8) % 2) * 255).astype(np.uint8)).convert("1")
    assert read_picture(saved(bits, "PNG"))[0, :2, 0].tolist() == [0, 255]


def test_palette_with_transparency() -> None:
    picture = Image.fromarray(corners()).convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    clear = picture.getpixel((1, 1))
    back = read_picture(saved(picture, "PNG", transparency=clear))
    assert back.shape == (40, 60, 4) and back[1, 1, 3] == 0 and back[-1, -1].tolist() == [255] * 4


def test_grey_with_alpha_and_opaque_alpha() -> None:
    grey = np.dstack([np.full((8, 8), 77, np.uint8), np.tile(np.arange(8, dtype=np.uint8) * 30, (8, 1))])
    back = read_picture(saved(Image.fromarray(grey), "PNG"))
    assert back.shape == (8, 8, 4) and back[0, 3].tolist() == [77, 77, 77, 90]
    opaque = Image.fromarray(corners()).convert("RGBA")
    assert np.array_equal(read_picture(saved(opaque, "PNG")), corners())


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.fromarray(np.full((20, 30, 3), level, np.uint8)) for level in (200, 100, 0)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    back = read_picture(data)
    assert back.shape == (20, 30, 3) and abs(int(back.mean()) - 200) <= 2


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (70_000, 10), (60_000, 60_000)])
def test_a_bomb_is_refused_before_decoding(width: int, height: int) -> None:
    with pytest.raises(MediaError, match="too large"):
        read_picture(png_header(width, height))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png_header(400, 400), "damaged"),
        (png_header(400, 400)[:33], "damaged"),
        (saved(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)), "PNG")[:4000], "damaged"),
        (saved(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)), "JPEG")[:1500], "damaged"),
        (b"", "empty"),
        (b"not a picture", "not a picture"),
        (bytes(3000), "not a picture"),
    ],
    ids=["no pixels", "header only", "truncated png", "truncated jpeg", "empty", "text", "zeros"],
)
def test_broken_pictures_are_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "character.png"
    path.write_bytes(data)
    for source in (path, data) if data else (path,):
        with pytest.raises(MediaError, match=message) as refusal:
            read_picture(source)
        assert refusal.value.remedy


def test_missing_picture(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not exist"):
        read_picture(tmp_path / "nothing.png")


def test_problems_are_told_plainly() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    assert picture_problems(noise) == ()
    assert "contrast" in picture_problems(np.full((64, 64, 3), 128, np.uint8))[0]
    assert "dark" in picture_problems(noise // 6)[0]
    assert "transparent" in picture_problems(np.zeros((64, 64, 4), np.uint8))[0]


def test_real_pictures_are_read(shared_clips: Path) -> None:
    for path in sorted((shared_clips / "characters").glob("c*.*")):
        picture = read_picture(path)
        with Image.open(path) as reference:
            assert picture.shape[1::-1] == reference.size and picture.dtype == np.uint8
