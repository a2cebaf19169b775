"""Reads a `.tflite` file (a flatbuffer) into plain numpy: tensors, constants, operators. Nothing is executed here.

Not here: running the graph (tflite_network.py). Called by tflite_network.py.
Only what the MediaPipe models need is understood: one subgraph, float/int constants, sparse constants, custom options.
Sources: TensorFlow Lite schema v3 (schema.fbs), FlatBuffers and FlexBuffers binary formats.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import CheckpointError

_DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 6: np.bool_, 7: np.int16, 9: np.int8}
_SEGMENT_DTYPES = {1: np.int32, 2: np.uint16, 3: np.uint8}
_OPERATOR_NAMES = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 5: "DEPTH_TO_SPACE",
    6: "DEQUANTIZE", 9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 21: "RELU6",
    22: "RESHAPE", 23: "RESIZE_BILINEAR", 34: "PAD", 40: "MEAN", 41: "SUB", 45: "STRIDED_SLICE", 54: "PRELU",
    117: "HARD_SWISH", 124: "DENSIFY",
}  # fmt: skip


class Table:
    """One flatbuffer table: fields are looked up by their number in the schema."""

    def __init__(self, buffer: bytes, position: int) -> None:
        self._buffer, self._position = buffer, position
        self._fields = position - struct.unpack_from("<i", buffer, position)[0]
        self._fields_bytes = struct.unpack_from("<H", buffer, self._fields)[0]

    def _field(self, number: int) -> int:
        """Absolute position of a field's value, 0 when the field is absent."""
        slot = 4 + 2 * number
        if slot >= self._fields_bytes:
            return 0
        offset = struct.unpack_from("<H", self._buffer, self._fields + slot)[0]
        return self._position + offset if offset else 0

    def _target(self, number: int) -> int:
        """Absolute position of the table, vector or string a field points to, 0 when absent."""
        field = self._field(number)
        return field + struct.unpack_from("<I", self._buffer, field)[0] if field else 0

    def scalar(self, number: int, code: str, default: int = 0) -> int:
        """A scalar field; `code` is the struct letter (b, B, i, I, ...)."""
        field = self._field(number)
        return struct.unpack_from("<" + code, self._buffer, field)[0] if field else default

    def table(self, number: int) -> Table | None:
        """A nested table, None when absent."""
        target = self._target(number)
        return Table(self._buffer, target) if target else None

    def vector(self, number: int, dtype: type = np.int32) -> np.ndarray:
        """A vector of scalars, empty when absent."""
        target = self._target(number)
        if not target:
            return np.zeros(0, dtype)
        length = struct.unpack_from("<I", self._buffer, target)[0]
        return np.frombuffer(self._buffer, dtype, length, target + 4)

    def tables(self, number: int) -> list[Table]:
        """A vector of tables, empty when absent."""
        target = self._target(number)
        if not target:
            return []
        slots = range(target + 4, target + 4 + 4 * struct.unpack_from("<I", self._buffer, target)[0], 4)
        return [Table(self._buffer, slot + struct.unpack_from("<I", self._buffer, slot)[0]) for slot in slots]

    def text(self, number: int) -> str:
        """A string field, empty when absent."""
        return self.vector(number, np.uint8).tobytes().decode()


@dataclass(frozen=True)
class Tensor:
    """A graph edge. `data` is the constant's value in TFLite axis order, None for activations."""

    name: str
    shape: tuple[int, ...]
    data: np.ndarray | None


@dataclass(frozen=True)
class Operator:
    """A graph node: name, tensor numbers in and out, builtin options (flatbuffer table) or custom option bytes."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    custom: bytes

    def option(self, number: int, code: str = "b", default: int = 0) -> int:
        """A scalar of the builtin options table, `default` when it or the table is absent."""
        return self.options.scalar(number, code, default) if self.options else default


@dataclass(frozen=True)
class Graph:
    """A whole model: `inputs` and `outputs` are tensor numbers in file order."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_graph(path: Path) -> Graph:
    """Read one `.tflite` file. Raises CheckpointError when the file is no TFLite model."""
    buffer = path.read_bytes()
    if buffer[4:8] != b"TFL3":
        raise CheckpointError(
            "A pose network file is not a TFLite model",
            got=f"{path.name}, {len(buffer)} bytes",
            expected="a flatbuffer with identifier TFL3",
            remedy="Delete the file so that it is unpacked again",
        )
    model = Table(buffer, struct.unpack_from("<I", buffer, 0)[0])
    names = [_operator_name(code) for code in model.tables(1)]
    subgraph, buffers = model.tables(2)[0], model.tables(4)
    operators = [
        Operator(
            name=names[entry.scalar(0, "I")],
            inputs=tuple(entry.vector(1).tolist()),
            outputs=tuple(entry.vector(2).tolist()),
            options=entry.table(4),
            custom=entry.vector(5, np.uint8).tobytes(),
        )
        for entry in subgraph.tables(3)
    ]
    return Graph(
        tensors=tuple(_read_tensor(entry, buffers) for entry in subgraph.tables(0)),
        operators=tuple(operators),
        inputs=tuple(subgraph.vector(1).tolist()),
        outputs=tuple(subgraph.vector(2).tolist()),
    )


