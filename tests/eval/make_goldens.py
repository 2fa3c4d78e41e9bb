#!/usr/bin/python3
"""What the tests of eval/ compare with, made by Debian's python3-torch (1.13) without torchvision.

  tests/eval/make_goldens.py

writes tests/eval/inception_golden.json, the features of an Inception v3 that is written down here once more, in colour,
with batch norms and in float64, whose weights come from a formula that the test has too; and tests/eval/data/: small
state dicts in both containers and small TorchScript modules.
"""
import collections
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
data = here / "data"


def noise(tensor, count):
    """Numbers in [-0.5, 0.5): of tensor number `tensor`, elements 0 to count - 1."""
    h = (np.arange(count, dtype=np.uint64) * 2654435761 + tensor * 40503 + 12345) & 0xFFFFFFFF
    for _ in range(2):
        h = ((h ^ (h >> np.uint64(16))) * np.uint64(0x45D9F3B)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return torch.from_numpy(h.astype(np.float64) / 2.0**32 - 0.5)


class Network:
    """Inception v3 as its paper's figures have it. The first pass lists the convolutions, later ones use weights."""

    def __init__(self, fid):
        self.fid = fid
        self.shapes = {}
        self.weights = None

    def conv(self, x, name, out, size=1, stride=1, padding=0):
        size = (size, size) if isinstance(size, int) else size
        self.shapes[name] = [out, x.shape[1], *size]
        if self.weights is None:
            h, w = (1 + (n + 2 * p - k) // stride for n, k, p in
                    zip(x.shape[2:], size, (padding, padding) if isinstance(padding, int) else padding))
            return torch.zeros(x.shape[0], out, h, w).double()
        w = self.weights
        y = F.conv2d(x, w[name + ".conv.weight"], None, stride, padding)
        y = F.batch_norm(y, w[name + ".bn.running_mean"], w[name + ".bn.running_var"], w[name + ".bn.weight"],
                         w[name + ".bn.bias"], False, 0.0, 0.001)
        return F.relu(y)

    def average(self, x):
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=not self.fid)

    def a(self, x, b, pooled):
        one = self.conv(x, b + "branch1x1", 64)
        five = self.conv(self.conv(x, b + "branch5x5_1", 48), b + "branch5x5_2", 64, 5, padding=2)
        three = self.conv(self.conv(x, b + "branch3x3dbl_1", 64), b + "branch3x3dbl_2", 96, 3, padding=1)
        three = self.conv(three, b + "branch3x3dbl_3", 96, 3, padding=1)
        pool = self.conv(self.average(x), b + "branch_pool", pooled)
        return torch.cat([one, five, three, pool], 1)

    def b(self, x, b):
        three = self.conv(x, b + "branch3x3", 384, 3, 2)
        double = self.conv(self.conv(x, b + "branch3x3dbl_1", 64), b + "branch3x3dbl_2", 96, 3, padding=1)
        double = self.conv(double, b + "branch3x3dbl_3", 96, 3, 2)
        return torch.cat([three, double, F.max_pool2d(x, 3, 2)], 1)

    def c(self, x, b, inner):
        wide, high = dict(size=(1, 7), padding=(0, 3)), dict(size=(7, 1), padding=(3, 0))
        one = self.conv(x, b + "branch1x1", 192)
        seven = self.conv(self.conv(x, b + "branch7x7_1", inner), b + "branch7x7_2", inner, **wide)
        seven = self.conv(seven, b + "branch7x7_3", 192, **high)
        double = self.conv(x, b + "branch7x7dbl_1", inner)
        double = self.conv(double, b + "branch7x7dbl_2", inner, **high)
        double = self.conv(double, b + "branch7x7dbl_3", inner, **wide)
        double = self.conv(double, b + "branch7x7dbl_4", inner, **high)
        double = self.conv(double, b + "branch7x7dbl_5", 192, **wide)
        pool = self.conv(self.average(x), b + "branch_pool", 192)
        return torch.cat([one, seven, double, pool], 1)

    def d(self, x, b):
        three = self.conv(self.conv(x, b + "branch3x3_1", 192), b + "branch3x3_2", 320, 3, 2)
        seven = self.conv(self.conv(x, b + "branch7x7x3_1", 192), b + "branch7x7x3_2", 192, (1, 7), padding=(0, 3))
        seven = self.conv(seven, b + "branch7x7x3_3", 192, (7, 1), padding=(3, 0))
        seven = self.conv(seven, b + "branch7x7x3_4", 192, 3, 2)
        return torch.cat([three, seven, F.max_pool2d(x, 3, 2)], 1)

    def e(self, x, b, last):
        wide, high = dict(size=(1, 3), padding=(0, 1)), dict(size=(3, 1), padding=(1, 0))
        one = self.conv(x, b + "branch1x1", 320)
        three = self.conv(x, b + "branch3x3_1", 384)
        three = [self.conv(three, b + "branch3x3_2a", 384, **wide), self.conv(three, b + "branch3x3_2b", 384, **high)]
        double = self.conv(self.conv(x, b + "branch3x3dbl_1", 448), b + "branch3x3dbl_2", 384, 3, padding=1)
        double = [self.conv(double, b + "branch3x3dbl_3a", 384, **wide),
                  self.conv(double, b + "branch3x3dbl_3b", 384, **high)]
        pooled = F.max_pool2d(x, 3, 1, 1) if last and self.fid else self.average(x)
        return torch.cat([one, *three, *double, self.conv(pooled, b + "branch_pool", 192)], 1)

    def features(self, x):
        x = F.interpolate(x.repeat(1, 3, 1, 1), size=(299, 299), mode="bilinear", align_corners=False)
        x = self.conv(x, "Conv2d_1a_3x3", 32, 3, 2)
        x = self.conv(x, "Conv2d_2a_3x3", 32, 3)
        x = F.max_pool2d(self.conv(x, "Conv2d_2b_3x3", 64, 3, padding=1), 3, 2)
        x = self.conv(self.conv(x, "Conv2d_3b_1x1", 80), "Conv2d_4a_3x3", 192, 3)
        x = F.max_pool2d(x, 3, 2)
        for name, pooled in (("b", 32), ("c", 64), ("d", 64)):
            x = self.a(x, f"Mixed_5{name}.", pooled)
        x = self.b(x, "Mixed_6a.")
        for name, inner in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
            x = self.c(x, f"Mixed_6{name}.", inner)
        x = self.d(x, "Mixed_7a.")
        x = self.e(x, "Mixed_7b.", False)
        x = self.e(x, "Mixed_7c.", True)
        return x.mean((2, 3))


