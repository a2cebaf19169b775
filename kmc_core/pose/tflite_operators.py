"""The operators of the MediaPipe graphs as torch modules, batched, activations [B,C,H,W] (channels last in memory).

Not here: reading files (tflite.py), wiring a graph (tflite_network.py, which builds these).
Numbers agree with TensorFlow Lite to about 1e-4 px on landmarks. Sources: TensorFlow Lite kernels; MediaPipe
`util/tflite/operations` (landmarks_to_transform_matrix, transform_tensor_bilinear, transform_landmarks, version 2).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# TFLite axis number of a 4-D tensor (N,H,W,C) -> torch axis (N,C,H,W)
AXIS_NHWC_TO_NCHW = (0, 2, 3, 1)


def to_nhwc(value: Tensor) -> Tensor:
    """[B,C,H,W] -> [B,H,W,C]; other ranks unchanged."""
    return value.permute(0, 2, 3, 1) if value.dim() == 4 else value


def to_nchw(value: Tensor) -> Tensor:
    """[B,H,W,C] -> [B,C,H,W]; other ranks unchanged."""
    return value.permute(0, 3, 1, 2) if value.dim() == 4 else value


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """TensorFlow "SAME" padding (before, after) of one axis; asymmetric for even overhang."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


class Activation(nn.Module):
    """A fused or free-standing activation, by TFLite's number: 0 none, 1 ReLU, 3 ReLU6."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, value: Tensor) -> Tensor:
        if self.number == 0:
            return value
        return F.relu(value) if self.number == 1 else F.relu6(value)

    def on_fresh(self, value: Tensor) -> Tensor:
        """The same on a tensor nobody else holds: in place, which saves a third of a large convolution's time."""
        if self.number == 0:
            return value
        return value.relu_() if self.number == 1 else value.clamp_(0, 6)


class Convolution(nn.Module):
    """Plain or depthwise convolution with TensorFlow padding and fused activation.

    weight [O,I/groups,h,w]; padding (left, right, top, bottom).
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, stride: tuple[int, int], padding: tuple[int, int, int, int],
        dilation: tuple[int, int], groups: int, activation: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.is_symmetric = padding[0] == padding[1] and padding[2] == padding[3]
        self.padding = padding
        self.activation = Activation(activation)

    def forward(self, value: Tensor) -> Tensor:
        inner = (self.padding[2], self.padding[0])
        if not self.is_symmetric:
            value, inner = F.pad(value, self.padding), (0, 0)
        convolved = F.conv2d(value, self.weight, self.bias, self.stride, inner, self.dilation, self.groups)
        return self.activation.on_fresh(convolved)


class TransposedConvolution(nn.Module):
    """MediaPipe's `Convolution2DTransposeBias`. weight [I,O,h,w]."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.stride = stride

    def forward(self, value: Tensor) -> Tensor:
        return F.conv_transpose2d(value, self.weight, self.bias, self.stride)


class Arithmetic(nn.Module):
    """ADD, MUL, SUB of two activations or of an activation and a constant, with fused activation."""

    def __init__(self, kind: str, constant: Tensor | None, activation: int) -> None:
        super().__init__()
        self.function = {"ADD": torch.add, "MUL": torch.mul, "SUB": torch.sub}[kind]
        self.register_buffer("constant", constant)
        self.activation = Activation(activation)

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        return self.activation.on_fresh(self.function(first, self.constant if second is None else second))


class ParametricRelu(nn.Module):
    """PRELU with one slope per channel."""

    def __init__(self, slope: Tensor) -> None:
        super().__init__()
        self.register_buffer("slope", slope)

    def forward(self, value: Tensor) -> Tensor:
        return F.prelu(value, self.slope)


