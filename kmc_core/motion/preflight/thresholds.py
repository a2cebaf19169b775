"""Every limit of the preflight in one table, with where it comes from.

Sources: "hosted guides" are the published advice pages of motion-control services (one performer, no cuts, steady camera,
150 px per frame, 3 s minimum, matching framing); "retargeting" and "alignment" are this project's own constants, past
which those rooms stop following; "measured" was set on real clips so that clean clips stay free of findings.
"""

from __future__ import annotations

from typing import NamedTuple


class Threshold(NamedTuple):
    """A finding is a warning from `warning` on and severe from `severe` on. `below`: small values are the bad ones."""

    warning: float
    severe: float
    unit: str
    remedy: str
    source: str
    below: bool = False
    mend: str | None = None

    def severity(self, measured: float) -> str | None:
        """"severe", "warning" or None for a measured value."""
        worse = (lambda value, limit: value <= limit) if self.below else (lambda value, limit: value >= limit)
        if worse(measured, self.severe):
            return "severe"
        return "warning" if worse(measured, self.warning) else None


THRESHOLDS: dict[str, Threshold] = {
    "nobody": Threshold(0.06, 0.5, "share of frames", "Choose a span in which the performer is in view", "measured"),
    "people": Threshold(2, 4, "people", "Choose whom to follow in KMC Extract Holistic Pose, or crop to one person", "hosted guides"),
    "cut": Threshold(1, 4, "cuts", "Use one shot", "hosted guides", mend="longest_shot"),
    "moving_camera": Threshold(
        0.04, 0.5, "share of the long side", "Stabilise the clip, or use orientation video to follow the camera",
        "hosted guides; 4 % measured", mend="stabilise",
    ),
    "shaking_camera": Threshold(
        0.0025, 0.01, "share of the long side per frame", "Stabilise the clip", "hosted guides; measured", mend="stabilise",
    ),
    "blur": Threshold(0.45, 0.25, "of the clip's own sharpness", "Use a shorter exposure or a slower movement", "measured", True),
    "soft_picture": Threshold(
        0.055, 0.03, "edge contrast at 256 px", "Use a sharper or less compressed clip", "measured", True
    ),
    "fast": Threshold(
        150, 300, "px per frame at 720p", "Use a slower clip, or one with more frames per second", "hosted guides: 150 px per frame"
    ),
    "hidden_limb": Threshold(0.30, 0.6, "share of frames", "Choose a clip in which no limb is hidden", "hosted guides; measured"),
    "crossing_limbs": Threshold(0.30, 0.7, "share of frames", "Choose a clip in which arms and legs do not cross", "hosted guides"),
    "hand_before_face": Threshold(0.15, 0.5, "share of frames", "Keep hands away from the face", "hosted guides; measured"),
    "hands_unseen": Threshold(
        0.55, 0.15, "share of frames with the hand in view", "Show the hands slowly and open", "hosted guides; measured", True,
        "hold_hands",
    ),
    "face_unseen": Threshold(0.5, 0.1, "share of frames with the head in view", "Film the face from the front", "hosted guides", True),
    "cropped_limb": Threshold(
        0.15, 0.5, "share of frames", "Film from further away, so that the limb stays in the picture", "hosted guides"
    ),
    "back_view": Threshold(
        0.10, 2.0, "share of frames", "Add a picture of the character's back, or choose a frontal clip",
        "alignment: a view shows its own side only",
    ),
    "small_performer": Threshold(
        0.45, 0.2, "of the picture's height", "Crop the clip around the performer", "measured: hands below 8 px are not found", True
    ),
    "short": Threshold(2.95, 1.0, "s", "Use at least 3 seconds", "hosted guides: 3 s minimum", True),
    "long": Threshold(
        1.0, 3.0, "times the longest duration", "Trim the clip, or use orientation video (30 s)", "hosted guides: 30 s / 10 s"
    ),
    "low_frame_rate": Threshold(14.5, 8.0, "frames/s", "Record at 24 frames/s or more, or interpolate the clip", "measured", True),
    "back_light": Threshold(
        0.75, 0.45, "brightness of skin / glare of the background", "Light the performer from the front", "hosted guides; measured", True
    ),
    "dark": Threshold(0.20, 0.08, "bright parts of the performer", "Use a brighter clip", "hosted guides; measured", True),
    "low_contrast": Threshold(0.045, 0.02, "spread of the performer's brightness", "Use a clip with more contrast", "measured", True),
    "matte": Threshold(
        0.65, 0.35, "share of the skeleton inside the matte", "Connect a MASK of the performer", "measured", True
    ),
    "framing": Threshold(2, 3, "steps of framing", "Choose a clip and a picture of the same framing", "hosted guides"),
    "proportions": Threshold(
        1.35, 2.0, "ratio of limb to torso", "None needed for a cartoon; else choose a driver of similar build",
        "retargeting gives the character's own lengths; 1.35 measured",
    ),
    "facing": Threshold(
        50, 100, "degrees", "Use orientation image, or add a picture from that side", "retargeting: 50 degrees", mend="choose_view"
    ),
    "no_room": Threshold(
        0.10, 0.5, "share of frames", "Leave more room around the character in its picture, or lower the strength", "hosted guides"
    ),
    "rig": Threshold(0.45, 0.2, "confidence", "Look at the gallery; supply keypoints, a mask or a clearer picture", "subject gate", True),
}
"""kind -> limits; `measured` values are compared in the named unit."""

FACE_IN_VIEW_PX = 12.0
"""an outer-eye distance below this is too small for a face to be read"""
LEAST_SPAN_S = 0.25
"""shorter moments are not listed"""
MERGE_GAP_S = 0.35
"""moments nearer than this are listed as one"""
