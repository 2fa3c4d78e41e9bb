"""Golden outputs of the U-Net of Ho et al. 2020, by PyTorch's Python side: independent of our C++ code.

    /usr/bin/python3 tests/models/unet_golden.py > tests/models/unet_golden.json

Weights are functions of each parameter's name (golden_weights.py), so none have to be stored. The network below is
written from the paper, appendix B, over a dictionary of weights.
"""
import json
import math

import torch
import torch.nn.functional as F

from golden_weights import image, parameter, rounded

class Weights:
    """Makes each parameter when it is first asked for."""

    def __init__(self):
        self.shapes = {}

    def get(self, name, *shape):
        self.shapes[name] = shape
        return parameter(name, *shape)

    def conv(self, name, x, out, kernel=3, **kw):
        kw.setdefault("padding", kernel // 2)
        return F.conv2d(x, self.get(name + ".weight", out, x.shape[1], kernel, kernel), self.get(name + ".bias", out), **kw)

    def linear(self, name, x, out):
        return F.linear(x, self.get(name + ".weight", out, x.shape[1]), self.get(name + ".bias", out))

    def norm(self, name, x):
        c = x.shape[1]
        return F.group_norm(x, min(c // 4, 32), self.get(name + ".weight", c), self.get(name + ".bias", c), 1e-6)


def residual(w, name, x, t, out):
    h = w.conv(name + ".conv1", F.silu(w.norm(name + ".norm1", x)), out)
    h = h + w.linear(name + ".time", F.silu(t), out)[:, :, None, None]
    h = w.conv(name + ".conv2", F.silu(w.norm(name + ".norm2", h)), out)
    return h + (x if x.shape[1] == out else w.conv(name + ".shortcut", x, out, 1))


def attention(w, name, x):
    n, c, height, width = x.shape
    q, k, v = w.conv(name + ".query_key_value", w.norm(name + ".norm", x), 3 * c, 1).reshape(n, 3, c, -1).unbind(1)
    weights = torch.softmax(torch.einsum("nci,ncj->nij", q, k) / math.sqrt(c), -1)
    return x + w.conv(name + ".projection", torch.einsum("nij,ncj->nci", weights, v).reshape(x.shape), c, 1)


def unet(w, x, t, channels, multipliers, blocks=2, attend_at=(16,)):
    half = channels // 2
    angles = t[:, None] * torch.exp(torch.arange(half) * (-math.log(10000) / (half - 1)))[None].double()
    t = w.linear("time1", torch.cat([angles.sin(), angles.cos()], 1), 4 * channels)
    t = w.linear("time2", F.silu(t), 4 * channels)

    def step(name, h, out):
        h = residual(w, name, h, t, out)
        return attention(w, name + "_attention", h) if h.shape[2] in attend_at else h

    image_channels = x.shape[1]
    skips = [w.conv("conv_in", x, channels)]
    for level, m in enumerate(multipliers):
        for block in range(blocks):
            skips.append(step(f"down{level}_{block}", skips[-1], m * channels))
        if level + 1 < len(multipliers):
            padded = F.pad(skips[-1], (0, 1, 0, 1))
            skips.append(w.conv(f"downsample{level}.conv", padded, m * channels, stride=2, padding=0))
    h = skips[-1]
    h = residual(w, "middle1", h, t, h.shape[1])
    h = attention(w, "middle_attention", h)
    h = residual(w, "middle2", h, t, h.shape[1])
    for level in reversed(range(len(multipliers))):
        for block in range(blocks + 1):
            h = step(f"up{level}_{block}", torch.cat([h, skips.pop()], 1), multipliers[level] * channels)
        if level > 0:
            h = w.conv(f"upsample{level}.conv", F.interpolate(h, scale_factor=2, mode="nearest"), h.shape[1])
    return w.conv("conv_out", F.silu(w.norm("norm_out", h)), image_channels)


def case(image_channels, resolution, channels, multipliers, stride):
    x = image(2, image_channels, resolution, resolution)
    weights = Weights()
    with torch.no_grad():
        y = unet(weights, x, torch.tensor([3.0, 871.0], dtype=torch.double), channels, multipliers)
    return {"image_channels": image_channels, "resolution": resolution, "channels": channels,
            "multipliers": multipliers, "parameters": sum(math.prod(s) for s in weights.shapes.values()),
            "stride": stride, "output": rounded(y, stride)}


if __name__ == "__main__":
    cases = [case(3, 32, 128, [1, 2, 2, 2], 97), case(2, 32, 32, [1, 2, 3], 53)]
    print(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1))
