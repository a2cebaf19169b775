"""Five-fingered hands: one blended mesh per side with a short wrist, and the 21 points it carries.

Not here: finger poses (motions.py, pose.py). Called by character.py.
"""

from __future__ import annotations

import numpy as np

from .implicit import DistanceGrid, Ellipsoid, Tube
from .skeleton import BONE, BONES, FINGER_BONES, BodyShape, hand_frame, hand_joints
from .surface import LEFT_ARM, RIGHT_ARM, Surface

_RADIUS = np.array([[0.0150, 0.0110, 0.0100, 0.0080], [0.0098, 0.0086, 0.0078, 0.0066], [0.0100, 0.0088, 0.0080, 0.0068], [0.0096, 0.0083, 0.0075, 0.0064], [0.0086, 0.0074, 0.0066, 0.0056]])


def hand_surface(shape: BodyShape, joints: np.ndarray, side: int, wrist_radius: float, step: float, mitten: bool = False) -> Surface:
    """The skin of one hand (0 left, 1 right) with a stub of forearm hidden in the arm; wrist_radius and step in metres.

    mitten: stuffed, of fur, the fingers melted into one another (paint 1 on the palm, 0 elsewhere).
    """
    points = hand_joints(shape)[side]
    frame, size = hand_frame(side), shape.hand
    stuffing = 0.011 * size if mitten else 0.0
    fingers = _finger_tubes(points, side, size, stuffing)
    grid = DistanceGrid(points.min(0) - 0.05 * size - stuffing, points.max(0) + 0.035 * size + stuffing, step)
    place = lambda along, thumb, palm: frame @ np.array([along, thumb, palm]) * size  # noqa: E731
    axes = frame
    grid.add(Ellipsoid(place(0.052, -0.004, -0.001), tuple(np.array([0.050, 0.041, 0.0135]) * size + stuffing), 0, axes), 0.0)
    grid.add(Ellipsoid(place(0.030, -0.003, 0.0), tuple(np.array([0.034, 0.033, 0.0165]) * size), 0, axes), 0.012 * size)
    grid.add(Tube(place(-0.045, 0, 0), place(0.018, 0, 0), (wrist_radius * 0.93, wrist_radius * 0.98, 0.0205 * size), 0, 1.25, tuple(frame[:, 1])), 0.016 * size)
    grid.add(Ellipsoid(place(0.034, 0.021, 0.008), tuple(np.array([0.027, 0.017, 0.015]) * size), 0, axes), 0.012 * size)
    grid.add(Ellipsoid(place(0.038, -0.024, 0.007), tuple(np.array([0.032, 0.014, 0.013]) * size), 0, axes), 0.010 * size)
    for finger, chain in enumerate(fingers):
        for k, tube in enumerate(chain):
            grid.add(tube, 0.020 * size if mitten else (0.012 if finger == 0 else 0.007) * size if k == 0 else 0.003 * size)
    vertices, triangles = grid.mesh()
    weights = _hand_weights(vertices, fingers, side, size)
    wrist = joints[BONE["left_hand" if side == 0 else "right_hand"]]
    back = -(vertices @ frame[:, 0])
    share = np.clip(back / (0.03 * size) + 0.35, 0, 1)[:, None]  # the stub turns with the forearm
    twist = np.zeros(len(BONES), np.float32)
    twist[BONE["left_forearm_twist" if side == 0 else "right_forearm_twist"]] = 1.0
    weights = weights * (1 - share) + twist * share
    palm = np.clip(vertices @ frame[:, 2] / (0.01 * size) - 1.6, 0, 1) * (vertices @ frame[:, 0] > 0.015 * size)
    paint = np.column_stack([vertices + wrist, palm if mitten else np.zeros(len(vertices))])
    return Surface.build(vertices + wrist, triangles, weights, "fur" if mitten else "skin", LEFT_ARM if side == 0 else RIGHT_ARM, paint)


def _finger_tubes(points: np.ndarray, side: int, size: float, stuffing: float) -> list[list[Tube]]:
    fingers = []
    for finger in range(5):
        chain, radius = points[1 + 4 * finger : 5 + 4 * finger], _RADIUS[finger] * size + stuffing
        fingers.append(
            [Tube(chain[k], chain[k + 1], (radius[k], 0.5 * (radius[k] + radius[k + 1]) * 0.98, radius[k + 1]), int(FINGER_BONES[side, finger, k])) for k in range(3)]
        )
    return fingers


def _hand_weights(vertices: np.ndarray, fingers: list[list[Tube]], side: int, size: float) -> np.ndarray:
    x, y, z = vertices.T
    hand = BONE["left_hand" if side == 0 else "right_hand"]
    weights = np.zeros((len(vertices), len(BONES)), np.float32)
    table = np.stack([np.min([tube.distance(x, y, z) for tube in chain], axis=0) for chain in fingers])
    nearest = np.argmin(table, axis=0)
    for finger, chain in enumerate(fingers):
        mine = nearest == finger
        along = chain[0].along(x, y, z)
        length = float(np.linalg.norm(chain[0].end - chain[0].start))
        blend = 0.011 * size if finger == 0 else 0.008 * size
        share = np.clip(along * length / blend * 0.5 + 0.5, 0, 1)  # crossing the root joint
        close = np.clip(1.6 - table[finger] / (0.010 * size), 0, 1) if finger == 0 else 1.0
        share = share * share * (3 - 2 * share) * close * mine
        previous = share
        for k in (1, 2):
            tube = chain[k]
            size_k = float(np.linalg.norm(tube.end - tube.start))
            step = np.clip(tube.along(x, y, z) * size_k / (0.007 * size) * 0.5 + 0.5, 0, 1) * mine
            step = step * step * (3 - 2 * step)
            weights[:, chain[k - 1].bone] += previous * (1 - step)
            previous = previous * step
        weights[:, chain[2].bone] += previous
    weights[:, hand] += 1.0 - weights.sum(1)
    return weights
