# SPDX-License-Identifier: Apache-2.0
"""PyTorch from Python as a contender of ci/bench.

Started with the number of threads; answers the requests of ContenderClient.java, a line each, as
ContenderProcess.java does. Eager mode; inference_mode for predictions, Adam or AdamW in its fused
form for training, which is the fastest that PyTorch offers without compiling.
"""

import gc
import json
import math
import os
import struct
import sys
import time

import torch
import torch.nn.functional as F

BATCHES = 8
CHECKED_STEPS = 4
TRANSFER_BATCH = 64
TRANSFER_EPOCHS = 5


def read_model(path):
    """Graph and tensors of a model file (docs/model_file.md)."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        values = bytearray(file.read())
    graph = json.loads(header.pop("__metadata__")["espalier.graph"])
    tensors = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        flat = torch.frombuffer(values, dtype=torch.float32, offset=begin, count=(end - begin) // 4)
        tensors[name] = flat.reshape(tensor["shape"]).clone()
    return graph, tensors


def read_floats(path, count):
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read(4 * count)), dtype=torch.float32)


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def padding(layer, size):
    """Padding of rows and columns, the same on both sides."""
    attributes = layer["attributes"]
    if attributes["padding"] == "same":
        if pair(attributes.get("stride", 1)) != (1, 1):
            raise ValueError("no padding 'same' with a stride")
        return tuple(n // 2 for n in pair(attributes[size]))
    top, bottom, left, right = attributes["padding"]
    if top != bottom or left != right:
        raise ValueError("padding differs between sides")
    return top, left


class PeakMemory:
    """How far resident memory grows, as PeakMemory.java measures it."""

    def __init__(self):
        gc.collect()
        try:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
            self.before = self.kilobytes()
        except OSError:
            self.before = math.nan

    @staticmethod
    def kilobytes():
        with open("/proc/self/status") as file:
            (line,) = (line for line in file if line.startswith("VmHWM:"))
        return int(line.split()[1])

    def growth_megabytes(self):
        return (self.kilobytes() - self.before) * 1024 / 1e6


class Network:
    """Logits of a model file's network; batch norm by its running statistics unless trained."""

    def __init__(self, path, is_trained):
        graph, tensors = read_model(path)
        (head,) = graph["heads"]
        prefix = f"heads.{head['name']}."
        layers = list(graph["layers"])
        before = head["from"]
        for layer in head["layers"] + [{"name": "dense", "kind": "dense", "attributes": {}}]:
            inputs = layer.get("inputs") or [before]
            layers.append({**layer, "name": prefix + layer["name"], "inputs": inputs})
            before = prefix + layer["name"]
        # Several inputs, all of integers, lie side by side.
        self.inputs = [(i["name"], i["shape"][0]) for i in graph.get("inputs", [])]
        self.input_shape = graph.get("input") or [sum(size for _, size in self.inputs)]
        self.is_classes = head["task"]["loss"] == "softmax"
        self.outputs = len(head["task"]["labels"])
        self.tensors = tensors
        self.parameters = []
        if is_trained:
            for name, tensor in tensors.items():
                if not name.endswith(("running_mean", "running_var")):
                    self.parameters.append(tensor.requires_grad_())
        self.steps = [
            (layer["name"], layer["inputs"], operation(layer, tensors, is_trained))
            for layer in layers
        ]

    def __call__(self, x):
        return self.run(self.steps, x)

    def run(self, steps, x):
        values = {"input": x}
        if self.inputs:
            parts = x.long().split([size for _, size in self.inputs], 1)
            values.update((name, part) for (name, _), part in zip(self.inputs, parts))
        for name, inputs, function in steps:
            values[name] = x = function(*(values[n] for n in inputs))
        return x


