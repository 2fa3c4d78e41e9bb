"""Names, shapes and outputs of other programs' networks, by their authors' own code.

    git clone https://github.com/yang-song/score_sde_pytorch && git -C score_sde_pytorch checkout cb1f359
    git clone https://github.com/openai/guided-diffusion && git -C guided-diffusion checkout 22e0df8
    git clone https://github.com/NVlabs/stylegan2-ada-pytorch && git -C stylegan2-ada-pytorch checkout d72cc7d
    /usr/bin/python3 tests/models/foreign_golden.py score_sde_pytorch guided-diffusion stylegan2-ada-pytorch \
        > tests/models/foreign_golden.json

Nothing of these repositories is stored here but the names and shapes of their state dicts and the numbers that they
give. Weights are functions of *their* names, so that a test that fills a state dict in the same way, imports it and
gets the same numbers has every name, order and transposition right. They run as they are, in float32 on the CPU, but
for what score_sde_golden.py mends. improved-diffusion's U-Net has the same names and, with the older order of
attention's outputs and convolutions between levels, the same mathematics as guided-diffusion's.
"""
import json
import math
import os
import sys
import warnings

import torch

from golden_weights import derive_seed, image, normal, rounded
from score_sde_golden import NCSNPP, SMALL, configuration, load_reference


def numbers(name, *shape):
    return torch.tensor(normal(derive_seed(0, name), math.prod(shape))).reshape(shape).float()


def fill(network, layout):
    """The numbers that foreign_numbers() of golden.cpp gives the tensor of this name."""
    for name, tensor in network.state_dict().items():
        if name == "sigmas" or name.endswith("resample_filter"):
            continue
        value = numbers(name, *tensor.shape)
        if layout == "stylegan2-ada":
            if name.endswith("affine.bias"):
                value = 1 + 0.1 * value
            elif tensor.dim() < 2:
                value = 0.1 * value
            elif "mapping.fc" in name:
                value = 100 * value
        elif tensor.dim() > 1:
            value = value / math.sqrt(tensor.shape[0] if name.endswith(".W") else math.prod(tensor.shape[1:]))
        elif name.endswith(".W"):
            value = 16 * value
        else:
            value = 0.1 * value + (1 if name.endswith("weight") else 0)
        tensor.copy_(value)
    return network.eval()


def entry(name, layout, options, network, outputs):
    return {"name": name, "layout": layout, "options": options,
            "tensors": {key: list(value.shape) for key, value in network.state_dict().items()}, **outputs}


def uncentred_score_sde(name, options, ncsnpp):
    """As configs/default_*_configs.py have images for VE, from 0 to 1, in whose scale sigma is half of ours; and with
    the output over sigma: a score, from which the denoised image follows by Tweedie's formula."""
    config = configuration(options)
    config.data.centered = False
    config.model.scale_by_sigma = True
    network = fill(ncsnpp.NCSNpp(config), "score-sde")
    x = (image(2, options["image_channels"], options["resolution"], options["resolution"]).float() + 1) / 2
    sigma = torch.tensor([0.07, 1.9])
    score = network(x, sigma)
    each = sigma.view(2, 1, 1, 1)
    return entry(name, "score-sde", {**options, "centered": False}, network,
                 {"sigma": rounded(2 * sigma, 1), "c_noise": rounded(torch.log(2 * sigma), 1), "stride": 7,
                  "output": rounded(score * each, 7), "denoised": rounded(2 * (x + each ** 2 * score) - 1, 7)})


def score_sde(name, options, ncsnpp):
    network = fill(ncsnpp.NCSNpp(configuration(options)), "score-sde")
    x = image(2, options["image_channels"], options["resolution"], options["resolution"]).float()
    if options["embedding"] == "fourier":
        sigma = torch.tensor([0.05, 21.5])
        c_noise, y = torch.log(sigma), network(x, sigma)
    else:
        c_noise = torch.tensor([3.0, 871.5])
        y = network(x, c_noise)
    return entry(name, "score-sde", options, network,
                 {"c_noise": rounded(c_noise, 1), "stride": 7, "output": rounded(y, 7)})


