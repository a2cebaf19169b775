"""Runs a `.tflite` graph in plain torch: batched, pruned to the wanted outputs, movable to any device and dtype.

Not here: the file format (tflite.py), the operators' arithmetic (tflite_operators.py), what outputs mean (decoders.py).
Called by networks.py.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import CheckpointError
from . import tflite_operators as operators
from .tflite import Graph, Operator, read_flexbuffer, read_graph

_FOLDED = ("DEQUANTIZE", "DENSIFY")
_CHANNELS_FIRST = (0, 3, 1, 2)


class TfliteNetwork(nn.Module):
    """One MediaPipe graph.

    outputs: positions in the file's output list to compute, in the order wanted; None = all. Operators that only feed
    other outputs are dropped. Weights are not trainable.
    Raises CheckpointError for a file that is no TFLite model or holds an unknown operator.
    """

    def __init__(self, path: Path, outputs: Sequence[int] | None = None) -> None:
        super().__init__()
        graph = read_graph(path)
        self.input = graph.inputs[0]
        self.input_shape = graph.tensors[self.input].shape
        self.outputs = tuple(graph.outputs if outputs is None else (graph.outputs[k] for k in outputs))
        builder = _Builder(graph, path.name)
        steps = _needed(builder.steps, set(self.outputs))
        self.modules_in_order = nn.ModuleList(module for module, _, _ in steps)
        self.wiring = tuple((inputs, output, _last_used(steps, k, self.outputs)) for k, (_, inputs, output) in enumerate(steps))
        self.eval().requires_grad_(False)

    @torch.inference_mode()
    def forward(self, picture: Tensor) -> list[Tensor]:
        """picture: [B,3,H,W] float in the network's own range -> outputs in TFLite axis order, batch first."""
        values = {self.input: picture.contiguous(memory_format=torch.channels_last)}
        for module, (inputs, output, finished) in zip(self.modules_in_order, self.wiring, strict=True):
            values[output] = module(*[values[number] for number in inputs])
            for number in finished:
                del values[number]
        return [operators.to_nhwc(values[number]) for number in self.outputs]


Step = tuple[nn.Module, tuple[int, ...], int]


def _needed(steps: Sequence[Step], wanted: set[int]) -> list[Step]:
    """Dead-code elimination: only steps that lead to a wanted tensor, in order."""
    kept = []
    for step in reversed(steps):
        if step[2] in wanted:
            wanted.update(step[1])
            kept.append(step)
    return kept[::-1]


def _last_used(steps: Sequence[Step], index: int, outputs: tuple[int, ...]) -> tuple[int, ...]:
    """Tensors no later step reads, so that activations are freed early."""
    later = {number for _, inputs, _ in steps[index + 1 :] for number in inputs}
    return tuple(sorted(number for number in set(steps[index][1]) if number not in later and number not in outputs))


class _Builder:
    """Turns every operator of a graph into a module; constants become the modules' buffers."""

    def __init__(self, graph: Graph, file_name: str) -> None:
        self.shapes = [tensor.shape for tensor in graph.tensors]
        self.constants = {k: tensor.data for k, tensor in enumerate(graph.tensors) if tensor.data is not None}
        self.steps: list[Step] = []
        for operator in graph.operators:
            if operator.name in _FOLDED and operator.inputs[0] in self.constants:
                self.constants[operator.outputs[0]] = self.constants[operator.inputs[0]]
                continue
            build = _BUILDERS.get(operator.name)
            if build is None:
                raise CheckpointError(
                    "A pose network uses an operator this pack does not know",
                    got=f"{operator.name} in {file_name}",
                    expected="one of " + ", ".join(sorted(_BUILDERS)),
                    remedy="Delete the file so that the pinned one is fetched again",
                )
            inputs = tuple(number for number in operator.inputs if number >= 0 and number not in self.constants)
            self.steps.append((build(self, operator), inputs, operator.outputs[0]))

    def floats(self, number: int) -> Tensor:
        """A constant as float32, TFLite axis order."""
        return torch.from_numpy(np.ascontiguousarray(self.constants[number]).astype(np.float32))

    def integers(self, number: int) -> list:
        """A constant as (nested) Python integers."""
        return self.constants[number].tolist()

    def padding(self, operator: Operator, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int] = (1, 1)):
        """(left, right, top, bottom) of a windowed operator whose option 0 is 0 = SAME, 1 = VALID."""
        if operator.option(0) != 0:
            return (0, 0, 0, 0)
        _, height, width, _ = self.shapes[operator.inputs[0]]
        across = operators.same_padding(width, kernel[1], stride[1], dilation[1])
        return across + operators.same_padding(height, kernel[0], stride[0], dilation[0])


