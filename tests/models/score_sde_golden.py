"""Golden outputs of DDPM++ and NCSN++, by the authors' own code on weights that our networks share.

    git clone https://github.com/yang-song/score_sde_pytorch && git -C score_sde_pytorch checkout cb1f359
    /usr/bin/python3 tests/models/score_sde_golden.py score_sde_pytorch > tests/models/score_sde_golden.json

Nothing of that repository is stored here but the numbers that it gives. It is run as it is, in float32 on the CPU, but
for three things that this script changes:
  - op/ compiles CUDA code when it is imported: the compiler is kept from running. On the CPU op.upfirdn2d does not use
    what it would have made, and nothing here uses op.fused_act.
  - up_or_down_sampling.upsample_conv_2d, which no published setting reaches, cannot run: it turns an array around by
    negative strides, which PyTorch refuses, and passes four strides where two are expected. It is mended.
  - layerspp.Upsample without FIR, which none reaches either, hands F.interpolate its mode in the scale's place: mended.

With --full the cases are the published CIFAR-10 settings, for a check by hand: write them over the JSON file, run
test_models, and put the file back.
"""
import json
import os
import sys
from types import SimpleNamespace

import torch
import torch.nn.functional as F
import torch.utils.cpp_extension

from golden_weights import fourier_frequencies, image, parameter, rounded


