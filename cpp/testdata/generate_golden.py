#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden.bin and golden.txt: what PyTorch makes of three small networks in 20 steps.

Run with Debian's python3-torch (2.6): python3 cpp/testdata/generate_golden.py

All of it is computed in float64 from parameters, inputs and targets that are float32
numbers, with PyTorch's own layers and optimizers. golden.bin holds float32 values, little
endian; each line of golden.txt is "name offset count", in floats. The networks themselves are
written down twice, here and in cpp/training/golden_test.cc.

Where a relu's input is within rounding of its kink, float32 and float64 may take different
sides, and Adam makes whole steps of the difference. So of all seeds the first is used with
which no activation, and no maximum of a pooling window, ever comes nearer than KINK_MARGIN.

Every column of every head is labelled somewhere in every batch: where one is not, the library
skips what PyTorch would still decay and move by momentum. Layers before a batch norm have no
bias: its gradient is zero but for rounding, which Adam would blow up to whole steps.
"""

import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F

BATCH = 12
BATCHES = 4
STEPS = 20
UNLABELLED_SHARE = 0.4
KINK_MARGIN = 3e-6

OPTIMIZERS = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.02, momentum=0.9),
    "nesterov": lambda groups: torch.optim.SGD(groups, lr=0.02, momentum=0.9, nesterov=True),
    "adam": lambda groups: torch.optim.Adam(groups, lr=5e-3),
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=5e-3),
}
# On weights alone, as the library does by default.
WEIGHT_DECAY = {"sgd": 1e-3, "nesterov": 1e-3, "adam": 0.0, "adamw": 0.05}


class NearKink(Exception):
    pass


def clear_of(kink, x):
    if (x - kink).abs().min() < KINK_MARGIN:
        raise NearKink
    return x


def relu(x):
    return F.relu(clear_of(0, x))


def relu6(x):
    return F.relu6(clear_of(6, clear_of(0, x)))


def leaky_relu(x):
    return F.leaky_relu(clear_of(0, x), 0.01)


def max_pool2d(x):
    windows = F.unfold(x.flatten(0, 1).unsqueeze(1), 2, stride=2)
    best = windows.topk(2, dim=1).values
    gaps = (best[:, 0] - best[:, 1])[best[:, 0] > 0]  # zeros of a relu pass no gradient
    clear_of(0, gaps)
    return F.max_pool2d(x, 2)


def batch_norm(p, name, x):
    return F.batch_norm(x, p[name + ".running_mean"], p[name + ".running_var"],
                        p[name + ".weight"], p[name + ".bias"], training=True)


def dense(p, name, x):
    return F.linear(x.flatten(1), p[name + ".weight"], p[name + ".bias"])


class Mlp:
    """Two heads on one layer: partly labelled labels, and classes at half the weight."""

    name = "mlp"
    input = (17,)
    shapes = {
        "dense1.weight": (33, 17), "dense1.bias": (33,),
        "dense2.weight": (20, 33), "dense2.bias": (20,),
        "heads.tags.dense.weight": (6, 20), "heads.tags.dense.bias": (6,),
        "heads.kind.dense.weight": (4, 20), "heads.kind.dense.bias": (4,),
    }
    heads = {"tags": ("labels", 6, 1.0), "kind": ("classes", 4, 0.5)}

    @staticmethod
    def forward(p, x):
        x = relu(dense(p, "dense1", x))
        x = torch.tanh(dense(p, "dense2", x))
        return {"tags": dense(p, "heads.tags.dense", x), "kind": dense(p, "heads.kind.dense", x)}


class Cnn:
    """Normalized input, convolution, batch norm, pooling, a dense layer in the head."""

    name = "cnn"
    input = (2, 11, 9)
    shapes = {
        "conv1.weight": (8, 2, 3, 3),
        "norm1.weight": (8,), "norm1.bias": (8,),
        "norm1.running_mean": (8,), "norm1.running_var": (8,),
        "conv2.weight": (12, 8, 3, 3), "conv2.bias": (12,),
        "heads.kind.hidden.weight": (24, 72), "heads.kind.hidden.bias": (24,),
        "heads.kind.dense.weight": (7, 24), "heads.kind.dense.bias": (7,),
    }
    heads = {"kind": ("classes", 7, 1.0)}

    @staticmethod
    def forward(p, x):
        mean = torch.tensor([0.25, -0.5], dtype=torch.float64).reshape(1, 2, 1, 1)
        std = torch.tensor([0.5, 2.0], dtype=torch.float64).reshape(1, 2, 1, 1)
        x = F.conv2d((x - mean) / std, p["conv1.weight"], padding=1)
        x = max_pool2d(relu(batch_norm(p, "norm1", x)))
        x = relu(F.conv2d(x, p["conv2.weight"], p["conv2.bias"]))
        x = relu(dense(p, "heads.kind.hidden", x))
        return {"kind": dense(p, "heads.kind.dense", x)}


class Residual:
    """A depthwise separable block with a shortcut, a strided convolution, global average
    pooling, and two heads: labels and values, both partly labelled."""

    name = "residual"
    input = (3, 8, 7)
    shapes = {
        "stem.weight": (8, 3, 3, 3),
        "depthwise.weight": (8, 1, 3, 3),
        "pointwise.weight": (8, 8, 1, 1),
        "down.weight": (16, 8, 3, 3),
        **{f"{norm}.{name}": (n,)
           for norm, n in (("stem_norm", 8), ("depthwise_norm", 8), ("pointwise_norm", 8),
                           ("down_norm", 16))
           for name in ("weight", "bias", "running_mean", "running_var")},
        "heads.signs.dense.weight": (5, 16), "heads.signs.dense.bias": (5,),
        "heads.sizes.dense.weight": (3, 16), "heads.sizes.dense.bias": (3,),
    }
    heads = {"signs": ("labels", 5, 1.0), "sizes": ("values", 3, 0.25)}

    @staticmethod
    def forward(p, x):
        stem = F.silu(batch_norm(p, "stem_norm", F.conv2d(x, p["stem.weight"], padding=1)))
        x = F.conv2d(stem, p["depthwise.weight"], padding=1, groups=8)
        x = relu6(batch_norm(p, "depthwise_norm", x))
        x = batch_norm(p, "pointwise_norm", F.conv2d(x, p["pointwise.weight"]))
        x = F.gelu(stem + x)
        x = F.conv2d(x, p["down.weight"], stride=2, padding=1)
        x = leaky_relu(batch_norm(p, "down_norm", x)).mean((2, 3))
        return {"signs": dense(p, "heads.signs.dense", x),
                "sizes": dense(p, "heads.sizes.dense", x)}


def task_loss(kind, logits, target):
    """Sum over labelled entries divided by all examples of the batch."""
    if kind == "classes":
        labelled = target >= 0
        total = F.cross_entropy(logits[labelled], target[labelled].long(), reduction="sum")
    else:
        labelled = ~torch.isnan(target)
        loss = F.binary_cross_entropy_with_logits if kind == "labels" else F.mse_loss
        total = loss(logits[labelled], target[labelled], reduction="sum")
    return total / len(logits)


def initial_parameters(network, rng):
    parameters = {}
    for name, shape in network.shapes.items():
        if name.endswith("running_mean"):
            value = 0.1 * rng.standard_normal(shape)
        elif name.endswith("running_var"):
            value = rng.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            value = 0.1 * rng.standard_normal(shape) + (1.0 if "norm" in name and
                                                        name.endswith("weight") else 0.0)
        else:
            value = rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))
        parameters[name] = value.astype(np.float32)
    return parameters


def targets_of(kind, width, rng):
    if kind == "classes":
        classes = rng.integers(0, width, BATCH)
        classes[rng.uniform(size=BATCH) < UNLABELLED_SHARE / 2] = -1
        classes[0] = 0
        return classes.astype(np.float32)
    values = (rng.integers(0, 2, (BATCH, width)) if kind == "labels"
              else rng.standard_normal((BATCH, width)))
    values = values.astype(np.float32)
    hidden = rng.uniform(size=values.shape) < UNLABELLED_SHARE
    for column in range(width):
        hidden[(3 * column) % BATCH, column] = False
    values[hidden] = np.nan
    return values


def train(network, optimizer_name, initial, inputs, targets):
    tensors = {}
    groups = [{"params": [], "weight_decay": WEIGHT_DECAY[optimizer_name]},
              {"params": [], "weight_decay": 0.0}]
    for name, value in initial.items():
        tensor = torch.tensor(value, dtype=torch.float64)
        tensors[name] = tensor
        if "running" in name:
            continue
        tensor.requires_grad_()
        groups[0 if tensor.dim() > 1 else 1]["params"].append(tensor)
    optimizer = OPTIMIZERS[optimizer_name](groups)
    losses = []
    for step in range(STEPS):
        x = torch.tensor(inputs[step % BATCHES], dtype=torch.float64)
        logits = network.forward(tensors, x)
        shares = []
        for head, (kind, _, weight) in network.heads.items():
            target = torch.tensor(targets[head][step % BATCHES], dtype=torch.float64)
            shares.append(weight * task_loss(kind, logits[head], target))
        optimizer.zero_grad()
        sum(shares).backward()
        optimizer.step()
        losses.append([share.item() for share in shares])
    return tensors, np.array(losses)


def results_of(network, seed):
    """All values of a network by name; raises NearKink."""
    rng = np.random.default_rng(seed)
    initial = initial_parameters(network, rng)
    inputs = rng.standard_normal((BATCHES, BATCH) + network.input).astype(np.float32)
    targets = {head: [targets_of(kind, width, rng) for _ in range(BATCHES)]
               for head, (kind, width, _) in network.heads.items()}
    results = {f"initial/{name}": value for name, value in initial.items()}
    for batch in range(BATCHES):
        results[f"inputs/{batch}"] = inputs[batch]
        for head in network.heads:
            results[f"targets/{head}/{batch}"] = targets[head][batch]
    for optimizer in OPTIMIZERS:
        tensors, losses = train(network, optimizer, initial, inputs, targets)
        for name, tensor in tensors.items():
            results[f"{optimizer}/final/{name}"] = tensor.detach().numpy()
        results[f"{optimizer}/losses"] = losses
        print(network.name, optimizer, "loss", losses[0].sum(), "->", losses[-1].sum())
    return results


def main():
    folder = pathlib.Path(__file__).parent
    index = []
    data = bytearray()
    torch.set_num_threads(1)
    for network in (Mlp, Cnn, Residual):
        seed = 1
        while True:
            try:
                results = results_of(network, seed)
                break
            except NearKink:
                seed += 1
        print(network.name, "seed", seed)
        for name, values in results.items():
            values = np.asarray(values, dtype=np.float32).ravel()
            index.append(f"{network.name}/{name} {len(data) // 4} {len(values)}")
            data.extend(struct.pack(f"<{len(values)}f", *values))
    (folder / "golden.bin").write_bytes(data)
    (folder / "golden.txt").write_text("\n".join(index) + "\n")
    print(len(data), "bytes")


if __name__ == "__main__":
    main()
