#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Differentiates a model that this library exported, in float64; needs python3-torch and
python3-onnx. Of the folder that is named:

- model.onnx has one output, [batch, 1]; L is its sum by the batch, times a scale.
- rows has the inputs side by side as float32; batch has the batch and the scale as text.
- gradients/NAME is written: dL/dNAME of each float constant of more than one number, as float32.

Batch norms use the statistics of the batch, as in training. Each gradient is held to the central
differences of L along random directions, of a quarter of the constants at a time."""

import pathlib
import sys

import numpy
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

STEP = 1e-8
PARTS = 4


def windows(x, attributes, value):
    """Padded in front; what padding is not even stands at the end."""
    pads = attributes.get("pads", [0, 0, 0, 0])
    half = len(pads) // 2
    ends = [pad for axis in reversed(range(half)) for pad in (pads[axis], pads[axis + half])]
    return functional.pad(x, ends, value=value)


def depthwise(x, weight, bias, strides):
    """By shifts: PyTorch's own in float64 takes a product of matrices for each channel."""
    rows, columns = ((size - kernel) // stride * stride + 1
                     for size, kernel, stride in zip(x.shape[2:], weight.shape[2:], strides))
    total = sum(x[:, :, i:i + rows:strides[0], j:j + columns:strides[1]] * weight[:, 0, i, j, None, None]
                for i in range(weight.shape[2]) for j in range(weight.shape[3]))
    return total if bias is None else total + bias[:, None, None]


def conv(attributes, x, weight, bias=None):
    x = windows(x, attributes, 0.0)
    strides, dilations = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    if attributes.get("group", 1) == x.shape[1] == weight.shape[0] and dilations == [1, 1]:
        return depthwise(x, weight, bias, strides)
    return functional.conv2d(x, weight, bias, strides, 0, dilations, attributes.get("group", 1))


def max_pool(attributes, x):
    x = windows(x, attributes, -torch.inf)
    return functional.max_pool2d(x, attributes["kernel_shape"], attributes.get("strides", 1))


def average_pool(attributes, x):
    assert attributes.get("count_include_pad", 0) == 1 or not any(attributes.get("pads", [0]))
    x = windows(x, attributes, 0.0)
    return functional.avg_pool2d(x, attributes["kernel_shape"], attributes.get("strides", 1))


def gemm(attributes, a, b, c=0.0):
    a = a.T if attributes.get("transA", 0) else a
    b = b.T if attributes.get("transB", 0) else b
    return attributes.get("alpha", 1.0) * (a @ b) + attributes.get("beta", 1.0) * c


def reshape(_, x, shape):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())])


def slice_of(_, x, starts, ends, axes=None, steps=None):
    axes = range(len(starts)) if axes is None else axes.tolist()
    for i, axis in enumerate(axes):
        assert steps is None or steps[i] == 1
        where = range(x.shape[axis])[starts[i].item():ends[i].item()]
        x = x.narrow(axis, where.start, len(where))
    return x


def reduce_by(function):
    def reduced(attributes, x, axes=None):
        axes = attributes.get("axes", range(x.dim())) if axes is None else axes.tolist()
        return function(x, tuple(axes), bool(attributes.get("keepdims", 1)))
    return reduced


def clip(_, x, low=None, high=None):
    return x.clamp(low, high)


def hard_sigmoid(attributes, x):
    return (attributes.get("alpha", 0.2) * x + attributes.get("beta", 0.5)).clamp(0, 1)


def cast(attributes, x):
    kinds = {1: torch.float64, 11: torch.float64, 6: torch.int64, 7: torch.int64, 9: torch.bool}
    return x.to(kinds[attributes["to"]])


