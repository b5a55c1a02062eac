#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes balance_golden.bin and balance_golden.txt: trainings with PyTorch that weigh their tasks.

Run with Debian's python3-torch (2.6): python3 cpp/testdata/balance_golden.py

All of it is computed in float64 from parameters, inputs and targets that are float32 numbers. The
rules are those of include/espalier/balance.h, with autograd and torch.optim.Adam for what they
learn: uncertainty weights as a cost of weights and log-variances together, FAMO as
github.com/Cranial-XIX/FAMO has it, over the tasks that a batch has labels of. The network is
written down twice, here and in cpp/training/balance_golden_test.cc.
"""

import torch
import torch.nn.functional as F

from golden_file import as_float32, write

BATCH, BATCHES, STEPS = 12, 4, 20
INPUTS, UNITS = 6, 8
RATE = 0.2
TASKS = ("signs", "kind", "sizes")
WIDTHS = (3, 4, 2)
WEIGHTS = (1.0, 0.5, 2.0)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dense1 = torch.nn.Linear(INPUTS, UNITS)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(UNITS, width) for width in WIDTHS)

    def forward(self, x):
        features = torch.tanh(self.dense1(x))
        return [head(features) for head in self.heads]

    def named(self):
        yield "dense1.weight", self.dense1.weight
        yield "dense1.bias", self.dense1.bias
        for task, head in zip(TASKS, self.heads):
            yield f"heads.{task}.dense.weight", head.weight
            yield f"heads.{task}.dense.bias", head.bias


def mean_losses(logits, targets):
    """By task (share of the batch that is labelled, mean loss of what is), or None."""
    signs, kind, sizes = targets
    result = []
    known = ~torch.isnan(signs)
    losses = F.binary_cross_entropy_with_logits(logits[0], torch.nan_to_num(signs), reduction="none")
    result.append((known.sum() / BATCH, losses[known].mean()) if known.any() else None)
    known = kind >= 0
    result.append((known.sum() / BATCH, F.cross_entropy(logits[1][known], kind[known]))
                  if known.any() else None)
    known = ~torch.isnan(sizes)
    result.append((known.sum() / BATCH, ((logits[2] - sizes)[known] ** 2).mean())
                  if known.any() else None)
    return [of and (weight * of[0], of[1]) for weight, of in zip(WEIGHTS, result)]


class Plain:
    TASKS = range(len(TASKS))

    def factors(self, losses):
        return {k: torch.tensor(1.0).double() for k in losses}

    def learn(self, shares, losses, after):
        pass

    def gradients(self, costs, parameters):
        return torch.autograd.grad(sum(costs.values()), parameters, allow_unused=True)


class InverseLoss(Plain):
    TEMPERATURE = 2.0

    def factors(self, losses):
        keys = list(losses)
        soft = torch.softmax(torch.stack([1 / losses[k] for k in keys]) / self.TEMPERATURE, 0)
        return dict(zip(keys, soft * len(keys)))


class Learning(Plain):
    def __init__(self, rate, decay):
        self.values = [torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in TASKS]
        self.optimizers = [torch.optim.Adam([x], lr=rate, weight_decay=decay) for x in self.values]

    def step(self, gradients):
        for k, gradient in gradients.items():
            self.values[k].grad = gradient
            self.optimizers[k].step()


class Uncertainty(Learning):
    def __init__(self):
        super().__init__(rate=0.05, decay=0.0)

    def factors(self, losses):
        return {k: torch.exp(-self.values[k].detach()) for k in losses}

    def learn(self, shares, losses, after):
        cost = sum(shares[k] * (losses[k] * torch.exp(-self.values[k]) + self.values[k] / 2)
                   for k in losses)
        of = {k: self.values[k] for k in losses}
        self.step(dict(zip(of, torch.autograd.grad(cost, list(of.values())))))


class Famo(Learning):
    def __init__(self):
        super().__init__(rate=0.05, decay=0.1)

    def factors(self, losses):
        keys = list(losses)
        z = torch.softmax(torch.stack([self.values[k].detach() for k in keys]), 0)
        of = z / torch.stack([losses[k] for k in keys])
        return dict(zip(keys, of / of.sum() * len(keys)))

    def learn(self, shares, losses, after):
        keys = list(losses)
        fall = torch.stack([torch.log(losses[k]) - torch.log(after[k]) for k in keys])
        of = [self.values[k] for k in keys]
        gradients = torch.autograd.grad(torch.softmax(torch.stack(of), 0), of, grad_outputs=fall)
        self.step(dict(zip(keys, gradients)))


class Projection(Plain):
    """PCGrad on the weights of dense1. Of two tasks, so that no order is drawn."""

    TASKS = (0, 1)

    def gradients(self, costs, parameters):
        shared = parameters[:2]
        own = [torch.cat([g.flatten() for g in torch.autograd.grad(cost, shared, retain_graph=True)])
               for cost in costs.values()]
        total = torch.zeros_like(own[0])
        for k, gradient in enumerate(own):
            projected = gradient.clone()
            for j, other in enumerate(own):
                if j != k and projected @ other < 0:
                    projected -= (projected @ other) / (other @ other) * other
            total += projected
        first = shared[0].numel()
        rest = torch.autograd.grad(sum(costs.values()), parameters[2:], allow_unused=True)
        return [total[:first].view_as(shared[0]), total[first:], *rest]


RULES = {"plain": Plain, "uncertainty": Uncertainty, "uw_so": InverseLoss, "famo": Famo,
         "pcgrad": Projection}


def train(rule, initial, batches):
    network = Network().double()
    with torch.no_grad():
        for name, parameter in network.named():
            parameter.copy_(initial[name])
    parameters = [parameter for _, parameter in network.named()]
    all_factors = []
    for step in range(STEPS):
        x, targets = batches[step % BATCHES]
        by_task = mean_losses(network(x), targets)
        by_task = [of if k in rule.TASKS else None for k, of in enumerate(by_task)]
        shares = {k: of[0] for k, of in enumerate(by_task) if of}
        losses = {k: of[1] for k, of in enumerate(by_task) if of}
        before = {k: loss.detach() for k, loss in losses.items()}
        factors = rule.factors(before)
        costs = {k: factors[k] * shares[k] * losses[k] for k in losses}
        gradients = rule.gradients(costs, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                if gradient is not None:
                    parameter -= RATE * gradient
            after = {k: of[1] for k, of in enumerate(mean_losses(network(x), targets)) if of}
        rule.learn(shares, before, after)
        all_factors.append(torch.tensor([float(factors.get(k, 1.0)) for k in range(len(TASKS))]))
    return network, torch.stack(all_factors)


def main():
    generator = torch.Generator().manual_seed(5)
    draw = lambda *shape: as_float32(torch.randn(shape, generator=generator))
    initial = {name: as_float32(0.5 * draw(*parameter.shape))
               for name, parameter in Network().named()}
    batches = []
    for batch in range(BATCHES):
        x = draw(BATCH, INPUTS)
        signs = (draw(BATCH, WIDTHS[0]) > 0).double()
        kind = torch.randint(0, WIDTHS[1], (BATCH,), generator=generator)
        sizes = 3.0 * draw(BATCH, WIDTHS[2])
        hidden = torch.rand((BATCH, WIDTHS[0]), generator=generator) < 0.4
        signs[hidden] = torch.nan
        kind[torch.rand((BATCH,), generator=generator) < 0.3] = -1
        sizes[torch.rand((BATCH, WIDTHS[2]), generator=generator) < 0.7] = torch.nan
        if batch == 1:
            kind[:] = -1
        if batch == 2:
            signs[:] = torch.nan
            sizes[:] = torch.nan
        batches.append((x, (signs, kind, sizes)))
    values = {}
    for batch, (x, targets) in enumerate(batches):
        values[f"inputs/{batch}"] = x
        for task, target in zip(TASKS, targets):
            values[f"targets/{batch}/{task}"] = target
    for name, value in initial.items():
        values[f"initial/{name}"] = value
    for name, rule in RULES.items():
        network, factors = train(rule(), initial, batches)
        if rule is not Projection:
            values[f"{name}/factors"] = factors
        for path, parameter in network.named():
            values[f"{name}/final/{path}"] = parameter
    write("balance_golden", values)


if __name__ == "__main__":
    main()
