#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes transformer_golden.bin and transformer_golden.txt: outputs and gradients of PyTorch's
transformers.

Run with Debian's python3-torch (2.6): python3 cpp/testdata/transformer_golden.py

All of it is computed in float64 from parameters, inputs and targets that are float32 numbers,
with PyTorch's own layers. The files have the form of golden.bin and golden.txt. The networks
themselves are written down twice, here and in cpp/training/transformer_golden_test.cc.
"""

import torch
import torch.nn.functional as F

from golden_file import as_float32, write

BATCH = 5
LABELS = 3


class Encoder(torch.nn.Module):
    """Of tokens, as MiniLM and BERT: post-norm, padding masked, mean over the valid tokens."""

    LENGTH, WIDTH, COUNT = 7, 12, 13

    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(self.COUNT, self.WIDTH, padding_idx=0)
        self.types = torch.nn.Embedding(2, self.WIDTH)
        self.positions = torch.nn.Embedding(9, self.WIDTH)
        self.norm = torch.nn.LayerNorm(self.WIDTH)
        self.blocks = torch.nn.ModuleList(
            torch.nn.TransformerEncoderLayer(
                self.WIDTH, 3, 20, dropout=0.0, activation="gelu", batch_first=True
            )
            for _ in range(2)
        )
        self.dense = torch.nn.Linear(self.WIDTH, LABELS)

    def inputs(self, generator):
        def draw(high):
            return torch.randint(0, high, (BATCH, self.LENGTH), generator=generator)

        lengths = torch.tensor([7, 1, 4, 6, 3])
        words = draw(self.COUNT)
        words[torch.arange(self.LENGTH) >= lengths[:, None]] = 0
        return {"words": words, "types": draw(2), "lengths": lengths}

    def features(self, words, types, lengths):
        x = self.words(words) + self.types(types) + self.positions.weight[: self.LENGTH]
        x = self.norm(x)
        is_padding = torch.arange(self.LENGTH) >= lengths[:, None]
        for block in self.blocks:
            x = block(x, src_key_padding_mask=is_padding)
        return x.masked_fill(is_padding[:, :, None], 0).sum(1) / lengths[:, None]

    def paths(self):
        paths = {"words.weight": "words.weight", "types.weight": "types.weight"}
        paths["positions.weight"] = "positions.weight"
        return paths | norm_paths("norm", "norm") | block_paths(self.blocks)


class Decoder(torch.nn.Module):
    """Of vectors: pre-norm, each position sees those before it, maximum over all positions."""

    LENGTH, WIDTH = 6, 10

    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.ModuleList(
            torch.nn.TransformerEncoderLayer(
                self.WIDTH, 2, 16, dropout=0.0, activation=F.silu, batch_first=True, norm_first=True
            )
            for _ in range(2)
        )
        self.norm = torch.nn.RMSNorm(self.WIDTH, eps=1e-6)
        self.dense = torch.nn.Linear(self.WIDTH, LABELS)

    def inputs(self, generator):
        shape = (BATCH, self.LENGTH, self.WIDTH)
        return {"input": torch.randn(shape, generator=generator).double()}

    def features(self, input):
        mask = torch.nn.Transformer.generate_square_subsequent_mask(self.LENGTH).double()
        for block in self.blocks:
            input = block(input, src_mask=mask, is_causal=True)
        return self.norm(input).max(1).values

    def paths(self):
        return {"norm.weight": "norm.weight"} | block_paths(self.blocks)


def norm_paths(torchs, ours):
    return {f"{torchs}.{name}": f"{ours}.{name}" for name in ("weight", "bias")}


def block_paths(blocks):
    """Names of PyTorch's parameters to the library's."""
    paths = {}
    for i in range(len(blocks)):
        torchs, ours = f"blocks.{i}", f"block{i + 1}"
        for name in ("weight", "bias"):
            paths[f"{torchs}.self_attn.in_proj_{name}"] = f"{ours}.qkv.{name}"
            paths[f"{torchs}.self_attn.out_proj.{name}"] = f"{ours}.projection.{name}"
            paths[f"{torchs}.linear1.{name}"] = f"{ours}.hidden.{name}"
            paths[f"{torchs}.linear2.{name}"] = f"{ours}.output.{name}"
        for norm in ("norm1", "norm2"):
            paths |= norm_paths(f"{torchs}.{norm}", f"{ours}.{norm}")
    return paths


def main():
    values = {}
    for name, make, seed in (("encoder", Encoder, 1), ("decoder", Decoder, 2)):
        generator = torch.Generator().manual_seed(seed)
        network = make().double().train()
        paths = network.paths() | norm_paths("dense", "heads.answer.dense")
        for parameter in network.parameters():
            scattered = 0.4 * torch.randn(parameter.shape, generator=generator).double()
            is_scale = parameter.dim() == 1 and parameter.detach().eq(1).all()
            parameter.data = as_float32(scattered + (1.0 if is_scale else 0.0))
        inputs = {key: as_float32(x) if x.is_floating_point() else x
                  for key, x in network.inputs(generator).items()}
        targets = torch.randint(0, 2, (BATCH, LABELS), generator=generator).double()
        features = network.features(**inputs)
        logits = network.dense(features)
        loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / BATCH
        loss.backward()
        for key, x in inputs.items():
            values[f"{name}/inputs/{key}"] = x
        values[f"{name}/targets"] = targets
        values[f"{name}/features"] = features
        values[f"{name}/logits"] = logits
        values[f"{name}/loss"] = loss
        assert set(paths) == {key for key, _ in network.named_parameters()}
        for key, parameter in network.named_parameters():
            values[f"{name}/initial/{paths[key]}"] = parameter
            values[f"{name}/gradient/{paths[key]}"] = parameter.grad
    write("transformer_golden", values)


if __name__ == "__main__":
    main()
