"""A DDPM training step of nodulus against the same step in PyTorch, on this machine, run in turn.

    /usr/bin/python3 benchmarks/train_step_against_torch.py build/dev/benchmarks/bench_train_step [channels] [batch] [rounds]

The PyTorch side is what one would write: the U-Net of tests/models/unet_golden.py in float32, autograd, torch.optim.Adam,
clip_grad_norm_ and an exponential moving average in a loop over the parameters. Both sides also time a 2048x2048 float32
matrix product and say which share of its rate the step reaches. Prints every round and the medians.
"""
import math
import os
import re
import statistics
import subprocess
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "models"))
import unet_golden


class Parameters(unet_golden.Weights):
    """Random float32 weights that are kept and trained."""

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get(self, name, *shape):
        if name not in self.kept:
            scale = 0.1 if len(shape) == 1 else 1 / math.sqrt(math.prod(shape[1:]))
            self.kept[name] = (torch.randn(shape) * scale).requires_grad_()
        return self.kept[name]


class Step:
    def __init__(self, channels, batch):
        self.weights = Parameters()
        self.clean = torch.randn(batch, 2, 64, 64)
        self.levels = torch.randint(1000, (batch,))
        self.alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)
        self.channels = channels
        self.loss()  # makes the weights
        self.parameters = list(self.weights.kept.values())
        self.average = [p.detach().clone() for p in self.parameters]
        self.adam = torch.optim.Adam(self.parameters, 2e-4)

    def loss(self):
        noise = torch.randn_like(self.clean)
        a = self.alpha_bar[self.levels][:, None, None, None]
        x = a.sqrt() * self.clean + (1 - a).sqrt() * noise
        t = self.levels.double()
        original = torch.Tensor.double
        torch.Tensor.double = lambda self: self.float()  # the golden network's time embedding, in float32 here
        try:
            found = unet_golden.unet(self.weights, x, t.float(), self.channels, [1, 2, 4])
        finally:
            torch.Tensor.double = original
        return ((found - noise) ** 2).mean()

    def __call__(self):
        self.adam.zero_grad(set_to_none=True)
        self.loss().backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()
        with torch.no_grad():
            for average, parameter in zip(self.average, self.parameters):
                average.lerp_(parameter, 0.001)


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    program = sys.argv[1]
    channels, batch, rounds = [int(v) for v in (sys.argv[2:] + ["32", "8", "5"][len(sys.argv) - 2:])]
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    step = Step(channels, batch)
    step()
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    ours, theirs, shares = [], [], []
    for _ in range(rounds):
        said = subprocess.run([program, "ddpm", str(channels), str(batch), "3"], check=True, capture_output=True, text=True).stdout
        flop = float(re.search(r"([\d.]+) a step", said)[1]) * 1e9
        ours.append(float(re.search(r"step: ([\d.]+) s", said)[1]))
        own_share = int(re.search(r"(\d+) %", said)[1])
        theirs.append(statistics.median(seconds(step) for _ in range(3)))
        product = statistics.median(seconds(lambda: a @ b) for _ in range(3))
        share = 100 * flop / theirs[-1] / (2 * 2048 ** 3 / product)
        shares.append((own_share, share))
        print(f"nodulus {ours[-1]:.3f} s ({own_share} % of sgemm)   PyTorch {theirs[-1]:.3f} s ({share:.0f} %)", flush=True)
    median = statistics.median
    print(f"{channels} channels, batch {batch}, {torch.get_num_threads()} threads, torch {torch.__version__}; medians of {rounds}:")
    print(f"nodulus {median(ours):.3f} s ({median(s[0] for s in shares):.0f} % of sgemm), PyTorch {median(theirs):.3f} s "
          f"({median(s[1] for s in shares):.0f} %), ratio {median(t / o for o, t in zip(ours, theirs)):.2f}")


if __name__ == "__main__":
    main()
