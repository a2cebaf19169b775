"""Opening a media file safely: existence, container, picture stream, one plain refusal for each way it can fail.

Not here: when frames are shown (timeline.py), pixels (decoding.py), sound (sound.py). Called by those three and by clip.py.
Playlists and scripts that make a decoder open other files are not on the list of containers, so a text file with a
video's name can never reach another file or the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from ..errors import MediaError

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,h264,hevc,m4v,dv,mxf,"
    "nut,ivf,obu,wmv,webp_pipe,yuv4mpegpipe,mjpeg,mp3,wav,flac,aac,w64,aiff"
)
EXPECTED = "a video file such as MP4, MOV, WebM, MKV, AVI or GIF"
MAX_FRAME_PIXELS = 70_000_000
"""twice 8K"""
CONVERT = "Choose another file, or save it again as MP4 (H.264)"


def reason(error: BaseException) -> str:
    """The short cause inside a decoder's error, without paths and numbers."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _refuse_bad_path(path: Path) -> None:
    if not path.exists():
        raise MediaError(
            "The clip does not exist", got=str(path), expected=EXPECTED, remedy="Check the file name, or upload the clip again"
        )
    if path.is_dir():
        raise MediaError("The clip is a folder", got=str(path), expected=EXPECTED, remedy="Choose a file inside the folder")
    if path.stat().st_size == 0:
        raise MediaError(
            "The clip is empty", got=f"{path.name}: 0 bytes", expected=EXPECTED, remedy="Upload it again: the copy was interrupted"
        )


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """An open container that is closed afterwards. Raises MediaError when the file is missing, empty or not a video."""
    _refuse_bad_path(path)
    try:
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": CONTAINERS})
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(
            "The clip cannot be read", got=f"{path.name} ({reason(error)})", expected=EXPECTED, remedy=CONVERT
        ) from error
    try:
        yield container
    finally:
        container.close()


def is_cover_art(stream: av.stream.Stream) -> bool:
    """A still picture attached to a sound file, not a moving picture."""
    return bool(int(stream.disposition) & int(av.stream.Disposition.attached_pic))


def picture_stream(container: av.container.InputContainer, name: str) -> av.video.stream.VideoStream:
    """The first moving-picture stream. Raises MediaError for sound-only files and unknown codecs."""
    streams = [stream for stream in container.streams.video if not is_cover_art(stream)]
    if not streams:
        sound = bool(container.streams.audio)
        raise MediaError(
            "The file has no moving picture",
            got=f"{name}: {'sound only' if sound else 'no video stream'}",
            expected=EXPECTED,
            remedy="Choose a clip that shows the performer",
        )
    stream = streams[0]
    if stream.codec_context is None:
        raise MediaError("The clip's codec is unknown", got=name, expected=EXPECTED, remedy=CONVERT)
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_FRAME_PIXELS:
        raise MediaError(
            "The clip's frames are too large", got=f"{name}: {width}x{height} px", expected=f"at most {MAX_FRAME_PIXELS // 10**6} million pixels",
            remedy="Save the clip again at a smaller size",
        )  # fmt: skip
    stream.thread_type = "AUTO"
    return stream
