"""Weights and images for the golden outputs: functions of a name, so that none have to be stored.

Philox4x32-10 and Box-Muller, as in core/seed.h, written again here; golden.cpp fills our networks in the same way.
"""
import math

import numpy as np
import torch

MASK = (1 << 64) - 1


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def derive_seed(seed, purpose):
    golden = 0x9E3779B97F4A7C15
    h = mix((seed + golden) & MASK)
    for c in purpose.encode():
        h = (mix(h ^ c) + golden) & MASK
    return mix(h)


def normal(key, count):
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    low32 = np.uint64(0xFFFFFFFF)
    x = [blocks & low32, blocks >> np.uint64(32), np.zeros_like(blocks), np.zeros_like(blocks)]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * x[0]
        p1 = np.uint64(0xCD9E8D57) * x[2]
        x = [(p1 >> np.uint64(32)) ^ x[1] ^ np.uint64(k0), p1 & low32,
             (p0 >> np.uint64(32)) ^ x[3] ^ np.uint64(k1), p0 & low32]
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    u = [(v >> np.uint64(8)).astype(np.float64) * 2.0 ** -24 for v in x]
    out = np.empty((len(blocks), 4))
    for pair in (0, 2):
        radius = np.sqrt(-2 * np.log(1 - u[pair]))
        out[:, pair] = radius * np.cos(2 * np.pi * u[pair + 1])
        out[:, pair + 1] = radius * np.sin(2 * np.pi * u[pair + 1])
    return out.reshape(-1)[:count]


def parameter(name, *shape):
    """What golden.cpp gives the parameter of this name: of size 1 / sqrt(fan-in), norms about 1, in float64."""
    value = normal(derive_seed(0, name), math.prod(shape)).reshape(shape)
    value *= 0.1 if len(shape) == 1 else 1 / math.sqrt(math.prod(shape[1:]))
    if len(shape) == 1 and "norm" in name and name.endswith("weight"):
        value += 1
    return torch.tensor(value)


def image(*shape):
    return torch.tensor(normal(derive_seed(0, "input"), math.prod(shape))).reshape(shape)


def fourier_frequencies(count, scale):
    """The frequencies of nn::FourierFeatures."""
    return torch.tensor(scale * normal(derive_seed(0, "fourier frequencies"), count)).float()


def rounded(y, stride):
    return [float(f"{v:.9g}") for v in y.flatten()[::stride]]
