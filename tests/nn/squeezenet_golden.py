#!/usr/bin/python3
"""What SqueezeNet 1.0 makes of an image, by Debian's python3-torch from the release's own weights, in colour and with
the makers' means; and how far two images are apart.

  tests/nn/squeezenet_golden.py squeezenet_v10_f32.npz > tests/nn/squeezenet_golden.json
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

weights = {k: torch.from_numpy(v).double() for k, v in np.load(sys.argv[1]).items()}


def image(phase, size):
    y, x = torch.meshgrid(torch.arange(size).double(), torch.arange(size).double(), indexing="ij")
    return (0.8 * torch.sin(0.31 * x + phase) * torch.cos(0.23 * y - phase) + 0.002 * x)[None, None]


def layer(x, name, **how):
    return F.relu(F.conv2d(x, weights[name + ".weight"], weights[name + ".bias"], **how))


def features(grey):
    bgr = (grey + 1) * 127.5 - torch.tensor([104.0, 117.0, 123.0]).double().view(1, 3, 1, 1)
    x = layer(bgr, "conv1", stride=2)
    found = [x]
    for fire in range(2, 10):
        if fire in (2, 5, 9):
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        s = layer(x, f"fire{fire}__conv1x1_1")
        x = torch.cat([layer(s, f"fire{fire}__conv1x1_2"), layer(s, f"fire{fire}__conv3x3_2", padding=1)], 1)
        found.append(x)
    return found


def distance(a, b):
    total = 0
    fa, fb = (features(F.interpolate(i, size=(128, 128), mode="bilinear", align_corners=False)) for i in (a, b))
    for i in (0, 2, 4, 5, 6, 7, 8):
        ua, ub = (f[i] / (f[i].square().sum(1, keepdim=True) + 1e-10).sqrt() for f in (fa, fb))
        total += (ua - ub).square().sum(1).mean().item()
    return total


found = [{"sizes": list(f.shape), "values": f.flatten()[::max(1, f.numel() // 12)].tolist()[:12]}
         for f in features(image(0.5, 70))]
json.dump({"features": found, "distance": distance(image(0.5, 64), image(0.9, 64))}, sys.stdout, indent=1)
print()