class FullyConnected(nn.Module):
    """Dense layer over everything but the batch. weight [O,I]."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.activation = Activation(activation)

    def forward(self, value: Tensor) -> Tensor:
        flat = to_nhwc(value).reshape(len(value), -1)
        return self.activation.on_fresh(F.linear(flat, self.weight, self.bias))


class MaxPool(nn.Module):
    """Maximum pooling; padding (left, right, top, bottom) never wins."""

    def __init__(self, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def forward(self, value: Tensor) -> Tensor:
        if any(self.padding):
            value = F.pad(value, self.padding, value=torch.finfo(value.dtype).min)
        return F.max_pool2d(value, self.kernel, self.stride)


class AveragePool(nn.Module):
    """Average pooling without padding."""

    def __init__(self, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, value: Tensor) -> Tensor:
        return F.avg_pool2d(value, self.kernel, self.stride)


class ZeroPad(nn.Module):
    """PAD; padding (left, right, top, bottom, channels before, channels after)."""

    def __init__(self, padding: tuple[int, ...]) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, value: Tensor) -> Tensor:
        return F.pad(value, self.padding)


class ResizeBilinear(nn.Module):
    """RESIZE_BILINEAR in its three coordinate conventions."""

    def __init__(self, size: tuple[int, int], align_corners: bool, half_pixel_centres: bool) -> None:
        super().__init__()
        self.size, self.align_corners, self.is_legacy = size, align_corners, not (align_corners or half_pixel_centres)

    def forward(self, value: Tensor) -> Tensor:
        if not self.is_legacy:
            return F.interpolate(value, self.size, mode="bilinear", align_corners=self.align_corners)
        # TensorFlow 1: source index = target index * ratio, no half-pixel shift
        rows, next_rows, down = self._corners(self.size[0], value.shape[2], value)
        columns, next_columns, across = self._corners(self.size[1], value.shape[3], value)
        mixed = torch.lerp(value[:, :, rows], value[:, :, next_rows], down[:, None])
        return torch.lerp(mixed[..., columns], mixed[..., next_columns], across)

    @staticmethod
    def _corners(target: int, source: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        position = torch.arange(target, device=like.device) * (source / target)
        first = position.floor().long()
        return first, (first + 1).clamp(max=source - 1), (position - first).to(like.dtype)


class Concatenate(nn.Module):
    """CONCATENATION along a TFLite axis."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *values: Tensor) -> Tensor:
        axis = self.axis % values[0].dim()
        return torch.cat(values, AXIS_NHWC_TO_NCHW[axis] if values[0].dim() == 4 else axis)


class Reshape(nn.Module):
    """RESHAPE in TFLite order; the batch axis keeps its length."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, value: Tensor) -> Tensor:
        return to_nchw(to_nhwc(value).reshape(len(value), *self.shape[1:]))


class Mean(nn.Module):
    """MEAN over TFLite axes."""

    def __init__(self, axes: tuple[int, ...], keeps_axes: bool) -> None:
        super().__init__()
        self.axes, self.keeps_axes = axes, keeps_axes

    def forward(self, value: Tensor) -> Tensor:
        axes = [AXIS_NHWC_TO_NCHW[axis % 4] for axis in self.axes] if value.dim() == 4 else list(self.axes)
        return value.mean(axes, keepdim=self.keeps_axes)


class DepthToSpace(nn.Module):
    """DEPTH_TO_SPACE; channels are (row in block, column in block, channel), unlike torch's pixel_shuffle."""

    def __init__(self, block: int) -> None:
        super().__init__()
        self.block = block

    def forward(self, value: Tensor) -> Tensor:
        batch, channels, height, width = value.shape
        inner = channels // self.block**2
        split = value.reshape(batch, self.block, self.block, inner, height, width).permute(0, 3, 4, 1, 5, 2)
        return split.reshape(batch, inner, height * self.block, width * self.block)


class StridedSlice(nn.Module):
    """STRIDED_SLICE in TFLite order; the batch axis is left whole."""

    def __init__(self, slices: tuple[slice, ...]) -> None:
        super().__init__()
        self.slices = (slice(None), *slices[1:])

    def forward(self, value: Tensor) -> Tensor:
        return to_nchw(to_nhwc(value)[self.slices])


class HardSwish(nn.Module):
    """HARD_SWISH."""

    def forward(self, value: Tensor) -> Tensor:
        return F.hardswish(value)