def load_reference(folder):
    sys.path.insert(0, os.path.abspath(folder))
    torch.utils.cpp_extension.load = lambda *_, **__: None
    from models import layerspp, ncsnpp, up_or_down_sampling
    from op import upfirdn2d

    def upsample_conv_2d(x, w, k=None, factor=2, gain=1):
        kernel = up_or_down_sampling._setup_kernel(k) * (gain * factor ** 2)
        p = (kernel.shape[0] - factor) - (w.shape[3] - 1)
        h = F.conv_transpose2d(x, torch.flip(w, [2, 3]).transpose(0, 1), stride=factor)
        return upfirdn2d(h, torch.tensor(kernel), pad=((p + 1) // 2 + factor - 1, p // 2 + 1))

    up_or_down_sampling.upsample_conv_2d = upsample_conv_2d
    layerspp.F = SimpleNamespace(**vars(F))
    layerspp.F.interpolate = lambda x, size, mode: F.interpolate(x, size, mode=mode)
    return layerspp, ncsnpp


def configuration(o):
    model = SimpleNamespace(
        nf=o["channels"], ch_mult=o["multipliers"], num_res_blocks=o["blocks"], attn_resolutions=o["attention"],
        dropout=0.1, resamp_with_conv=True, conditional=True, fir=o["fir"], fir_kernel=[1, 3, 3, 1],
        skip_rescale=o["skip_rescale"], resblock_type=o["block"], progressive=o["progressive"],
        progressive_input=o["progressive_input"], progressive_combine=o["progressive_combine"],
        embedding_type=o["embedding"], fourier_scale=16, init_scale=0.0, nonlinearity="swish", sigma_min=0.01,
        sigma_max=50, num_scales=1000, scale_by_sigma=False)
    data = SimpleNamespace(image_size=o["resolution"], num_channels=o["image_channels"], centered=True)
    return SimpleNamespace(model=model, data=data, training=SimpleNamespace(continuous=True))


class Names:
    """Hands our names to the reference's list of modules, in the order in which both pass through them."""

    def __init__(self, network, options):
        self.modules = iter(network.all_modules)
        self.options = options
        self.count = 0

    def fill(self, tensor, name):
        tensor.data.copy_(parameter(name, *tensor.shape))
        self.count += tensor.numel()

    def layer(self, module, name):
        """A convolution, linear layer or norm; for a NIN, W [in, out] is our [out, in, 1, 1]."""
        if hasattr(module, "W"):
            value = parameter(name + ".weight", module.W.shape[1], module.W.shape[0], 1, 1)
            module.W.data.copy_(value[:, :, 0, 0].t())
            self.fill(module.b, name + ".bias")
            self.count += module.W.numel()
            return
        self.fill(module.weight, name + ".weight")
        self.fill(module.bias, name + ".bias")

    def next_layer(self, name):
        self.layer(next(self.modules), name)

    def residual(self, name):
        m = next(self.modules)
        for theirs, ours in (("GroupNorm_0", "norm1"), ("Conv_0", "conv1"), ("Dense_0", "time"),
                             ("GroupNorm_1", "norm2"), ("Conv_1", "conv2"), ("Conv_2", "shortcut"),
                             ("NIN_0", "shortcut")):
            if hasattr(m, theirs):
                self.layer(getattr(m, theirs), f"{name}.{ours}")

    def attention(self, name):
        m = next(self.modules)
        self.layer(m.GroupNorm_0, name + ".norm")
        self.layer(m.NIN_3, name + ".projection")
        c = m.NIN_0.W.shape[0]
        weight = parameter(name + ".query_key_value.weight", 3 * c, c, 1, 1)[:, :, 0, 0].chunk(3)
        bias = parameter(name + ".query_key_value.bias", 3 * c).chunk(3)
        for nin, w, b in zip((m.NIN_0, m.NIN_1, m.NIN_2), weight, bias):
            nin.W.data.copy_(w.t())
            nin.b.data.copy_(b)
            self.count += nin.W.numel() + nin.b.numel()

    def resampling(self, name):
        m = next(self.modules)
        self.layer(m.Conv2d_0 if self.options["fir"] else m.Conv_0, name + ".conv")

    def level_change(self, name):
        (self.residual if self.options["block"] == "biggan" else self.resampling)(name)

    def walk(self):
        o = self.options
        levels = len(o["multipliers"])
        if o["embedding"] == "fourier":
            next(self.modules).W.data.copy_(fourier_frequencies(o["channels"], 16))
        for name in ("time1", "time2", "conv_in"):
            self.next_layer(name)
        for level in range(levels):
            attends = o["resolution"] >> level in o["attention"]
            for block in range(o["blocks"]):
                self.residual(f"down{level}_{block}")
                if attends:
                    self.attention(f"down{level}_{block}_attention")
            if level + 1 < levels:
                self.level_change(f"downsample{level}")
                if o["progressive_input"] == "input_skip":
                    self.layer(next(self.modules).Conv_0, f"input_combine{level}")
                elif o["progressive_input"] == "residual":
                    self.resampling(f"input_downsample{level}")
        self.residual("middle1")
        self.attention("middle_attention")
        self.residual("middle2")
        for level in reversed(range(levels)):
            for block in range(o["blocks"] + 1):
                self.residual(f"up{level}_{block}")
            if o["resolution"] >> level in o["attention"]:
                self.attention(f"up{level}_{o['blocks']}_attention")
            if o["progressive"] == "output_skip" or (o["progressive"] == "residual" and level + 1 == levels):
                self.next_layer(f"output{level}_norm")
                self.next_layer(f"output{level}_conv")
            elif o["progressive"] == "residual":
                self.resampling(f"output{level}")
            if level > 0:
                self.level_change(f"upsample{level}")
        if o["progressive"] != "output_skip":
            self.next_layer("norm_out")
            self.next_layer("conv_out")
        assert next(self.modules, None) is None
        return self.count


SMALL = {"image_channels": 2, "resolution": 16, "channels": 16, "multipliers": [1, 2, 3], "blocks": 1, "attention": [8],
         "block": "biggan", "fir": False, "skip_rescale": True, "embedding": "positional", "progressive": "none",
         "progressive_input": "none", "progressive_combine": "sum"}
FULL = {**SMALL, "image_channels": 3, "resolution": 32, "channels": 128, "multipliers": [1, 2, 2, 2], "blocks": 4,
        "attention": [16]}
NCSNPP = {"fir": True, "embedding": "fourier", "progressive_input": "residual"}
CASES = {
    "DDPM++": {**SMALL, "blocks": 2},
    "NCSN++": {**SMALL, **NCSNPP, "blocks": 2},
    "NCSN++ of larger images": {**SMALL, **NCSNPP, "progressive": "output_skip", "progressive_input": "input_skip"},
    "cat, without FIR": {**SMALL, "progressive": "output_skip", "progressive_input": "input_skip",
                         "progressive_combine": "cat", "skip_rescale": False},
    "ddpm blocks, residual both ways": {**SMALL, "block": "ddpm", "progressive": "residual",
                                        "progressive_input": "residual"},
    "the same with FIR": {**SMALL, "block": "ddpm", "fir": True, "embedding": "fourier", "skip_rescale": False,
                          "progressive": "residual", "progressive_input": "residual"},
    "biggan blocks, residual output with FIR": {**SMALL, "fir": True, "progressive": "residual"},
}
FULL_CASES = {"DDPM++": FULL, "DDPM++ deep": {**FULL, "blocks": 8}, "NCSN++": {**FULL, **NCSNPP},
              "NCSN++ deep": {**FULL, **NCSNPP, "blocks": 8}}


def case(name, options, stride, reference):
    layerspp, ncsnpp = reference
    torch.manual_seed(0)
    network = ncsnpp.NCSNpp(configuration(options)).eval()
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert Names(network, options).walk() == trainable
    x = image(2, options["image_channels"], options["resolution"], options["resolution"]).float()
    with torch.no_grad():
        if options["embedding"] == "fourier":
            sigma = torch.tensor([0.05, 21.5])
            c_noise = torch.log(sigma)  # what the reference does inside
            y = network(x, sigma)
        else:
            c_noise = torch.tensor([3.0, 871.5])
            y = network(x, c_noise)
    return {"name": name, "options": options, "parameters": trainable, "c_noise": rounded(c_noise, 1),
            "stride": stride, "output": rounded(y, stride)}


if __name__ == "__main__":
    full = "--full" in sys.argv
    reference = load_reference(next(word for word in sys.argv[1:] if not word.startswith("--")))
    cases = [case(name, o, 1 if full else 23, reference) for name, o in (FULL_CASES if full else CASES).items()]
    print(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1))
