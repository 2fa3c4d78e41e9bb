"""Exported models in python3-torch alone: does it draw what `nodulus generate` drew, and read the weights?

    /usr/bin/python3 tests/app/models_in_python.py MODEL.ts IMAGES FIRST_SEED [LABEL=VALUE ...]
    /usr/bin/python3 tests/app/models_in_python.py MODEL.pt

IMAGES is a folder of `generate` with those labels. Ends with 1 and a line where an image differs by more than 1 HU, which
is float32's rounding on either side of a half.
"""
import sys

import numpy as np
import torch


def same_images(file, folder, first, labels):
    model = torch.jit.load(file)
    assert model.synthetic and '"synthetic":true' in model.about
    real = np.load(folder + "/images.npy").astype(int)
    seeds = [first + i for i in range(len(real))]
    asked = model.encode({name: float(value) for name, value in (label.split("=") for label in labels)}) if labels else None
    drawn = model.to_hu(model.generate(seeds, asked)).numpy().astype(int)
    if drawn.shape != real.shape or abs(drawn - real).max() > 1:
        sys.exit(f"{file}: expected the images of {folder}, found others: {drawn.shape}, {abs(drawn - real).max()} HU off")
    if np.ptp(real[0] - real[-1]) < 10:
        sys.exit(f"{folder}: expected images that differ, to compare with")


if __name__ == "__main__":
    if sys.argv[1].endswith(".ts"):
        same_images(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    else:
        weights = torch.load(sys.argv[1], weights_only=True)
        if not weights or not all(t.dtype == torch.float32 and t.isfinite().all() for t in weights.values()):
            sys.exit(f"{sys.argv[1]}: expected finite float32 tensors, found others")
