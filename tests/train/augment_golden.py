"""Golden outputs of the discriminator's augmentations, by the authors' own code.

    git clone https://github.com/NVlabs/stylegan2-ada-pytorch && git -C stylegan2-ada-pytorch checkout d72cc7d
    /usr/bin/python3 tests/train/augment_golden.py stylegan2-ada-pytorch > tests/train/augment_golden.json

Nothing of that repository is stored here but the numbers that it gives. `debug_percentile` sets every augmentation that is
on to a known strength, which is written beside the result.
"""
import json
import math
import os
import sys
import warnings

import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "models"))
from golden_weights import derive_seed, normal, rounded

THEIRS = {"flip": "xflip", "quarter_turns": "rotate90", "shift": "xint", "scale": "scale", "rotate": "rotate",
          "stretch": "aniso", "move": "xfrac", "brightness": "brightness", "contrast": "contrast",
          "luma_flip": "lumaflip", "hue": "hue", "saturation": "saturation", "filter": "imgfilter", "cutout": "cutout"}
GEOMETRY = ["flip", "quarter_turns", "shift", "scale", "rotate", "stretch", "move"]
COLOUR = ["brightness", "contrast", "luma_flip", "hue", "saturation"]
CASES = [([name], 0.7, 1) for name in GEOMETRY + ["brightness", "contrast", "luma_flip", "filter", "cutout"]]
CASES += [(["quarter_turns"], 0.3, 1), (["rotate"], 0.2, 2), (["scale"], 0.02, 1), (GEOMETRY, 0.35, 2),
          (GEOMETRY + COLOUR, 0.35, 1), (GEOMETRY + COLOUR, 0.8, 1), (["hue"], 0.6, 3), (["saturation"], 0.8, 3),
          (COLOUR, 0.55, 3), (GEOMETRY + COLOUR + ["filter"], 0.4, 3)]


def strengths(on, q):
    """What each augmentation that is on is set to at percentile q, in the units of train::Augmentation."""
    bell = float(torch.erfinv(torch.tensor(2 * q - 1)))
    gains = [1.0] * 4
    for band in range(4):
        power = [10 / 13, 1 / 13, 1 / 13, 1 / 13][band]
        by = 2 ** bell
        kept = math.sqrt(1 + power * (by * by - 1))
        gains = [g * (by if i == band else 1) / kept for i, g in enumerate(gains)]
    values = {"flip": math.floor(2 * q), "quarter_turns": math.floor(4 * q), "shift": (2 * q - 1) * 0.125,
              "scale": 2 ** (bell * 0.2), "rotate": (2 * q - 1) * math.pi, "stretch": 2 ** (bell * 0.2),
              "move": bell * 0.125, "brightness": bell * 0.2, "contrast": 2 ** (bell * 0.5),
              "luma_flip": math.floor(2 * q), "hue": (2 * q - 1) * math.pi, "saturation": 2 ** bell, "filter": gains,
              "cutout": q}
    return {name: values[name] for name in on}


def case(augment, on, q, channels):
    pipe = augment.AugmentPipe(**{THEIRS[name]: 1 for name in on})
    images = torch.tensor(normal(derive_seed(0, "images"), channels * 2 * 32 * 32)).reshape(2, channels, 32, 32).float()
    # Theirs has no second channel that is left alone: a mask of ours is a grey image of its own, moved alike.
    if channels == 2:
        out = torch.cat([pipe(images[:, :1], debug_percentile=q), pipe(images[:, 1:], debug_percentile=q)], 1)
    else:
        out = pipe(images, debug_percentile=q)
    return {"on": strengths(on, q), "channels": channels, "stride": 41, "output": rounded(out, 41)}


if __name__ == "__main__":
    sys.path.insert(0, os.path.abspath(sys.argv[1]))
    warnings.simplefilter("ignore")
    from training import augment
    with torch.no_grad():
        print(json.dumps({"torch": torch.__version__, "cases": [case(augment, *c) for c in CASES]}, indent=1))