def _convolution(build: _Builder, operator: Operator) -> nn.Module:
    is_depthwise = operator.name == "DEPTHWISE_CONV_2D"
    # TFLite: [O,h,w,I], depthwise [1,h,w,C]; torch: [O,I,h,w], depthwise [C,1,h,w]
    weight = build.floats(operator.inputs[1]).permute((3, 0, 1, 2) if is_depthwise else _CHANNELS_FIRST)
    stride = (operator.option(2, "i", 1), operator.option(1, "i", 1))
    first = 5 if is_depthwise else 4
    dilation = (operator.option(first + 1, "i", 1), operator.option(first, "i", 1))
    return operators.Convolution(
        weight,
        build.floats(operator.inputs[2]),
        stride,
        build.padding(operator, weight.shape[2:], stride, dilation),
        dilation,
        groups=len(weight) if is_depthwise else 1,
        activation=operator.option(4 if is_depthwise else 3),
    )


def _transposed_convolution(build: _Builder, operator: Operator) -> nn.Module:
    weight = build.floats(operator.inputs[1]).permute(3, 0, 1, 2)
    _, stride_x, stride_y = struct.unpack("<3i", operator.custom)
    return operators.TransposedConvolution(weight, build.floats(operator.inputs[2]), (stride_y, stride_x))


def _arithmetic(build: _Builder, operator: Operator) -> nn.Module:
    constant = None
    for number in operator.inputs:
        if number in build.constants:
            constant = build.floats(number)
            constant = constant.permute(_CHANNELS_FIRST) if constant.dim() == 4 else constant
    return operators.Arithmetic(operator.name, constant, operator.option(0))


def _fully_connected(build: _Builder, operator: Operator) -> nn.Module:
    has_bias = len(operator.inputs) > 2 and operator.inputs[2] >= 0
    bias = build.floats(operator.inputs[2]) if has_bias else None
    return operators.FullyConnected(build.floats(operator.inputs[1]), bias, operator.option(0))


def _pool(build: _Builder, operator: Operator) -> nn.Module:
    stride = (operator.option(2, "i", 1), operator.option(1, "i", 1))
    kernel = (operator.option(4, "i", 1), operator.option(3, "i", 1))
    padding = build.padding(operator, kernel, stride)
    if operator.name == "MAX_POOL_2D":
        return operators.MaxPool(kernel, stride, padding)
    return operators.AveragePool(kernel, stride)


def _zero_pad(build: _Builder, operator: Operator) -> nn.Module:
    _, rows, columns, channels = build.integers(operator.inputs[1])
    return operators.ZeroPad((*columns, *rows, *channels))


def _strided_slice(build: _Builder, operator: Operator) -> nn.Module:
    begins, ends, steps = (build.integers(number) for number in operator.inputs[1:4])
    begin_mask, end_mask = operator.option(0, "i"), operator.option(1, "i")
    slices = tuple(
        slice(None if begin_mask >> axis & 1 else begin, None if end_mask >> axis & 1 else end, step)
        for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True))
    )
    return operators.StridedSlice(slices)


def _resize(build: _Builder, operator: Operator) -> nn.Module:
    height, width = build.integers(operator.inputs[1])
    return operators.ResizeBilinear((height, width), bool(operator.option(2)), bool(operator.option(3)))


_BUILDERS: dict[str, Callable[[_Builder, Operator], nn.Module]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "Convolution2DTransposeBias": _transposed_convolution,
    "ADD": _arithmetic,
    "MUL": _arithmetic,
    "SUB": _arithmetic,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D": _pool,
    "PAD": _zero_pad,
    "STRIDED_SLICE": _strided_slice,
    "RESIZE_BILINEAR": _resize,
    "PRELU": lambda build, operator: operators.ParametricRelu(build.floats(operator.inputs[1]).reshape(-1)),
    "CONCATENATION": lambda build, operator: operators.Concatenate(operator.option(0, "i")),
    "RESHAPE": lambda build, operator: operators.Reshape(build.shapes[operator.outputs[0]]),
    "MEAN": lambda build, operator: operators.Mean(tuple(build.integers(operator.inputs[1])), bool(operator.option(0))),
    "DEPTH_TO_SPACE": lambda build, operator: operators.DepthToSpace(operator.option(0, "i")),
    "RELU": lambda build, operator: operators.Activation(1),
    "RELU6": lambda build, operator: operators.Activation(3),
    "HARD_SWISH": lambda build, operator: operators.HardSwish(),
    "LOGISTIC": lambda build, operator: operators.Sigmoid(),
    "Landmarks2TransformMatrix": lambda build, operator: operators.LandmarksToTransform(read_flexbuffer(operator.custom)),
    "TransformTensorBilinear": lambda build, operator: operators.TransformTensor(read_flexbuffer(operator.custom)),
    "TransformLandmarks": lambda build, operator: operators.TransformLandmarks(),
}