OPERATORS = {
    "Add": lambda _, a, b: a + b,
    "Sub": lambda _, a, b: a - b,
    "Mul": lambda _, a, b: a * b,
    "Div": lambda _, a, b: a / b,
    "Sqrt": lambda _, x: x.sqrt(),
    "Less": lambda _, a, b: a < b,
    "Greater": lambda _, a, b: a > b,
    "Max": lambda _, a, b: torch.maximum(a, b),
    "Where": lambda _, c, a, b: torch.where(c, a, b),
    "Relu": lambda _, x: x.relu(),
    "Erf": lambda _, x: x.erf(),
    "Sigmoid": lambda _, x: x.sigmoid(),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": lambda _, x: functional.hardswish(x),
    "Clip": clip,
    "Softmax": lambda attributes, x: x.softmax(attributes.get("axis", -1)),
    "Conv": conv,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "Gemm": gemm,
    "MatMul": lambda _, a, b: a @ b,
    "BatchNormalization": lambda attributes, x, weight, bias, mean, variance:
        functional.batch_norm(x, None, None, weight, bias, True, 0.0, attributes["epsilon"]),
    "LayerNormalization": lambda attributes, x, weight, bias: functional.layer_norm(
        x, x.shape[attributes["axis"]:], weight, bias, attributes["epsilon"]),
    "Gather": lambda attributes, x, index: torch.index_select(
        x, attributes.get("axis", 0), index.flatten()).unflatten(
            attributes.get("axis", 0), index.shape or (1,)),
    "ReduceMean": reduce_by(lambda x, axes, keep: x.mean(axes, keep)),
    "ReduceSum": reduce_by(lambda x, axes, keep: x.sum(axes, keep)),
    "Reshape": reshape,
    "Flatten": lambda attributes, x: x.flatten(attributes.get("axis", 1)),
    "Transpose": lambda attributes, x: x.permute(attributes["perm"]),
    "Unsqueeze": lambda _, x, axes: x.reshape(
        numpy.expand_dims(numpy.empty(x.shape), tuple(axes.tolist())).shape),
    "Squeeze": lambda _, x, axes=None: x.squeeze() if axes is None else x.squeeze(
        tuple(axes.tolist())),
    "Concat": lambda attributes, *parts: torch.cat(parts, attributes["axis"]),
    "Slice": slice_of,
    "Split": lambda attributes, x, sizes: x.split(sizes.tolist(), attributes.get("axis", 0)),
    "Shape": lambda attributes, x: torch.tensor(
        x.shape[attributes.get("start", 0):attributes.get("end", None)]),
    "Expand": lambda _, x, shape: x * torch.ones(shape.tolist(), dtype=x.dtype),
    "Range": lambda _, start, end, step: torch.arange(start.item(), end.item(), step.item()),
    "Cast": cast,
}


def run(graph, values):
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        inputs = [values[name] if name else None for name in node.input]
        results = OPERATORS[node.op_type](attributes, *inputs)
        if isinstance(results, torch.Tensor):
            results = [results]
        values.update(zip(node.output, results))
    return values[graph.output[0].name]


def check_differences(values, loss, total):
    """Of all these at once, along random directions, one each."""
    with torch.no_grad():
        directions = {}
        for name, value in values.items():
            direction = torch.randn_like(value)
            directions[name] = direction * STEP * (1 + value.norm()) / direction.norm()
        for name, direction in directions.items():
            values[name] += direction
        above = loss()
        for name, direction in directions.items():
            values[name] -= 2 * direction
        below = loss()
        for name, direction in directions.items():
            values[name] += direction
        expected = 2 * sum((values[name].grad * directions[name]).sum() for name in values)
        allowed = 1e-4 * expected.abs() + 1e-5 * total * max(d.norm() for d in directions.values())
        assert (above - below - expected).abs() <= allowed, (list(values), above - below, expected)


def main():
    folder = pathlib.Path(sys.argv[1])
    graph = onnx.load(str(folder / "model.onnx")).graph
    batch, scale = folder.joinpath("batch").read_text().split()
    batch, scale = int(batch), float(scale)
    rows = torch.from_numpy(numpy.fromfile(folder / "rows", "<f4").reshape(batch, -1)).double()
    constants, inputs, at = {}, {}, 0
    for tensor in graph.initializer:
        value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
        constants[tensor.name] = value.double() if value.is_floating_point() else value
    sizes = [[d.dim_value for d in given.type.tensor_type.shape.dim][1:] for given in graph.input]
    free = [size for size in sizes if 0 in size]
    known = sum(int(numpy.prod(size)) for size in sizes if 0 not in size)
    for given, size in zip(graph.input, sizes):
        if 0 in size:  # of a length that is free: all such inputs have the same
            size = [(rows.shape[1] - known) // len(free) if n == 0 else n for n in size]
        count = int(numpy.prod(size))
        value = rows[:, at:at + count].reshape([batch] + size)
        is_float = given.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        inputs[given.name] = value if is_float else value.long()
        at += count
    assert at == rows.shape[1], (at, rows.shape)

    def loss():
        return scale * run(graph, {**constants, **inputs}).sum() / batch

    parameters = {name: value for name, value in constants.items()
                  if value.is_floating_point() and value.numel() > 1}
    for value in parameters.values():
        value.requires_grad_(True)
    loss().backward()
    folder.joinpath("gradients").mkdir()
    torch.manual_seed(1)
    learned = {name: value for name, value in parameters.items() if value.grad is not None}
    for name, value in learned.items():
        value.grad.numpy().astype("<f4").tofile(folder / "gradients" / name.replace("/", "_"))
    total = sum(value.grad.norm() for value in learned.values())
    for part in range(PARTS):
        names = sorted(learned)[part::PARTS]
        check_differences({name: learned[name] for name in names}, loss, total)


if __name__ == "__main__":
    main()
