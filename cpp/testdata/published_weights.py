#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes weights of published families of networks as safetensors, under the names that torchvision,
timm and Hugging Face's transformers give them, with what PyTorch makes of them in float64, into the
folder that is named. Parameters are random. Needs python3-torchvision; the other two are not needed:
timm's networks are torchvision's under other names, and vision transformer and BERT are written here.

Of each network: NAME.safetensors, NAME.in and NAME.out with little-endian float32, two examples."""

import json
import pathlib
import re
import struct
import sys

import torch
import torchvision
from torch import nn

SIDE = 64


def randomize(model):
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            layer.weight.data.uniform_(0.5, 1.5)
            layer.bias.data.normal_(0, 0.1)
        elif isinstance(layer, nn.LayerNorm):
            layer.weight.data.uniform_(0.5, 1.5)
            layer.bias.data.normal_(0, 0.1)
    return model.eval()


def floats(tensor):
    return tensor.detach().float().numpy().astype("<f4").tobytes()


def save(folder, name, state, inputs, outputs):
    """Sorted by name, as safetensors.torch writes floats; counts of batches are int64."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for key in sorted(state):
        tensor = state[key]
        kind, raw = "F32", floats(tensor)
        if not tensor.is_floating_point():
            kind, raw = "I64", struct.pack(f"<{tensor.numel()}q", *tensor.flatten().tolist())
        header[key] = {"dtype": kind, "shape": list(tensor.shape),
                       "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    folder.joinpath(name + ".safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    folder.joinpath(name + ".in").write_bytes(floats(inputs))
    folder.joinpath(name + ".out").write_bytes(floats(outputs))


def renamed(state, rules):
    """By the first rule that matches as a whole; names by which two would be one are an error."""
    result = {}
    for name, tensor in state.items():
        for pattern, replacement in rules:
            match = re.fullmatch(pattern, name)
            if match:
                name = match.expand(replacement) if isinstance(replacement, str) \
                    else replacement(match)
                break
        assert name not in result, name
        result[name] = tensor
    return result


def timm_names(state, stages, last):
    """Of torchvision's MobileNets: `stages` are the numbers of blocks in a row, `last` the name of
    the last convolution and its batch norm."""
    place = {}
    for stage, blocks in enumerate(stages):
        for block in range(blocks):
            place[str(len(place) + 1)] = f"blocks.{stage}.{block}."

    def parts(prefix):
        """Modules of a block by their number in torchvision's: pairs, squeezes, bare ones."""
        inner = re.escape(prefix) + r"(\d+)\.(.*)"
        return [re.fullmatch(inner, name).groups() for name in state if re.fullmatch(inner, name)]

    result = {}
    for name, tensor in state.items():
        match = re.fullmatch(r"features\.(\d+)\.(.*)", name)
        if not match:
            result[name.replace("classifier.0.", "conv_head.").replace(
                "classifier.3.", "classifier.").replace("classifier.1.", "classifier.")] = tensor
            if name == "classifier.0.weight":
                result["conv_head.weight"] = tensor[:, :, None, None]
            continue
        index, rest = match.groups()
        if index == "0":
            result[rest.replace("0.", "conv_stem.", 1) if rest[0] == "0" else "bn1" + rest[1:]] = tensor
            continue
        if index not in place:
            conv, norm = last
            result[(conv if rest[0] == "0" else norm) + rest[1:]] = tensor
            continue
        block, kind = re.fullmatch(r"(block|conv)\.(.*)", rest).group(2), rest.split(".")[0]
        prefix = f"features.{index}.{kind}."
        numbers = sorted({int(number) for number, _ in parts(prefix)})
        number, inner = block.split(".", 1)
        role = numbers.index(int(number))
        if kind == "conv":  # MobileNetV2: pairs, then a bare convolution and its norm
            pairs = numbers[:-2]
            if int(number) in pairs:
                unit, part = role, inner.split(".")[0]
                inner = inner.split(".", 1)[1]
            else:
                unit, part = len(pairs), "01"[int(number) - numbers[-2]]
            units = len(pairs) + 1
        elif inner.startswith("fc"):
            squeeze = {"1": "conv_reduce", "2": "conv_expand"}[inner[2]]
            result[f"{place[index]}se.{squeeze}{inner[3:]}"] = tensor
            continue
        else:
            squeezes = {int(number) for number, of in parts(prefix) if of.startswith("fc")}
            convs = [n for n in numbers if n not in squeezes]
            unit, units = convs.index(int(number)), len(convs)
            part, inner = inner.split(".", 1)
        names = ["conv_pw", "conv_dw", "conv_pwl"] if units == 3 else ["conv_dw", "conv_pw"]
        layer = names[unit] if part == "0" else f"bn{unit + 1}"
        key = f"{place[index]}{layer}.{inner}"
        assert key not in result, key
        result[key] = tensor
    return result


def pooled(model, x):
    return model.features(x).mean((2, 3))


def hidden(model, x):
    return model.classifier[1](model.classifier[0](pooled(model, x)))


def resnet_features(model, x):
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    return model.layer4(model.layer3(model.layer2(model.layer1(x)))).mean((2, 3))


class Attention(nn.Module):
    """Hugging Face's and timm's, by the names of its parts."""

    def forward(self, x, query, key, value, heads, lengths=None):
        batch, length, width = x.shape
        split = lambda y: y.reshape(batch, length, heads, width // heads).transpose(1, 2)
        scores = split(query) @ split(key).transpose(2, 3) / (width // heads) ** 0.5
        if lengths is not None:
            padding = torch.arange(length)[None, :] >= lengths[:, None]
            scores = scores.masked_fill(padding[:, None, None, :], -torch.inf)
        return (scores.softmax(-1) @ split(value)).transpose(1, 2).reshape(batch, length, width)


class VisionTransformer(nn.Module):
    def __init__(self, width=32, heads=4, patch=16, blocks=3):
        super().__init__()
        self.heads, self.width = heads, width
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, (SIDE // patch) ** 2 + 1, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch)})
        self.blocks = nn.ModuleList(
            nn.ModuleDict({
                "norm1": nn.LayerNorm(width, eps=1e-6),
                "attn": nn.ModuleDict({"qkv": nn.Linear(width, 3 * width),
                                       "proj": nn.Linear(width, width)}),
                "norm2": nn.LayerNorm(width, eps=1e-6),
                "mlp": nn.ModuleDict({"fc1": nn.Linear(width, 4 * width),
                                      "fc2": nn.Linear(4 * width, width)}),
            }) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            q, k, v = block["attn"]["qkv"](block["norm1"](x)).chunk(3, -1)
            x = x + block["attn"]["proj"](Attention()(x, q, k, v, self.heads))
            x = x + block["mlp"]["fc2"](nn.functional.gelu(block["mlp"]["fc1"](block["norm2"](x))))
        return self.norm(x)


class Bert(nn.Module):
    def __init__(self, words=50, width=24, heads=3, inner=40, layers=3, positions=20):
        super().__init__()
        norm = lambda: nn.LayerNorm(width, eps=1e-12)
        dense = lambda a, b: nn.ModuleDict({"dense": nn.Linear(a, b)})
        self.heads = heads
        self.embeddings = nn.ModuleDict({
            "word_embeddings": nn.Embedding(words, width),
            "position_embeddings": nn.Embedding(positions, width),
            "token_type_embeddings": nn.Embedding(2, width), "LayerNorm": norm()})

        def layer():
            output = dense(width, width)
            output["LayerNorm"] = norm()
            last = dense(inner, width)
            last["LayerNorm"] = norm()
            attention = nn.ModuleDict({
                "self": nn.ModuleDict({part: nn.Linear(width, width)
                                       for part in ("query", "key", "value")}),
                "output": output})
            return nn.ModuleDict({"attention": attention, "intermediate": dense(width, inner),
                                  "output": last})

        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layer() for _ in range(layers))})
        self.pooler = dense(width, width)

    def forward(self, ids, types, lengths):
        of = self.embeddings
        x = of["word_embeddings"](ids) + of["token_type_embeddings"](types)
        x = of["LayerNorm"](x + of["position_embeddings"].weight[:ids.shape[1]])
        for layer in self.encoder["layer"]:
            own, output, last = layer["attention"]["self"], layer["attention"]["output"], layer["output"]
            y = Attention()(x, own["query"](x), own["key"](x), own["value"](x), self.heads, lengths)
            x = output["LayerNorm"](x + output["dense"](y))
            y = nn.functional.gelu(layer["intermediate"]["dense"](x))
            x = last["LayerNorm"](x + last["dense"](y))
        valid = (torch.arange(ids.shape[1])[None, :] < lengths[:, None]).double()[:, :, None]
        return (x * valid).sum(1) / valid.sum(1)


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(1)
    torch.set_grad_enabled(False)
    images = torch.randn(2, 3, SIDE, SIDE).double()
    small, large = [1, 2, 3, 2, 3], [1, 2, 3, 4, 2, 3]
    families = [
        ("resnet18", resnet_features, None),
        ("mobilenet_v2", pooled, ([1, 2, 3, 4, 3, 3, 1], ("conv_head", "bn2"))),
        ("mobilenet_v3_small", hidden, (small, (f"blocks.{len(small)}.0.conv",
                                                f"blocks.{len(small)}.0.bn1"))),
        ("mobilenet_v3_large", hidden, (large, (f"blocks.{len(large)}.0.conv",
                                                f"blocks.{len(large)}.0.bn1"))),
        ("efficientnet_b0", pooled, None),
    ]
    for name, features, timm in families:
        model = randomize(getattr(torchvision.models, name)(weights=None).double())
        state = model.state_dict()
        for key, tensor in state.items():  # to numbers that float32 holds
            if tensor.is_floating_point():
                tensor.copy_(tensor.float().double())
        outputs = features(model, images.float().double())
        save(folder, "torchvision_" + name, state, images, outputs)
        if timm:
            save(folder, "timm_" + name, timm_names(state, *timm), images, outputs)
        if name == "efficientnet_b0":
            flat = renamed(state, [
                (r"features\.(\d+)\.(\d+)\.block\.(.*)", r"features.\1_\2.block.\3")])
            order = sorted({key.split(".")[1] for key in flat if ".block." in key},
                           key=lambda text: [int(part) for part in text.split("_")])
            numbered = renamed(flat, [
                (r"features\.(\d+_\d+)\.(block\..*)",
                 lambda match: f"features.{order.index(match[1]) + 1}.{match[2]}"),
                (r"features\.8\.(.*)", rf"features.{len(order) + 1}.\1")])
            save(folder, "timm_" + name,
                 timm_names(numbered, [1, 2, 2, 3, 3, 4, 1], ("conv_head", "bn2")), images, outputs)
    model = randomize(VisionTransformer().float().double())
    save(folder, "timm_vit", model.state_dict(), images, model(images.float().double()))
    model = randomize(Bert().float().double())
    for tensor in model.state_dict().values():
        tensor.copy_(tensor.float().double())
    ids, types = torch.randint(0, 50, (2, 12)), torch.randint(0, 2, (2, 12))
    lengths = torch.tensor([12, 7])
    rows = torch.cat([ids, types, lengths[:, None]], 1)
    outputs = model(ids, types, lengths)
    save(folder, "bert", model.state_dict(), rows, outputs)
    save(folder, "bert_prefixed",
         {"bert." + key: tensor for key, tensor in model.state_dict().items()}, rows, outputs)


if __name__ == "__main__":
    main()
