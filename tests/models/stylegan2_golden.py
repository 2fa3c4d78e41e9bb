"""Golden outputs of StyleGAN2's generator and discriminator, by the authors' own code on weights that our networks share.

    git clone https://github.com/NVlabs/stylegan2-ada-pytorch && git -C stylegan2-ada-pytorch checkout d72cc7d
    /usr/bin/python3 tests/models/stylegan2_golden.py stylegan2-ada-pytorch > tests/models/stylegan2_golden.json

Nothing of that repository is stored here but the numbers that it gives. It runs as it is, in float32 on the CPU, where
it needs none of its CUDA code. Names of parameters are the same in both, so each is filled by its name.

With --full the cases are published settings, for a check by hand: write them over the JSON file, run test_models, and
put the file back.
"""
import json
import math
import os
import sys
import warnings

import torch

from golden_weights import derive_seed, normal, rounded


def numbers(name, *shape):
    return torch.tensor(normal(derive_seed(0, name), math.prod(shape))).reshape(shape).float()


def fill(network):
    for name, tensor in list(network.named_parameters()) + list(network.named_buffers()):
        if name.endswith("resample_filter"):
            continue
        value = numbers(name, *tensor.shape)
        if name.endswith("affine.bias"):
            value = 1 + 0.1 * value
        elif tensor.dim() < 2 or name.endswith("noise_strength"):
            value = 0.1 * value
        elif "mapping.fc" in name:
            value = 100 * value
        tensor.data.copy_(value)
    return network.eval()


def generator(networks, o):
    g = fill(networks.Generator(
        o["z"], o["labels"], o["w"], o["resolution"], o["image_channels"],
        mapping_kwargs={"num_layers": o["mapping_layers"]},
        synthesis_kwargs={"channel_base": o["channel_base"], "channel_max": o["channel_max"],
                          "conv_clamp": o["clamp"] or None}))
    labels = numbers("labels", 4, o["labels"]) if o["labels"] else torch.zeros(4, 0)
    ws = g.mapping(numbers("z", 4, o["z"]), labels, truncation_psi=o["psi"])
    ws = torch.cat([ws[:2, :3], ws[2:, 3:]], dim=1)  # two images, each of two styles
    return g, g.synthesis(ws, noise_mode=o["noise"])


def discriminator(networks, o):
    d = fill(networks.Discriminator(
        o["labels"], o["resolution"], o["image_channels"], architecture=o["discriminator"],
        channel_base=o["channel_base"], channel_max=o["channel_max"], conv_clamp=o["clamp"] or None,
        epilogue_kwargs={"mbstd_group_size": o["group"]}))
    images = numbers("images", 8, o["image_channels"], o["resolution"], o["resolution"])
    labels = numbers("labels", 8, o["labels"]) if o["labels"] else torch.zeros(8, 0)
    return d, d(images, labels)


SMALL = {"resolution": 16, "image_channels": 1, "z": 24, "w": 32, "mapping_layers": 2, "channel_base": 512,
         "channel_max": 40, "labels": 0, "discriminator": "resnet", "group": 4, "clamp": 0, "psi": 1, "noise": "const"}
FULL = {**SMALL, "resolution": 64, "z": 512, "w": 512, "channel_base": 16384, "channel_max": 512}
CASES = {
    "plain": SMALL,
    "labels, truncation, no noise": {**SMALL, "resolution": 32, "image_channels": 2, "labels": 5, "mapping_layers": 3,
                                     "psi": 0.7, "noise": "none"},
    "without residual branches, one group, clamped": {**SMALL, "image_channels": 3, "discriminator": "orig",
                                                      "group": 32, "clamp": 0.5},
}
FULL_CASES = {
    "64x64": FULL, "128x128": {**FULL, "resolution": 128}, "256x256": {**FULL, "resolution": 256},
    "CIFAR-10": {**FULL, "resolution": 32, "image_channels": 3, "channel_base": 32768, "discriminator": "orig",
                 "group": 32},
}


def case(name, options, stride, networks):
    with torch.no_grad():
        g, image = generator(networks, options)
        d, scores = discriminator(networks, options)
    count = lambda network: sum(p.numel() for p in network.parameters())
    return {"name": name, "options": options, "generator_parameters": count(g), "discriminator_parameters": count(d),
            "image": {"stride": stride, "output": rounded(image, stride)},
            "scores": {"stride": 1, "output": rounded(scores, 1)}}


if __name__ == "__main__":
    full = "--full" in sys.argv
    sys.path.insert(0, os.path.abspath(next(word for word in sys.argv[1:] if not word.startswith("--"))))
    warnings.simplefilter("ignore")
    from training import networks
    cases = [case(name, o, 1 if full else 7, networks) for name, o in (FULL_CASES if full else CASES).items()]
    print(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1))