def _operator_name(code: Table) -> str:
    # the 8-bit field came first; codes above 127 live in the later 32-bit field, so the larger one is the truth
    builtin = max(code.scalar(0, "b"), code.scalar(3, "i"))
    return code.text(1) or _OPERATOR_NAMES.get(builtin, f"BUILTIN_{builtin}")


def _read_tensor(entry: Table, buffers: list[Table]) -> Tensor:
    shape = tuple(entry.vector(0).tolist())
    buffer_number = entry.scalar(2, "I")
    raw = buffers[buffer_number].vector(0, np.uint8) if buffer_number else np.zeros(0, np.uint8)
    data = None
    if len(raw):
        values = raw.view(_DTYPES[entry.scalar(1, "b")])
        sparsity = entry.table(6)
        data = values.reshape(shape) if sparsity is None else _densify(sparsity, values, shape)
    return Tensor(entry.text(3), shape, data)


def _densify(sparsity: Table, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Expand a sparse constant. Levels are traversed in `traversal_order`; a level is dense or compressed (CSR-like);
    levels beyond the rank are positions inside a block of the dimension named by `block_map`."""
    order, block_map, levels = sparsity.vector(0).tolist(), sparsity.vector(1).tolist(), sparsity.tables(2)
    rank = len(shape)
    block = np.ones(rank, int)
    for number, dimension in enumerate(block_map):
        block[dimension] = levels[rank + number].scalar(1, "i")

    def integers(level: Table, number: int) -> np.ndarray:
        stored = level.table(number + 1)
        assert stored is not None
        return stored.vector(0, _SEGMENT_DTYPES[level.scalar(number, "B")]).astype(int)

    # walk level by level: `parents` are the value slots so far, `positions` their index at every level passed
    parents, positions = np.zeros(1, int), np.zeros((1, 0), int)
    for level in levels[: len(order)]:
        if level.scalar(0, "b") == 0:
            size = level.scalar(1, "i")
            owner = np.repeat(np.arange(len(parents)), size)
            index = np.tile(np.arange(size), len(parents))
            parents = parents[owner] * size + index
        else:
            segments, indices = integers(level, 2), integers(level, 4)
            counts = segments[parents + 1] - segments[parents]
            owner = np.repeat(np.arange(len(parents)), counts)
            within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
            parents = segments[parents][owner] + within
            index = indices[parents]
        positions = np.concatenate([positions[owner], index[:, None]], 1)
    coordinate = np.zeros((len(parents), rank), int)
    for number, dimension in enumerate(order):
        if dimension < rank:
            coordinate[:, dimension] += positions[:, number] * block[dimension]
        else:
            coordinate[:, block_map[dimension - rank]] += positions[:, number]
    dense = np.zeros(shape, values.dtype)
    dense[tuple(coordinate.T)] = values[parents]
    return dense


def read_flexbuffer(data: bytes) -> object:
    """Decode a FlexBuffer as custom operators use it: maps with integers, floats, and vectors of them."""
    root_width = data[-1]
    return _flex_value(data, len(data) - 2 - root_width, root_width, data[-2])


def _flex_scalar(data: bytes, offset: int, width: int, kind: str) -> int | float:
    letters = {"u": "BHIQ", "i": "bhiq", "f": " efd"}[kind]
    return struct.unpack_from("<" + letters[width.bit_length() - 1], data, offset)[0]


def _flex_value(data: bytes, offset: int, parent_width: int, packed_type: int) -> object:
    kind, width = packed_type >> 2, 1 << (packed_type & 3)
    if kind in (1, 2, 3):  # inline int, unsigned, float
        return _flex_scalar(data, offset, parent_width, {1: "i", 2: "u", 3: "f"}[kind])
    target = offset - int(_flex_scalar(data, offset, parent_width, "u"))
    if kind in (6, 7, 8):  # the same, stored elsewhere
        return _flex_scalar(data, target, width, {6: "i", 7: "u", 8: "f"}[kind])
    length = int(_flex_scalar(data, target - width, width, "u"))
    if kind in (11, 12, 13):  # typed vectors
        return [_flex_scalar(data, target + k * width, width, {11: "i", 12: "u", 13: "f"}[kind]) for k in range(length)]
    types = data[target + length * width : target + length * (width + 1)]
    values = [_flex_value(data, target + k * width, width, types[k]) for k in range(length)]
    if kind == 10:  # untyped vector
        return values
    if kind != 9:
        raise CheckpointError("A pose network holds an unknown option", got=f"FlexBuffer type {kind}", expected="map")
    keys_field = target - 3 * width
    keys = keys_field - int(_flex_scalar(data, keys_field, width, "u"))
    key_width = int(_flex_scalar(data, target - 2 * width, width, "u"))
    names = []
    for k in range(length):
        start = keys + k * key_width
        start -= int(_flex_scalar(data, start, key_width, "u"))
        names.append(data[start : data.index(b"\0", start)].decode())
    return dict(zip(names, values, strict=True))