def attention(heads):
    """Of queries, keys and values side by side, through PyTorch's fused attention."""

    def run(x):
        batch, length, width = x.shape
        split = x.view(batch, length, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(split[0], split[1], split[2])
        return mixed.transpose(1, 2).reshape(batch, length, width // 3)

    return run


def attention_of_three(heads):
    """Of queries, keys and values [batch, length, width], of which so many positions are valid."""

    def run(*values):
        batch, length, width = values[0].shape
        q, k, v = (x.view(batch, length, heads, width // heads).transpose(1, 2) for x in values[:3])
        mask = valid_positions(values[3], length)[:, None, None, :]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return mixed.transpose(1, 2).reshape(batch, length, width)

    return run


def valid_positions(lengths, length):
    return torch.arange(length)[None, :] < lengths


def token_mean(x, lengths=None):
    if lengths is None:
        return x.mean(1)
    mask = valid_positions(lengths, x.shape[1]).to(x.dtype)[:, :, None]
    return (x * mask).sum(1) / mask.sum(1)


def operation(layer, tensors, is_trained):
    kind, name, attributes = layer["kind"], layer["name"], layer["attributes"]
    weight, bias = tensors.get(name + ".weight"), tensors.get(name + ".bias")
    if kind == "dense":
        if attributes.get("per_position"):
            return lambda x: F.linear(x, weight, bias)
        return lambda x: F.linear(x.flatten(1), weight, bias)
    if kind == "attention":
        if not attributes.get("packed", True):
            return attention_of_three(attributes["heads"])
        return attention(attributes["heads"])
    if kind == "embedding":
        return lambda ids: F.embedding(ids, weight)
    if kind == "layer_norm":
        epsilon = attributes["epsilon"]
        return lambda x: F.layer_norm(x, weight.shape, weight, bias, epsilon)
    if kind == "position_embedding":
        return lambda x: x + weight
    if kind == "reshape":
        shape = attributes["shape"]
        return lambda x: x.reshape(-1, *shape)
    if kind in ("conv2d", "depthwise_conv2d"):
        stride, pads = pair(attributes["stride"]), padding(layer, "kernel")
        dilation = pair(attributes["dilation"])
        groups = attributes["groups"] if kind == "conv2d" else weight.shape[0]
        return lambda x: F.conv2d(x, weight, bias, stride, pads, dilation, groups)
    if kind == "max_pool2d":
        window, stride = pair(attributes["window"]), pair(attributes["stride"])
        pads = padding(layer, "window")
        return lambda x: F.max_pool2d(x, window, stride, pads)
    if kind == "batch_norm":
        mean, variance = tensors[name + ".running_mean"], tensors[name + ".running_var"]
        rest = (weight, bias, is_trained, attributes["momentum"], attributes["epsilon"])
        return lambda x: F.batch_norm(x, mean, variance, *rest)
    if kind == "global_average_pool2d":
        if attributes.get("keep_dimensions"):
            return lambda x: F.adaptive_avg_pool2d(x, 1)
        return lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1)
    simple = {
        "flatten": lambda x: x.flatten(1),
        "gelu": F.gelu,
        "token_pool": token_mean,
        "transpose": lambda x: x.transpose(1, 2),
        "relu": F.relu,
        "relu6": F.relu6,
        "sigmoid": torch.sigmoid,
        "silu": F.silu,
        "mul": lambda x, y: x * y,
        "add": lambda *x: sum(x[1:], x[0]),
    }
    return simple[kind]


class Prediction:
    def __init__(self, folder, network, batch):
        self.network = Network(f"{folder}/{network}.safetensors", False)
        shape = [batch] + self.network.input_shape
        count = torch.Size(shape).numel()
        self.input = read_floats(f"{folder}/{network}.inputs", count).reshape(shape)
        self.is_logits = network not in ("I1", "I2")
        self.output = torch.empty(batch, self.network.outputs)
        self.mode = torch.inference_mode

    def run(self):
        with self.mode():
            logits = self.network(self.input)
            if not self.is_logits:
                logits = logits.softmax(1) if self.network.is_classes else logits.sigmoid()
            self.output.copy_(logits)

    def round(self, end, least, nanos):
        clock = time.perf_counter_ns
        now = 0
        while now < end or len(nanos) < least:
            before = clock()
            self.run()
            now = clock()
            nanos.append(now - before)


class Training:
    def __init__(self, folder, network, batch):
        model = f"{folder}/{network}.safetensors"
        shapes = Network(model, False)
        examples, shape = BATCHES * batch, shapes.input_shape
        count = examples * torch.Size(shape).numel()
        inputs = read_floats(f"{folder}/{network}.inputs", count).reshape([examples] + shape)
        self.inputs = [part.clone() for part in inputs.split(batch)]
        width = 1 if shapes.is_classes else shapes.outputs
        targets = read_floats(f"{folder}/{network}.targets", examples * width)
        if shapes.is_classes:
            self.targets = [(part.clone(),) for part in targets.long().split(batch)]
        else:
            rows = targets.reshape(examples, width)
            self.targets = [
                (part.nan_to_num(0.0), (~part.isnan()).float()) for part in rows.split(batch)
            ]
        del shapes, inputs
        self.memory = PeakMemory()
        self.network = Network(model, True)
        self.optimizer = optimizer(network, self.network.parameters)
        self.step = 0

    def run(self):
        at = self.step % BATCHES
        self.step += 1
        logits = self.network(self.inputs[at])
        if self.network.is_classes:
            loss = F.cross_entropy(logits, *self.targets[at])
        else:
            known, mask = self.targets[at]
            loss = F.binary_cross_entropy_with_logits(logits, known, mask, reduction="sum")
            loss = loss / len(known)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()

    round = Prediction.round


def transfer(folder, network, variant):
    """Workload X-minilm: seconds, and the losses of all epochs, of a head on a frozen trunk."""
    model = Network(f"{folder}/{network}.safetensors", False)
    cut = next(i for i, step in enumerate(model.steps) if step[0].endswith(".features")) + 1
    trained = []
    for name, tensor in model.tensors.items():
        if name.startswith("heads."):
            trained.append(tensor.requires_grad_())
    size = model.input_shape[0]
    targets = read_floats(f"{folder}/{network}.targets", os.path.getsize(f"{folder}/{network}.targets") // 4)
    targets = targets.reshape(-1, model.outputs).split(TRANSFER_BATCH)
    count = sum(len(part) for part in targets)
    inputs = read_floats(f"{folder}/{network}.inputs", count * size).reshape(-1, size)
    start = time.perf_counter()
    adam = torch.optim.Adam(trained, lr=1e-3, fused=True)
    cached, losses = [], []
    for epoch in range(TRANSFER_EPOCHS):
        total = 0.0
        for i, part in enumerate(inputs.split(TRANSFER_BATCH)):
            if variant == "naive" or epoch == 0:
                with torch.no_grad():
                    features = model.run(model.steps[:cut], part)
                if variant == "cached":
                    cached.append(features)
            else:
                features = cached[i]
            logits = features
            for _, _, function in model.steps[cut:]:
                logits = function(logits)
            known, mask = targets[i].nan_to_num(0.0), (~targets[i].isnan()).float()
            loss = F.binary_cross_entropy_with_logits(logits, known, mask, reduction="sum")
            total += loss.item()
            (loss / len(known)).backward()
            adam.step()
            adam.zero_grad()
        losses.append(total / count)
    return [time.perf_counter() - start] + losses


def optimizer(network, parameters):
    """Adam, or AdamW for whole backbones: Work.java says where, and with which settings."""
    if not network.startswith("T-"):
        return torch.optim.Adam(parameters, lr=1e-3, fused=True)
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.01},
        {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-4, fused=True)


def write_floats(path, values):
    with open(path, "wb") as file:
        file.write(struct.pack(f"<{len(values)}f", *values))


def quantile(ordered, share, least):
    if len(ordered) < least:
        return "NaN"
    return f"{ordered[math.ceil(share * len(ordered)) - 1] / 1e3:.6g}"


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.set_num_interop_threads(1)
    work = None
    for line in sys.stdin:
        words = line.split()
        answer = "ok"
        try:
            if words[0] == "version":
                answer = f"ok PyTorch {torch.__version__}, Python {sys.version.split()[0]}"
            elif words[0] == "predict":
                work = Prediction(words[1], words[2], int(words[3]))
                work.run()
                write_floats(words[4], work.output.flatten().tolist())
            elif words[0] == "train":
                work = Training(words[1], words[2], int(words[3]))
                write_floats(words[4], [work.run() for _ in range(CHECKED_STEPS)])
            elif words[0] == "transfer":
                numbers = transfer(words[1], words[2], words[3])
                answer = "ok " + " ".join(f"{number:.6g}" for number in numbers)
            elif words[0] == "round":
                nanos = []
                work.round(time.perf_counter_ns() + int(words[1]) * 10**6, int(words[2]), nanos)
                nanos.sort()
                parts = [quantile(nanos, 0.5, 1), quantile(nanos, 0.99, 200)]
                parts.append(quantile(nanos, 0.999, 2000))
                answer = f"ok {len(nanos)} {' '.join(parts)} NaN"
            elif words[0] == "peak":
                answer = f"ok {work.memory.growth_megabytes():.6g}"
            elif words[0] == "close":
                work = None
            else:
                answer = f"unsupported {words[0]}"
        except Exception as error:  # told to the one who asked
            answer = f"error {error!r}".replace("\n", " ")
        print("@@ " + answer, flush=True)


if __name__ == "__main__":
    main()
