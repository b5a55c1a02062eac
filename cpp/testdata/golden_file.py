# SPDX-License-Identifier: Apache-2.0
"""What the generators of golden files share: numbers that float32 holds, and the files' form."""

import pathlib
import struct


def as_float32(tensor):
    """The nearest float32 numbers, in float64."""
    return tensor.detach().float().double()


def write(stem, values):
    """Writes STEM.bin, all values as float32 one after another, and STEM.txt: a line each with name,
    first value and number of values."""
    folder = pathlib.Path(__file__).parent
    offset = 0
    with (
        open(folder / f"{stem}.bin", "wb") as data,
        open(folder / f"{stem}.txt", "w", encoding="utf-8") as index,
    ):
        for name, value in values.items():
            floats = value.detach().double().flatten().tolist()
            data.write(struct.pack(f"<{len(floats)}f", *floats))
            index.write(f"{name} {offset} {len(floats)}\n")
            offset += len(floats)
