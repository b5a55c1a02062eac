#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes ONNX files of torchvision's backbones, and of a vision transformer as timm has it, with
random weights and statistics, into the folder that is named; of torchvision's only those that are named
after it, if any are. Needs python3-torchvision."""

import sys
import warnings

import torch
import torchvision

SIZE = 64
NAMES = ("resnet18", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0")


class Attention(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.proj = torch.nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.qkv(x).reshape(batch, length, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width))


class Block(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = torch.nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = torch.nn.LayerNorm(width, eps=1e-6)
        self.fc1 = torch.nn.Linear(width, 4 * width)
        self.fc2 = torch.nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.fc2(torch.nn.functional.gelu(self.fc1(self.norm2(x))))


class VisionTransformer(torch.nn.Module):
    """ViT-tiny, 192 wide, in patches of 16, of fewer blocks."""

    def __init__(self, width=192, heads=3, patch=16, blocks=3):
        super().__init__()
        self.patch_embed = torch.nn.Conv2d(3, width, patch, patch)
        self.cls_token = torch.nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = torch.nn.Parameter(torch.randn(1, (SIZE // patch) ** 2 + 1, width))
        self.blocks = torch.nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm = torch.nn.LayerNorm(width, eps=1e-6)
        self.head = torch.nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


def randomize(model):
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            layer.weight.data.uniform_(0.5, 1.5)
            layer.bias.data.normal_(0, 0.1)
    return model


def write(model, path, sizes=None):
    torch.onnx.export(
        model.eval(), torch.randn(1, 3, SIZE, SIZE), path, input_names=["image"],
        output_names=["logits"], dynamic_axes={"image": {0: "batch", **(sizes or {})}, "logits": {0: "batch"}},
        opset_version=17, training=torch.onnx.TrainingMode.EVAL, do_constant_folding=False)


def main():
    warnings.filterwarnings("ignore")
    torch.manual_seed(1)
    for name in sys.argv[2:] or NAMES:
        model = getattr(torchvision.models, name)(weights=None)
        write(randomize(model), f"{sys.argv[1]}/{name}.onnx", {2: "height", 3: "width"})
    if len(sys.argv) > 2:
        return
    write(VisionTransformer(), f"{sys.argv[1]}/vit_tiny.onnx")
    model = torchvision.models.VisionTransformer(SIZE, 16, 2, 3, 192, 768, num_classes=10)
    torch.nn.init.normal_(model.class_token)
    torch.nn.init.normal_(model.heads.head.weight)  # at first all 0
    write(model, f"{sys.argv[1]}/vision_transformer.onnx")


if __name__ == "__main__":
    main()
