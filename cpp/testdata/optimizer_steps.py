#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the numbers in optimizers/update_test.cc and schedule_test.cc: PyTorch in float64."""

import warnings

import torch

torch.set_num_threads(1)
warnings.simplefilter("ignore")
OPTIM = torch.optim
SCHEDULE = torch.optim.lr_scheduler

GRADIENTS = ((0.5, -1.5), (-0.25, 0.125), (1.0, 2.0))


def three_steps(make):
    weights = torch.tensor((1.0, -2.0), dtype=torch.float64, requires_grad=True)
    optimizer = make([weights])
    values = []
    for gradient in GRADIENTS:
        weights.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        values += weights.detach().tolist()
    return values


def factors(make, steps):
    weights = torch.zeros(1, requires_grad=True)
    optimizer = OPTIM.SGD([weights], lr=1.0)
    schedule = make(optimizer)
    values = []
    for step in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < steps:
            schedule.step()
    return values


for name, make in (
    ("Sgd", lambda p: OPTIM.SGD(p, lr=0.1)),
    ("SgdMomentumDecay", lambda p: OPTIM.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)),
    ("Nesterov", lambda p: OPTIM.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
    ("Adam", OPTIM.Adam),
    ("AdamDecay", lambda p: OPTIM.Adam(p, 0.05, (0.8, 0.95), 1e-4, weight_decay=0.1)),
    ("AdamW", OPTIM.AdamW),
    ("AdamWSettings", lambda p: OPTIM.AdamW(p, 0.05, (0.8, 0.95), 1e-4, weight_decay=0.3)),
    ("RmsProp", OPTIM.RMSprop),
    ("RmsPropSettings", lambda p: OPTIM.RMSprop(p, 0.05, 0.9, 1e-4, 0.1, 0.8)),
):
    print(name, three_steps(make))

print("one cycle", factors(
    lambda o: SCHEDULE.OneCycleLR(o, max_lr=1.0, total_steps=10, cycle_momentum=False), 10))
print("cosine", factors(lambda o: SCHEDULE.CosineAnnealingLR(o, T_max=8, eta_min=0.1), 9))
print("step", factors(lambda o: SCHEDULE.StepLR(o, 3, 0.5), 8))
print("exponential", factors(lambda o: SCHEDULE.ExponentialLR(o, 0.9), 4))
