"""The same motion seen in a mirror: left and right change places, x is reflected.

Not here: retargeting. Called by nodes, training (augmentation) and tests.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..pose.expression import EXPRESSION_NAMES
from ..pose.skeleton_layouts import BODY_OTHER_SIDE, LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG
from ..types import Canvas, CharacterMotion, Contact, HolisticMotion, PictureKeypoints

# Face Mesh-478 landmarks that are mirror images of each other; every other landmark lies on the midline.
# Source: symmetry of the mesh, found by matching five reflected faces (one-to-one, error < 6 % of an eye distance).
FACE_MIRROR_PAIRS = (
    (3, 248), (7, 249), (20, 250), (21, 251), (22, 252), (23, 253), (24, 254), (25, 255), (26, 256), (27, 257), (28, 258),
    (29, 259), (30, 260), (31, 261), (32, 262), (33, 263), (34, 264), (35, 265), (36, 266), (37, 267), (38, 268),
    (39, 269), (40, 270), (41, 271), (42, 272), (43, 273), (44, 274), (45, 275), (46, 276), (47, 277), (48, 278),
    (49, 279), (50, 280), (51, 281), (52, 282), (53, 283), (54, 284), (55, 285), (56, 286), (57, 287), (58, 288),
    (59, 289), (60, 290), (61, 291), (62, 292), (63, 293), (64, 294), (65, 295), (66, 296), (67, 297), (68, 298),
    (69, 299), (70, 300), (71, 301), (72, 302), (73, 303), (74, 304), (75, 305), (76, 306), (77, 307), (78, 308),
    (79, 309), (80, 310), (81, 311), (82, 312), (83, 313), (84, 314), (85, 315), (86, 316), (87, 317), (88, 318),
    (89, 319), (90, 320), (91, 321), (92, 322), (93, 323), (95, 324), (96, 325), (97, 326), (98, 327), (99, 328),
    (100, 329), (101, 330), (102, 331), (103, 332), (104, 333), (105, 334), (106, 335), (107, 336), (108, 337),
    (109, 338), (110, 339), (111, 340), (112, 341), (113, 342), (114, 343), (115, 344), (116, 345), (117, 346),
    (118, 347), (119, 348), (120, 349), (121, 350), (122, 351), (123, 352), (124, 353), (125, 354), (126, 355),
    (127, 356), (128, 357), (129, 358), (130, 359), (131, 360), (132, 361), (133, 362), (134, 363), (135, 364),
    (136, 365), (137, 366), (138, 367), (139, 368), (140, 369), (141, 370), (142, 371), (143, 372), (144, 373),
    (145, 374), (146, 375), (147, 376), (148, 377), (149, 378), (150, 379), (153, 380), (154, 381), (155, 382),
    (156, 383), (157, 384), (158, 385), (159, 386), (160, 387), (161, 388), (162, 389), (163, 390), (165, 391),
    (166, 392), (167, 393), (169, 394), (170, 395), (171, 396), (172, 397), (173, 398), (174, 399), (176, 400),
    (177, 401), (178, 402), (179, 403), (180, 404), (181, 405), (182, 406), (183, 407), (184, 408), (185, 409),
    (186, 410), (187, 411), (188, 412), (189, 413), (190, 414), (191, 415), (192, 416), (193, 417), (194, 418),
    (196, 419), (198, 420), (201, 421), (202, 422), (203, 423), (204, 424), (205, 425), (206, 426), (207, 427),
    (208, 428), (209, 429), (210, 430), (211, 431), (212, 432), (213, 433), (214, 434), (215, 435), (216, 436),
    (217, 437), (218, 438), (219, 439), (220, 440), (221, 441), (222, 442), (223, 443), (224, 444), (225, 445),
    (226, 446), (227, 447), (228, 448), (229, 449), (230, 450), (231, 451), (232, 452), (233, 453), (234, 454),
    (235, 455), (236, 456), (237, 457), (238, 458), (239, 459), (240, 460), (241, 461), (242, 462), (243, 463),
    (244, 464), (245, 465), (246, 466), (247, 467), (468, 473), (469, 476), (470, 475), (471, 474), (472, 477),
)  # fmt: skip


def mirror_motion(motion: HolisticMotion) -> HolisticMotion:
    """`motion` as if its clip had been flipped left to right; applying it twice gives the motion back."""
    width = motion.canvas.width
    keypoints = _mirrored_keypoints(motion, width)
    return replace(
        motion,
        **keypoints,
        expression=motion.expression[:, _expression_order()] if motion.expression.shape[1] else motion.expression,
        head_pose=motion.head_pose * np.array([-1, 1, -1], np.float32),
        root_yaw=-motion.root_yaw,
        camera=_mirrored_camera(motion.camera, width),
        matte=None if motion.matte is None else np.ascontiguousarray(motion.matte[..., ::-1]),
        character=None if motion.character is None else mirror_character(motion.character),
        source=None if motion.source is None else motion.source.flipped(),
    )


def mirror_picture_keypoints(keypoints: PictureKeypoints, canvas: Canvas) -> PictureKeypoints:
    """Keypoints of the flipped picture."""
    return replace(keypoints, **_mirrored_keypoints(keypoints, canvas.width))


def mirror_character(character: CharacterMotion) -> CharacterMotion:
    """A character's motion on the flipped canvas (its pictures must be flipped too)."""
    order = _rig_order()
    displacement = character.face_displacement
    if displacement is not None:
        displacement = displacement[:, face_mirror_order()] * np.array([-1, 1, 1], np.float32)
    return replace(
        character,
        joints=_reflected(character.joints[:, order], character.canvas.width),
        joint_confidence=character.joint_confidence[:, order],
        head_rotation=character.head_rotation * np.array([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]], np.float32),
        head_yaw=-character.head_yaw,
        eye_openness=character.eye_openness[:, ::-1].copy(),
        gaze=character.gaze[:, ::-1] * np.array([-1, 1], np.float32),
        hands=character.hands[:, ::-1] * np.array([-1, 1, 1], np.float32),
        hand_confidence=character.hand_confidence[:, ::-1].copy(),
        body_yaw=-character.body_yaw,
        camera=_mirrored_camera(character.camera, character.canvas.width),
        face_displacement=displacement,
        contacts=tuple(_other_side(contact) for contact in character.contacts),
    )


