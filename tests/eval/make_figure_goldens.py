#!/usr/bin/env python3
"""Golden numbers of figure_golden.h: the figures of tests/eval by NumPy and SciPy alone.

    /usr/bin/python3 tests/eval/make_figure_goldens.py > tests/eval/figure_golden.h     (python3-numpy, python3-scipy)
"""
import numpy as np
import scipy.linalg
import scipy.ndimage
import scipy.spatial.distance as sd


def features(n, d, phase, spread, shift=0.0):
    """As golden_features() of figures_test.cpp."""
    i = np.arange(n, dtype=np.float64)[:, None]
    j = np.arange(d, dtype=np.float64)[None, :]
    return shift + np.sin(1.7 * i + 0.9 * j + phase) + spread * np.cos(0.37 * i * (j + 1) + phase * j)


def pictures(n, side, phase):
    """As golden_pictures()."""
    i = np.arange(n, dtype=np.float64)[:, None, None]
    y = np.arange(side, dtype=np.float64)[None, :, None]
    x = np.arange(side, dtype=np.float64)[None, None, :]
    return (0.5 + 0.3 * np.sin(0.21 * x * (i + 1) + phase) * np.cos(0.13 * y + i) + 0.2 * np.sin(1.9 * x * y + i)).astype(np.float32)


def fd(a, b):
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(ca @ cb)
    return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(ca + cb - 2 * root.real))


def kid(a, b):
    k = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    n, m = len(a), len(b)
    aa, bb = k(a, a), k(b, b)
    return float((aa.sum() - np.trace(aa)) / (n * (n - 1)) + (bb.sum() - np.trace(bb)) / (m * (m - 1)) - 2 * k(a, b).mean())


def prdc(real, fake, k):
    rr = np.sort(sd.cdist(real, real), axis=1)[:, k]
    ff = np.sort(sd.cdist(fake, fake), axis=1)[:, k]
    rf = sd.cdist(real, fake)
    return [float((rf <= rr[:, None]).any(0).mean()), float((rf <= ff[None, :]).any(1).mean()),
            float((rf <= rr[:, None]).sum(0).mean() / k), float((rf.min(1) <= rr).mean())]


def authenticity(real, fake):
    rr = sd.cdist(real, real)
    np.fill_diagonal(rr, np.inf)
    rf = sd.cdist(fake, real)
    nearest = rf.argmin(1)
    return float((rf.min(1) > rr.min(1)[nearest]).mean())


def ms_ssim(x, y):
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    scales = 1
    while scales < 5 and x.shape[0] >> scales >= 11:
        scales += 1
    weights = weights[:scales] / weights[:scales].sum()
    g = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5 ** 2))
    g = np.outer(g, g) / g.sum() ** 2
    from scipy.signal import convolve2d
    f = lambda z: convolve2d(z, g, mode="valid")
    product = 1.0
    x, y = x.astype(np.float64), y.astype(np.float64)
    for s in range(scales):
        mx, my = f(x), f(y)
        vx, vy, c = f(x * x) - mx * mx, f(y * y) - my * my, f(x * y) - mx * my
        cs = (2 * c + 0.03 ** 2) / (vx + vy + 0.03 ** 2)
        luminance = (2 * mx * my + 0.01 ** 2) / (mx * mx + my * my + 0.01 ** 2)
        term = (luminance * cs).mean() if s == scales - 1 else cs.mean()
        product *= max(term, 0) ** weights[s]
        half = lambda z: z[: z.shape[0] // 2 * 2, : z.shape[1] // 2 * 2].reshape(z.shape[0] // 2, 2, z.shape[1] // 2, 2).mean((1, 3))
        x, y = half(x), half(y)
    return float(product)


def line(name, values):
    print(f"inline constexpr double {name}[] = {{{', '.join(repr(float(v)) for v in values)}}};")


a, b = features(120, 12, 0.0, 0.6), features(90, 12, 0.4, 1.1, 0.3)
print("#pragma once\n\n// Made by tests/eval/make_figure_goldens.py with NumPy and SciPy.\nnamespace golden {\n")
line("fd", [fd(a, b), fd(a, a[:60]), fd(a[:40], b)])
line("kid", [kid(a, b), kid(a, a[:60])])
line("prdc_3", prdc(a, b, 3))
line("prdc_5", prdc(a, b, 5))
line("authenticity", [authenticity(a, b)])
p, q = pictures(4, 64, 0.0), pictures(4, 64, 0.8)
line("ms_ssim", [ms_ssim(p[i], q[i]) for i in range(4)])
print("\n}  // namespace golden")
