"""Golden outputs of ScoreNet, by PyTorch's Python side: independent of our C++ code.

    /usr/bin/python3 tests/models/scorenet_golden.py > tests/models/scorenet_golden.json

Written from the description of the network in Song's tutorial (see models/scorenet.h), at its own size and at others,
over weights that are functions of their name (golden_weights.py). Sizes other than the tutorial's add the pixel that a
transposed convolution cannot know of; those that vanish on the way down are surrounded with zeros.
"""
import json
import math

import torch
import torch.nn.functional as F

from golden_weights import fourier_frequencies, image, parameter, rounded


class Weights:
    def __init__(self):
        self.count = 0

    def get(self, name, *shape):
        self.count += math.prod(shape)
        return parameter(name, *shape)

    def linear(self, name, x, out):
        return F.linear(x, self.get(name + ".weight", out, x.shape[1]), self.get(name + ".bias", out))

    def finish(self, h, embedding, dense, norm, groups):
        c = h.shape[1]
        h = h + self.linear(dense, embedding, c)[:, :, None, None]
        h = F.group_norm(h, groups, self.get(norm + ".weight", c), self.get(norm + ".bias", c), 1e-5)
        return h * torch.sigmoid(h)

    def enlarge(self, name, x, out, like):
        extra = like.shape[2] - (2 * (x.shape[2] - 1) + 3)
        return F.conv_transpose2d(x, self.get(name + ".weight", x.shape[1], out, 3, 3), stride=2, output_padding=extra)


def scorenet(w, x, t, channels=(32, 64, 128, 256), size=256):
    angles = 2 * math.pi * t[:, None] * fourier_frequencies(size // 2, 30).double()[None]
    embedding = w.linear("embed", torch.cat([angles.sin(), angles.cos()], 1), size)
    embedding = embedding * torch.sigmoid(embedding)
    stages = []
    h = x
    for i, out in enumerate(channels, 1):
        h = F.conv2d(h, w.get(f"conv{i}.weight", out, h.shape[1], 3, 3), stride=1 if i == 1 else 2)
        h = w.finish(h, embedding, f"dense{i}", f"norm{i}", 4 if i == 1 else 32)
        stages.append(h)
    for i, dense in ((4, 5), (3, 6), (2, 7)):
        same_size = stages[i - 2]
        h = w.enlarge(f"tconv{i}", h, channels[i - 2], same_size)
        h = torch.cat([w.finish(h, embedding, f"dense{dense}", f"tnorm{i}", 32), same_size], 1)
    weight = w.get("tconv1.weight", h.shape[1], x.shape[1], 3, 3)
    return F.conv_transpose2d(h, weight, w.get("tconv1.bias", x.shape[1]))


def case(channels, resolution, stride, margin=0):
    w = Weights()
    x = F.pad(image(2, channels, resolution, resolution), [margin] * 4)
    t = torch.tensor([0.0625, 0.875], dtype=torch.double)
    with torch.no_grad():
        y = scorenet(w, x, t)
    y = y[:, :, margin:margin + resolution, margin:margin + resolution]
    return {"image_channels": channels, "resolution": resolution, "parameters": w.count, "c_noise": t.tolist(),
            "stride": stride, "output": rounded(y, stride)}


if __name__ == "__main__":
    cases = [case(1, 28, 29), case(2, 32, 67), case(3, 17, 31), case(1, 16, 11, margin=1), case(1, 41, 57)]
    print(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1))