def face_mirror_order() -> np.ndarray:
    """Permutation [478] that swaps the sides of a face mesh."""
    return _order(478, FACE_MIRROR_PAIRS)


def _other_side(contact: Contact) -> Contact:
    """The contact of the other hand or foot; hands that touch each other stay listed for the left one."""
    if contact.place == "other_hand":
        return contact
    side, limb = contact.part.split("_")
    return contact._replace(part=f"{'right' if side == 'left' else 'left'}_{limb}")


def _order(count: int, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    order = np.arange(count)
    for one, other in pairs:
        order[one], order[other] = other, one
    return order


def _rig_order() -> np.ndarray:
    return _order(19, tuple(zip((*LEFT_ARM, *LEFT_LEG), (*RIGHT_ARM, *RIGHT_LEG), strict=True)))


def _expression_order() -> np.ndarray:
    """Each coefficient's place on the other side, by name: Left and Right change places."""
    swapped = [name.replace("Left", "?").replace("Right", "Left").replace("?", "Right") for name in EXPRESSION_NAMES]
    return np.array([EXPRESSION_NAMES.index(name) for name in swapped])


def _mirrored_keypoints(source: HolisticMotion | PictureKeypoints, width: int) -> dict[str, np.ndarray]:
    """The keypoint arrays both records share; works with and without a frame axis."""
    body, face = list(BODY_OTHER_SIDE), face_mirror_order()
    return {
        "body": _reflected(source.body[..., body, :], width),
        "body_confidence": source.body_confidence[..., body],
        "body_world": source.body_world[..., body, :] * np.array([-1, 1, 1], np.float32),
        "hands": _reflected(source.hands[..., ::-1, :, :], width),
        "hands_confidence": source.hands_confidence[..., ::-1].copy(),
        "face": _reflected(source.face[..., face, :], width),
    }


def _reflected(points: np.ndarray, width: int) -> np.ndarray:
    out = points.copy()
    out[..., 0] = width - out[..., 0]
    return out


def _mirrored_camera(camera: np.ndarray, width: int) -> np.ndarray:
    """flip @ camera @ flip for similarities [T,2,3]."""
    out = camera.copy()
    out[:, 0, 1], out[:, 1, 0] = -camera[:, 0, 1], -camera[:, 1, 0]
    out[:, 0, 2] = width - camera[:, 0, 2] - camera[:, 0, 0] * width
    out[:, 1, 2] = camera[:, 1, 2] + camera[:, 1, 0] * width
    return out
