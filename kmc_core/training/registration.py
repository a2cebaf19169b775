"""Where the alignment lies beside the truth: a short smooth flow between them, and truth moved by it.

What cannot be predicted from the inputs would be learned as a blur, so geometry is taught as a flow and the picture is
compared after registration. Source: DIS optical flow, Kroeger et al. 2016. Called by pairs.py and dataset.py.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

FLOW_LIMIT_PX, FLOW_SIGMA_PX = 8.0, 3.0


def registration_flow(aligned: Tensor, truth: Tensor) -> Tensor:
    """Flow G with truth(p) = aligned(p + G(p)): pictures [T,3,H,W] in -1..1 -> float32 [T,2,H,W] px, at most 8 px, smooth."""
    matcher = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flows = [_flow(matcher, _grey(to), _grey(of)) for to, of in zip(truth, aligned, strict=True)]
    return torch.from_numpy(np.stack(flows)).permute(0, 3, 1, 2).contiguous()


def registered(truth: Tensor, aligned: Tensor) -> Tensor:
    """Truth moved onto the alignment; both [T,3,H,W] in -1..1."""
    matcher = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    moved = []
    for to, of in zip(aligned, truth, strict=True):
        flow = _flow(matcher, _grey(to), _grey(of))
        y, x = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]].astype(np.float32)
        picture = of.permute(1, 2, 0).contiguous().numpy()
        moved.append(cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))
    return torch.from_numpy(np.stack(moved)).permute(0, 3, 1, 2).clamp(-1, 1)


def _flow(matcher: cv2.DISOpticalFlow, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where the points of `first` lie in `second`: float32 [H,W,2] px."""
    flow = np.clip(matcher.calc(first, second, None), -FLOW_LIMIT_PX, FLOW_LIMIT_PX)
    return cv2.GaussianBlur(flow, (0, 0), FLOW_SIGMA_PX)


def _grey(picture: Tensor) -> np.ndarray:
    values = ((picture.permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().contiguous().numpy().astype(np.uint8)
    return cv2.cvtColor(values, cv2.COLOR_RGB2GRAY)