class Sigmoid(nn.Module):
    """LOGISTIC."""

    def forward(self, value: Tensor) -> Tensor:
        return torch.sigmoid(value)


class LandmarksToTransform(nn.Module):
    """Attention mesh: the region of a facial part (eye, lips) from coarse landmarks, as a matrix [B,4,4].

    The part's points are turned upright by the line left -> right, boxed, and the box is scaled: the matrix takes output
    grid coordinates (0..output size) to feature-map coordinates.
    """

    def __init__(self, options: dict) -> None:
        super().__init__()
        self.left, self.right = options["left_rotation_idx"], options["right_rotation_idx"]
        self.subset = list(options["subset_idxs"])
        self.target_rotation = float(options["target_rotation_radians"])
        self.width, self.height = int(options["output_width"]), int(options["output_height"])
        self.scale_x, self.scale_y = float(options["scale_x"]), float(options["scale_y"])

    def forward(self, landmarks: Tensor) -> Tensor:
        points = landmarks[..., :2].reshape(len(landmarks), -1, 2)
        across = points[:, self.right] - points[:, self.left]
        rotation = self.target_rotation - torch.atan2(across[:, 1], across[:, 0])
        cosine, sine = torch.cos(rotation), torch.sin(rotation)
        x, y = points[:, self.subset].unbind(-1)
        upright_x = cosine[:, None] * x - sine[:, None] * y
        upright_y = sine[:, None] * x + cosine[:, None] * y
        (left, right), (top, bottom) = torch.aminmax(upright_x, dim=1), torch.aminmax(upright_y, dim=1)
        middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
        centre_x, centre_y = cosine * middle_x + sine * middle_y, cosine * middle_y - sine * middle_x
        step_x, step_y = self.scale_x * (right - left) / self.width, self.scale_y * (bottom - top) / self.height
        zero, one = torch.zeros_like(cosine), torch.ones_like(cosine)
        shift_x = centre_x - cosine * step_x * self.width / 2 - sine * step_y * self.height / 2
        shift_y = centre_y + sine * step_x * self.width / 2 - cosine * step_y * self.height / 2
        rows = (
            (cosine * step_x, sine * step_y, zero, shift_x),
            (-sine * step_x, cosine * step_y, zero, shift_y),
            (zero, zero, one, zero),
            (zero, zero, zero, one),
        )
        return torch.stack([torch.stack(row, 1) for row in rows], 1)


class TransformTensor(nn.Module):
    """Attention mesh: bilinear crop of a feature map by a LandmarksToTransform matrix; 0 outside."""

    def __init__(self, options: dict) -> None:
        super().__init__()
        self.width, self.height = int(options["output_width"]), int(options["output_height"])

    def forward(self, features: Tensor, matrix: Tensor) -> Tensor:
        height, width = features.shape[2:]
        rows = torch.arange(self.height, device=features.device, dtype=features.dtype) + 0.5
        columns = torch.arange(self.width, device=features.device, dtype=features.dtype) + 0.5
        grid_y, grid_x = torch.meshgrid(rows, columns, indexing="ij")
        grid = torch.stack([grid_x, grid_y, torch.ones_like(grid_x)], -1)
        x, y = (torch.einsum("bij,hwj->bhwi", matrix[:, :2][:, :, [0, 1, 3]], grid) - 0.5).unbind(-1)
        is_outside = (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)
        places = torch.stack([x / (width - 1) * 2 - 1, y / (height - 1) * 2 - 1], -1)
        return F.grid_sample(features, places, align_corners=True).masked_fill(is_outside[:, None], 0)


class TransformLandmarks(nn.Module):
    """Attention mesh: points of a part's crop back to the whole face; z is kept."""

    def forward(self, landmarks: Tensor, matrix: Tensor) -> Tensor:
        moved = torch.einsum("bij,bnj->bni", matrix[:, :2, :2], landmarks[..., :2]) + matrix[:, None, :2, 3]
        return torch.cat([moved, landmarks[..., 2:]], -1)
