#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes recurrent_golden.bin and recurrent_golden.txt: outputs and gradients of PyTorch's GRU and
LSTM.

Run with Debian's python3-torch (2.6): python3 cpp/testdata/recurrent_golden.py

All of it is computed in float64 from parameters, inputs and targets that are float32 numbers,
with PyTorch's own layers. The files have the form of golden.bin and golden.txt. The networks
themselves are written down twice, here and in cpp/training/recurrent_golden_test.cc.
"""

import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from golden_file import as_float32, write

BATCH = 5
LABELS = 3
LENGTH, WIDTH, HIDDEN = 6, 7, 9
KINDS = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


class OneWay(torch.nn.Module):
    """One layer, the mean of all its states."""

    LAYERS, SUFFIXES = 1, ("",)

    def __init__(self, kind):
        super().__init__()
        self.recurrent = KINDS[kind](WIDTH, HIDDEN, batch_first=True)
        self.dense = torch.nn.Linear(HIDDEN, LABELS)

    def inputs(self, generator):
        return {"input": torch.randn((BATCH, LENGTH, WIDTH), generator=generator).double()}

    def features(self, input):
        return self.recurrent(input)[0].mean(1)


class BothWays(torch.nn.Module):
    """Two bidirectional layers over examples of several lengths, the last states of the second."""

    LAYERS, SUFFIXES = 2, ("", "_reverse")

    def __init__(self, kind):
        super().__init__()
        self.recurrent = KINDS[kind](
            WIDTH, HIDDEN, num_layers=2, batch_first=True, bidirectional=True
        )
        self.dense = torch.nn.Linear(2 * HIDDEN, LABELS)

    def inputs(self, generator):
        tokens = torch.randn((BATCH, LENGTH, WIDTH), generator=generator).double()
        return {"input": tokens, "lengths": torch.tensor([4, 6, 1, 5, 2])}

    def features(self, input, lengths):
        packed = pack_padded_sequence(input, lengths, batch_first=True, enforce_sorted=False)
        state = self.recurrent(packed)[1]
        if isinstance(state, tuple):
            state = state[0]
        return torch.cat([state[-2], state[-1]], 1)


def named(network, read):
    """What `read` gives of each parameter, by the library's names: directions one above the other."""
    result = {}
    for layer in range(network.LAYERS):
        names = {"weight": "weight_ih", "recurrent_weight": "weight_hh",
                 "bias": "bias_ih", "recurrent_bias": "bias_hh"}
        for ours, torchs in names.items():
            parts = [getattr(network.recurrent, f"{torchs}_l{layer}{suffix}")
                     for suffix in network.SUFFIXES]
            result[f"layer{layer + 1}.{ours}"] = torch.cat([read(part) for part in parts])
    for name in ("weight", "bias"):
        result[f"heads.answer.dense.{name}"] = read(getattr(network.dense, name))
    return result


def main():
    values = {}
    seed = 0
    for kind in KINDS:
        for name, make in ((f"{kind}_one_way", OneWay), (f"{kind}_both_ways", BothWays)):
            seed += 1
            generator = torch.Generator().manual_seed(seed)
            network = make(kind).double().train()
            for parameter in network.parameters():
                scattered = 0.5 * torch.randn(parameter.shape, generator=generator).double()
                parameter.data = as_float32(scattered)
            inputs = {key: as_float32(x) if x.is_floating_point() else x
                      for key, x in network.inputs(generator).items()}
            targets = torch.randint(0, 2, (BATCH, LABELS), generator=generator).double()
            logits = network.dense(network.features(**inputs))
            loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / BATCH
            loss.backward()
            for key, x in inputs.items():
                values[f"{name}/inputs/{key}"] = x
            values[f"{name}/targets"] = targets
            values[f"{name}/logits"] = logits
            values[f"{name}/loss"] = loss
            for path, value in named(network, lambda parameter: parameter.detach()).items():
                values[f"{name}/initial/{path}"] = value
            for path, value in named(network, lambda parameter: parameter.grad).items():
                values[f"{name}/gradient/{path}"] = value
    write("recurrent_golden", values)


if __name__ == "__main__":
    main()