def formula(shapes):
    """Tensors are numbered in the order of their names."""
    sizes = {}
    for name, shape in shapes.items():
        sizes[name + ".conv.weight"] = shape
        for part in ("weight", "bias", "running_mean", "running_var"):
            sizes[f"{name}.bn.{part}"] = shape[:1]
    weights = {}
    for index, name in enumerate(sorted(sizes)):
        size = sizes[name]
        u = noise(index, int(np.prod(size))).view(size)
        if name.endswith("conv.weight"):
            u = u * (24 / np.prod(size[1:])) ** 0.5
        elif name.endswith(("bn.weight", "running_var")):
            u = 1 + 0.4 * u
        else:
            u = 0.4 * u
        weights[name] = u.float().double()  # what float32 can hold
    return weights


def image(phase, height, width):
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    wave = 0.8 * torch.sin(0.31 * x + phase) * torch.cos(0.23 * y - phase) + 0.002 * x
    return wave[None, None].float().double()


def inception_golden():
    found = {}
    for variant in ("fid", "torchvision"):
        network = Network(variant == "fid")
        network.features(torch.zeros(1, 1, 8, 8).double())
        network.weights = formula(network.shapes)
        found["convolutions"] = network.shapes
        found[variant] = []
        for phase, height, width in ((0.5, 64, 64), (0.9, 70, 90)):
            f = network.features(image(phase, height, width))[0]
            found[variant].append({"phase": phase, "height": height, "width": width, "sum": f.sum().item(),
                                   "squares": f.square().sum().item(), "every_50th": f[::50].tolist()})
    rows = [f'  {json.dumps(k)}: {json.dumps(v)}' for k, v in found.pop("convolutions").items()]
    text = json.dumps(found, indent=1)
    (here / "inception_golden.json").write_text('{\n "convolutions": {\n' + ",\n".join(rows) + "},\n" + text[2:] + "\n")


