#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes TensorFlow Lite models in float64, by the public schema's field numbers alone: into the
folder that is named first, for each file that is named after it, NAME.in with two random images
[channels, height, width] and NAME.out with all outputs, each of both images before the next one, as
little-endian float32. Needs python3-torch. Images come out channels first, too."""

import pathlib
import struct
import sys

import numpy
import torch
from torch.nn import functional

TYPES = {0: "<f4", 1: "<f2", 2: "<i4"}


class Table:
    """A table of a FlatBuffer."""

    def __init__(self, data, at):
        self.data, self.at = data, at
        self.fields = at - struct.unpack_from("<i", data, at)[0]

    def _place(self, field):
        if 4 + 2 * field >= struct.unpack_from("<H", self.data, self.fields)[0]:
            return 0
        offset = struct.unpack_from("<H", self.data, self.fields + 4 + 2 * field)[0]
        return self.at + offset if offset else 0

    def _target(self, place):
        return place + struct.unpack_from("<I", self.data, place)[0]

    def scalar(self, field, form, default=0):
        place = self._place(field)
        return struct.unpack_from(form, self.data, place)[0] if place else default

    def table(self, field):
        place = self._place(field)
        return Table(self.data, self._target(place)) if place else None

    def vector(self, field):
        """Where its elements begin, and how many they are."""
        place = self._place(field)
        if not place:
            return 0, 0
        begin = self._target(place)
        return begin + 4, struct.unpack_from("<I", self.data, begin)[0]

    def tables(self, field):
        begin, count = self.vector(field)
        return [Table(self.data, self._target(begin + 4 * i)) for i in range(count)]

    def integers(self, field):
        begin, count = self.vector(field)
        return list(struct.unpack_from(f"<{count}i", self.data, begin))


def activated(x, code):
    return {0: lambda: x, 1: x.relu, 3: lambda: x.clamp(0, 6)}[code]()


def depthwise(x, weight, bias, strides):
    """By shifts: PyTorch's own in float64 takes a product of matrices for each channel."""
    rows, columns = ((size - kernel) // stride * stride + 1
                     for size, kernel, stride in zip(x.shape[2:], weight.shape[2:], strides))
    total = bias[:, None, None]
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            window = x[:, :, i:i + rows:strides[0], j:j + columns:strides[1]]
            total = total + window * weight[:, 0, i, j, None, None]
    return total


def convolved(options, is_depthwise, x, weight, bias):
    x = x.permute(0, 3, 1, 2)
    weight = weight.permute(3, 0, 1, 2) if is_depthwise else weight.permute(0, 3, 1, 2)
    strides = [options.scalar(2, "<i"), options.scalar(1, "<i")]
    if options.scalar(0, "<b") == 0:  # "same": what is odd of the padding stands at the end
        total = [max(0, (-(-size // stride) - 1) * stride + kernel - size)
                 for size, stride, kernel in zip(x.shape[2:], strides, weight.shape[2:])]
        (top, left) = (size // 2 for size in total)
        x = functional.pad(x, (left, total[1] - left, top, total[0] - top))
    if is_depthwise:
        x = depthwise(x, weight, bias, strides)
    else:
        x = functional.conv2d(x, weight, bias, strides)
    return activated(x, options.scalar(4 if is_depthwise else 3, "<b")).permute(0, 2, 3, 1)


def run(data, batch):
    model = Table(data, struct.unpack_from("<I", data, 0)[0])
    codes = [max(code.scalar(0, "<b"), code.scalar(3, "<i")) for code in model.tables(1)]
    graph, buffers, values = model.tables(2)[0], model.tables(4), {}
    tensors = graph.tables(0)
    for i, tensor in enumerate(tensors):
        begin, count = buffers[tensor.scalar(2, "<I")].vector(0)
        if count:
            kind = numpy.dtype(TYPES[tensor.scalar(1, "<b")])
            value = numpy.frombuffer(data, kind, count // kind.itemsize, begin)
            values[i] = torch.from_numpy(value.astype("f8" if kind.kind == "f" else "i8"))
            values[i] = values[i].reshape(tensor.integers(0))
    shape = [batch] + tensors[graph.integers(1)[0]].integers(0)[1:]
    image = (torch.randn(shape) * 0.5).double()
    values[graph.integers(1)[0]] = image
    for node in graph.tables(3):
        kind, options = codes[node.scalar(0, "<I")], node.table(4)
        given = [values[i] if i >= 0 else None for i in node.integers(1)]
        to = node.integers(2)[0]
        if kind == 0:  # ADD
            result = activated(given[0] + given[1], options.scalar(0, "<b") if options else 0)
        elif kind == 2:  # CONCATENATION
            result = torch.cat(given, options.scalar(0, "<i"))
        elif kind in (3, 4):  # CONV_2D, DEPTHWISE_CONV_2D
            result = convolved(options, kind == 4, *given)
        elif kind == 6:  # DEQUANTIZE
            result = given[0]
        elif kind == 9:  # FULLY_CONNECTED
            result = activated(given[0] @ given[1].T + given[2], options.scalar(0, "<b"))
        elif kind == 14:  # LOGISTIC
            result = given[0].sigmoid()
        elif kind == 22:  # RESHAPE
            result = given[0].reshape([batch] + tensors[to].integers(0)[1:])
        elif kind == 40:  # MEAN
            result = given[0].mean(tuple(given[1].tolist()), bool(options.scalar(0, "<B")))
        else:
            raise ValueError(f"operator {kind}")
        values[to] = result
    return image, [values[i] for i in graph.integers(2)]


def floats(tensor):
    tensor = tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor
    return tensor.contiguous().numpy().astype("<f4").tobytes()


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(1)
    for name in sys.argv[2:]:
        path = pathlib.Path(name)
        image, outputs = run(path.read_bytes(), 2)
        folder.joinpath(path.stem + ".in").write_bytes(floats(image))
        folder.joinpath(path.stem + ".out").write_bytes(b"".join(floats(o) for o in outputs))


if __name__ == "__main__":
    main()
