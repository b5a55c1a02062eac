#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes backbones_golden.bin: what PyTorch makes of one image with the backbones that
java/core/src/test/java/dev/espalier/BackbonesTest.java builds.

Run with Debian's python3-torch (2.6): python3 cpp/testdata/backbones_golden.py

Modules and their names are torchvision's (0.21) where it matters: order of layers, padding,
epsilon. All is computed in float64. Parameters and the image are float32 numbers that follow from
their names and sizes (`numbers`), so that no file has to hold them. The file has 1,000 logits of
each network as little-endian float32, in the order of NETWORKS.
"""

import pathlib
import zlib

import numpy
import torch
from torch import nn

SIDE = 64


def numbers(name, count):
    """Numbers from -1 to 1, multiples of 2^-16: the upper half of a hash of place and name."""
    seed = zlib.crc32(name.encode())
    place = numpy.arange(count, dtype=numpy.uint64)
    hashed = (place * 2654435761 + seed) & 0xFFFFFFFF
    hashed ^= hashed >> numpy.uint64(15)
    hashed = (hashed * 2246822519) & 0xFFFFFFFF
    hashed ^= hashed >> numpy.uint64(13)
    hashed = (hashed * 3266489917) & 0xFFFFFFFF
    return (hashed >> numpy.uint64(15)).astype(numpy.float64) / 65536 - 1


def values(name, shape):
    """Of a parameter; weights of products keep the size of what goes through them."""
    shape = tuple(shape)
    x = numbers(name, int(numpy.prod(shape)))
    if name.endswith(".running_var"):
        x = 1 + x / 2
    elif len(shape) > 1:
        x = (x * numpy.sqrt(6 / numpy.prod(shape[1:]))).astype(numpy.float32)
    elif name.endswith(".weight"):
        x = 1 + x / 4
    else:
        x = x / 4
    return torch.from_numpy(x.astype(numpy.float32).astype(numpy.float64).reshape(shape))


class Network:
    """Layers by name, as the Java builder has them."""

    def __init__(self):
        self.parameters = 0

    def draw(self, name, *shape, is_trained=True):
        if is_trained:
            self.parameters += int(numpy.prod(shape))
        return values(name, shape)

    def conv(self, x, name, channels, kernel, stride=1, groups=1, bias=False):
        weight = self.draw(name + ".weight", channels, x.shape[1] // groups, kernel, kernel)
        shift = self.draw(name + ".bias", channels) if bias else None
        return nn.functional.conv2d(x, weight, shift, stride, kernel // 2, groups=groups)

    def norm(self, x, name, epsilon=1e-5):
        channels = x.shape[1]
        mean = self.draw(name + ".running_mean", channels, is_trained=False)
        variance = self.draw(name + ".running_var", channels, is_trained=False)
        weight = self.draw(name + ".weight", channels)
        bias = self.draw(name + ".bias", channels)
        return nn.functional.batch_norm(x, mean, variance, weight, bias, eps=epsilon)

    def dense(self, x, name, units):
        weight = self.draw(name + ".weight", units, x.shape[1])
        return x @ weight.T + self.draw(name + ".bias", units)

    def unit(self, x, name, channels, kernel, stride=1, groups=1, act=None, epsilon=1e-5):
        x = self.conv(x, name, channels, kernel, stride, groups)
        x = self.norm(x, name + ".norm", epsilon)
        return x if act is None else act(x)

    def squeeze(self, x, name, squeezed, act, gate):
        y = act(self.conv(x.mean((2, 3), keepdim=True), name + ".reduce", squeezed, 1, bias=True))
        return x * gate(self.conv(y, name + ".expand", x.shape[1], 1, bias=True))

    def head(self, x):
        return self.dense(x, "heads.kind.dense", 1000)


def efficientnet_b0(net, x):
    silu = nn.functional.silu
    stages = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3)]
    stages += [(6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]
    x = net.unit(x, "stem", 32, 3, 2, act=silu)
    for number, (expansion, kernel, first_stride, channels, blocks) in enumerate(stages, 1):
        for i in range(blocks):
            name = f"stage{number}.{i}."
            before, wide = x, x.shape[1] * expansion
            stride = first_stride if i == 0 else 1
            if expansion > 1:
                x = net.unit(x, name + "expand", wide, 1, act=silu)
            x = net.unit(x, name + "depthwise", wide, kernel, stride, wide, silu)
            x = net.squeeze(x, name + "se", before.shape[1] // 4, silu, torch.sigmoid)
            x = net.unit(x, name + "project", channels, 1)
            if stride == 1 and before.shape[1] == channels:
                x = x + before
    return net.head(net.unit(x, "last", 1280, 1, act=silu).mean((2, 3)))


def mobilenet_v3_small(net, x):
    relu, swish = nn.functional.relu, nn.functional.hardswish
    gate = nn.functional.hardsigmoid
    blocks = [(3, 16, 16, 8, relu, 2), (3, 72, 24, 0, relu, 2), (3, 88, 24, 0, relu, 1)]
    blocks += [(5, 96, 40, 24, swish, 2), (5, 240, 40, 64, swish, 1), (5, 240, 40, 64, swish, 1)]
    blocks += [(5, 120, 48, 32, swish, 1), (5, 144, 48, 40, swish, 1), (5, 288, 96, 72, swish, 2)]
    blocks += [(5, 576, 96, 144, swish, 1), (5, 576, 96, 144, swish, 1)]
    epsilon = 1e-3
    x = net.unit(x, "stem", 16, 3, 2, act=swish, epsilon=epsilon)
    for number, (kernel, wide, channels, squeezed, act, stride) in enumerate(blocks, 1):
        name = f"block{number}."
        before = x
        if wide != x.shape[1]:
            x = net.unit(x, name + "expand", wide, 1, act=act, epsilon=epsilon)
        x = net.unit(x, name + "depthwise", wide, kernel, stride, wide, act, epsilon)
        if squeezed > 0:
            x = net.squeeze(x, name + "se", squeezed, relu, gate)
        x = net.unit(x, name + "project", channels, 1, epsilon=epsilon)
        if stride == 1 and before.shape[1] == channels:
            x = x + before
    x = net.unit(x, "last", 576, 1, act=swish, epsilon=epsilon).mean((2, 3))
    return net.head(swish(net.dense(x, "hidden", 1024)))


def resnet18(net, x):
    relu = nn.functional.relu
    x = net.unit(x, "stem", 64, 7, 2, act=relu)
    x = nn.functional.max_pool2d(x, 3, 2, 1)
    for number, channels in enumerate((64, 128, 256, 512), 1):
        for i in range(2):
            name = f"layer{number}.{i}."
            before = x
            stride = 2 if number > 1 and i == 0 else 1
            x = net.unit(x, name + "conv1", channels, 3, stride, act=relu)
            x = net.unit(x, name + "conv2", channels, 3)
            if before.shape[1] != channels:
                before = net.unit(before, name + "shortcut", channels, 1, stride)
            x = relu(x + before)
    return net.head(x.mean((2, 3)))


NETWORKS = [
    (efficientnet_b0, 5_288_548),
    (mobilenet_v3_small, 2_542_856),
    (resnet18, 11_689_512),
]


def main():
    image = torch.from_numpy(numbers("image", 3 * SIDE * SIDE).reshape(1, 3, SIDE, SIDE))
    logits = []
    for function, parameters in NETWORKS:
        network = Network()
        result = function(network, image)[0]
        assert network.parameters == parameters, (function, network.parameters)
        print(function.__name__, result.std().item(), result[:3])
        logits.append(result.to(torch.float32).numpy())
    path = pathlib.Path(__file__).with_suffix(".bin")
    path.write_bytes(numpy.concatenate(logits).astype("<f4").tobytes())


if __name__ == "__main__":
    main()