def state_dicts():
    base = torch.arange(24, dtype=torch.float32)
    tensors = collections.OrderedDict([
        ("float", torch.tensor([[1.5, -2.0, 3.0], [0.25, 1e-3, 7.0]])),
        ("half", torch.tensor([0.5, -1.0, 65504.0]).half()),
        ("double", torch.tensor(0.1, dtype=torch.float64)),
        ("num_batches_tracked", torch.tensor(1234567890123)),
        ("tail", base[16:]), ("turned", base.view(4, 6).t()), ("empty", torch.zeros(0, 5)),
        ("parameter", torch.nn.Parameter(torch.tensor([9.0, 8.0])))])
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)).state_dict()  # with _metadata
    for key in list(module):
        module[key] = torch.full_like(module[key], len(key))
    nested = {"epoch": 3, "rate": 0.5, "best": None, "state_dict": {"module." + k: v for k, v in module.items()},
              "done": [True, False, (1, 2, -70000)]}
    for name, newer in (("zip", True), ("old", False)):
        torch.save(tensors, data / f"{name}.pth", _use_new_zipfile_serialization=newer)
        torch.save(nested, data / f"{name}_nested.pth", _use_new_zipfile_serialization=newer)
    torch.save({"b": torch.zeros(2, dtype=torch.int32)}, data / "int32.pth")
    trained_state()
    shared_storage()


def shared_storage():
    """A file of one matrix that would unfold to twenty."""
    matrix = torch.arange(32.0 * 32).view(32, 32)
    torch.save({str(i): matrix.t() for i in range(20)}, data / "shared_storage.pth")


def trained_state():
    """What score_sde_pytorch saves: a network in DataParallel, Adam's state, the moving averages in a list."""
    network = torch.nn.DataParallel(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)))
    network.module.register_buffer("sigmas", torch.arange(4.0))
    for number, parameter in enumerate(network.parameters()):
        parameter.data.fill_(number + 1)
    adam = torch.optim.Adam(network.parameters(), lr=2e-4)
    network(torch.ones(1, 3)).sum().backward()
    adam.step()
    for number, parameter in enumerate(network.parameters()):
        parameter.data.fill_(number + 1)
    averages = [torch.full_like(parameter.data, 10.0 * (number + 1))
                for number, parameter in enumerate(network.parameters())]
    torch.save({"optimizer": adam.state_dict(), "model": network.state_dict(),
                "ema": {"decay": 0.9999, "num_updates": 1, "shadow_params": averages}, "step": 1},
               data / "trained_state.pth")


class Good(torch.nn.Module):
    def forward(self, x):
        assert x.dtype == torch.uint8 and x.size(1) == 3, "expected bytes in three channels"
        x = x.float()
        return torch.cat([x.mean([2, 3]), x[:, :1].amax([2, 3])], 1).double()


class Flat(torch.nn.Module):
    def forward(self, x):
        return x.float().mean([1, 2, 3])


class Failing(torch.nn.Module):
    def forward(self, x):
        raise RuntimeError("this one never works")
        return x


class Pair(torch.nn.Module):
    def forward(self, x):
        return x, x


class Asked(torch.nn.Module):
    def forward(self, x, return_features: bool = False):
        y = x.float().mean([2, 3])
        return torch.cat([y, y], 1) if return_features else y[:, :2]


class Bytes(torch.nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :4]


class Changing(torch.nn.Module):
    def forward(self, x):
        return x.float().mean(1).flatten(1)


data.mkdir(exist_ok=True)
for kind in (Good, Flat, Failing, Pair, Asked, Bytes, Changing):
    torch.jit.script(kind()).save(str(data / f"{kind.__name__.lower()}.pt"))
state_dicts()
inception_golden()
