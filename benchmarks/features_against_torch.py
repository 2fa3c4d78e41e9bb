"""SqueezeNet's features by nodulus against plain PyTorch, on this machine, run in turn.

    /usr/bin/python3 benchmarks/features_against_torch.py build/dev/benchmarks/bench_features [side] [rounds]

The PyTorch side is what one would write: SqueezeNet 1.0 with three channels, the grey image repeated, float32. Speed does
not depend on the weights, which are random here. Prints every round and the medians.
"""
import statistics
import subprocess
import sys
import time

import torch


class Fire(torch.nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = torch.nn.Conv2d(inputs, squeeze, 1)
        self.one = torch.nn.Conv2d(squeeze, expand, 1)
        self.three = torch.nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.one(x)), torch.relu(self.three(x))], 1)


def network():
    pool = lambda: torch.nn.MaxPool2d(3, 2, ceil_mode=True)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 96, 7, stride=2), torch.nn.ReLU(), pool(), Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128),
        pool(), Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), pool(), Fire(512, 64, 256))


def rate(net, side, images=128, batch=32):
    x = torch.rand(batch, 1, side, side)
    with torch.no_grad():
        net(x.repeat(1, 3, 1, 1))
        began = time.perf_counter()
        for _ in range(0, images, batch):
            net(x.repeat(1, 3, 1, 1)).mean((2, 3))
        return images / (time.perf_counter() - began)


def main():
    program = sys.argv[1]
    side = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    torch.set_num_threads(2)
    net = network()
    ours, theirs = [], []
    for _ in range(rounds):
        said = subprocess.run([program, str(side), "128", "1"], check=True, capture_output=True, text=True).stdout
        ours.append(float(said.split()[-1]))
        theirs.append(rate(net, side))
        print(f"nodulus {ours[-1]:.1f}, PyTorch {theirs[-1]:.1f} images/s")
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"medians: nodulus {a:.1f}, PyTorch {b:.1f} images/s, ratio {a / b:.2f}")


main()