def adm(name, o, unet):
    network = fill(unet.UNetModel(
        image_size=o["resolution"], in_channels=o["image_channels"], model_channels=o["channels"],
        out_channels=o["image_channels"] * (2 if o["learn_sigma"] else 1), num_res_blocks=o["blocks"],
        attention_resolutions=[o["resolution"] // r for r in o["attention"]], channel_mult=o["multipliers"],
        num_heads=o["heads"], num_head_channels=o["head_channels"] or -1, use_scale_shift_norm=o["scale_shift"],
        resblock_updown=o["block"] == "biggan", use_new_attention_order=not o["heads_first"]), "adm")
    # A faint image: the norms' epsilon shows.
    x = 0.01 * image(2, o["image_channels"], o["resolution"], o["resolution"]).float()
    c_noise = torch.tensor([3.0, 871.5])
    y = network(x, c_noise)[:, :o["image_channels"]]
    return entry(name, "adm", o, network, {"input_scale": 0.01, "parameters": sum(p.numel() for p in network.parameters()),
                                           "c_noise": rounded(c_noise, 1), "stride": 7, "output": rounded(y, 7)})


def stylegan2(prefix, o, networks):
    common = {"channel_base": o["channel_base"], "channel_max": o["channel_max"], "conv_clamp": o.get("clamp")}
    g = fill(networks.Generator(o["z"], 0, o["w"], o["resolution"], o["image_channels"],
                                mapping_kwargs={"num_layers": o["mapping_layers"]}, synthesis_kwargs=common),
             "stylegan2-ada")
    d = fill(networks.Discriminator(0, o["resolution"], o["image_channels"], **common), "stylegan2-ada")
    y = g(numbers("z", 2, o["z"]), torch.zeros(2, 0), truncation_psi=0.7, noise_mode="const")
    scores = d(numbers("images", 4, o["image_channels"], o["resolution"], o["resolution"]), torch.zeros(4, 0))
    return [entry(prefix + "generator", "stylegan2-ada", o, g, {"stride": 7, "output": rounded(y, 7)}),
            entry(prefix + "discriminator", "stylegan2-ada", o, d, {"stride": 1, "output": rounded(scores, 1)})]


SONG = {**SMALL, "multipliers": [1, 2]}
ADM = {"image_channels": 2, "resolution": 16, "channels": 32, "multipliers": [1, 2], "blocks": 1, "attention": [8],
       "block": "biggan", "heads": 4, "head_channels": 0, "scale_shift": True, "heads_first": True,
       "learn_sigma": True}
SCORE_SDE_CASES = {
    "DDPM++": SONG,
    "NCSN++": {**SONG, **NCSNPP},
    "NCSN++ of larger images": {**SONG, **NCSNPP, "progressive": "output_skip", "progressive_input": "input_skip"},
    "ddpm blocks": {**SONG, "block": "ddpm", "skip_rescale": False},
    "residual output": {**SONG, "block": "ddpm", "progressive": "residual"},
}
ADM_CASES = {
    "guided-diffusion": ADM,
    "heads by their channels in the new order": {**ADM, "heads": 1, "head_channels": 16, "heads_first": False,
                                                 "learn_sigma": False, "multipliers": [2, 3]},
    "improved-diffusion": {**ADM, "block": "ddpm", "scale_shift": False, "learn_sigma": False, "blocks": 2},
}
STYLEGAN2 = {"resolution": 16, "image_channels": 1, "z": 24, "w": 32, "mapping_layers": 2, "channel_base": 512,
             "channel_max": 40}


def compact(cases):
    """JSON with one line a tensor and the outputs of a case on one line."""
    text = json.dumps({"torch": torch.__version__, "cases": cases}, indent=1)
    out, depth = [], 0
    for line in text.split("\n"):
        if depth:
            out[-1] += line.strip() if out[-1].endswith("[") else " " + line.strip()
        else:
            out.append(line)
        if line.rstrip().endswith("[") and '"cases"' not in line:
            depth += 1
        elif depth and line.strip().rstrip(",") == "]":
            depth -= 1
            out[-1] = out[-1].replace(" ]", "]")
    return "\n".join(out)


if __name__ == "__main__":
    song, dhariwal, karras = sys.argv[1:4]
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    with torch.no_grad():
        _, ncsnpp = load_reference(song)
        cases = [score_sde(name, o, ncsnpp) for name, o in SCORE_SDE_CASES.items()]
        cases.append(uncentred_score_sde("NCSN++ of uncentred images", {**SONG, **NCSNPP}, ncsnpp))
        sys.path.insert(0, os.path.abspath(dhariwal))
        from guided_diffusion import unet
        cases += [adm(name, o, unet) for name, o in ADM_CASES.items()]
        sys.path.insert(0, os.path.abspath(karras))
        from training import networks
        cases += stylegan2("", STYLEGAN2, networks)
        cases += stylegan2("clamped ", {**STYLEGAN2, "clamp": 2}, networks)
    print(compact(cases))
