""
        "The phases of a StyleGAN2 step by NVIDIA's own code and by ours, in one run on one machine.

        git clone https :  // github.com/NVlabs/stylegan2-ada-pytorch
                           /
                           usr / bin / python3 benchmarks / gan_phases_against_nvidia.py stylegan2 -
    ada -
    pytorch build / dev / benchmarks /
        bench_gan_phases[rounds]

        Theirs runs as it is,
    on the CPU,
    where its operations fall back to plain PyTorch.R1 through the augmentation needs a second derivative of grid_sample
        that it finds in old releases of PyTorch alone : where it fails,
    that is printed.The two take turns, a process each; medians over the rounds.
"""
import os
import re
import statistics
import subprocess
import sys
import time
import warnings

import torch


def load(folder):
    sys.path.insert(0, os.path.abspath(folder))
    warnings.simplefilter("ignore")
    from torch_utils.ops import conv2d_gradfix, grid_sample_gradfix
    from training import augment, loss, networks
    conv2d_gradfix.enabled = True
    grid_sample_gradfix.enabled = True
    synthesis = {"channel_base": 4096, "channel_max": 128}
    g = networks.Generator(128, 0, 128, 64, 1, mapping_kwargs={"num_layers": 2}, synthesis_kwargs=synthesis)
    d = networks.Discriminator(0, 64, 1, epilogue_kwargs={"mbstd_group_size": 4}, **synthesis)
    pipe = augment.AugmentPipe(xflip=1, rotate90=1, xint=1, scale=1, rotate=1, aniso=1, xfrac=1, brightness=1,
                               contrast=1, lumaflip=1, hue=1, saturation=1)
    pipe.p.copy_(torch.tensor(0.3))
    g.train(), d.train()
    step = loss.StyleGAN2Loss("cpu", g.mapping, g.synthesis, d, pipe, r1_gamma=1)
    return g, d, step


def theirs(folder):
    g, d, step = load(folder)
    ratio = {"G": 4 / 5, "D": 16 / 17}
    adam = {k: torch.optim.Adam(m.parameters(), lr=0.0025 * ratio[k], betas=(0, 0.99 ** ratio[k]))
            for k, m in (("G", g), ("D", d))}
    seconds = {}
    for phase, key in (("Gmain", "G"), ("Greg", "G"), ("Dmain", "D"), ("Dreg", "D")):
        times = []
        try:
            for _ in range(4):
                g.requires_grad_(key == "G"), d.requires_grad_(key == "D")
                start = time.time()
                adam[key].zero_grad(set_to_none=True)
                step.accumulate_gradients(phase=phase, real_img=torch.randn(8, 1, 64, 64), real_c=torch.zeros(8, 0),
                                          gen_z=torch.randn(8, 128), gen_c=torch.zeros(8, 0), sync=True, gain=1)
                adam[key].step()
                times.append(time.time() - start)
            seconds[phase] = statistics.median(times[1:])
        except RuntimeError as error:
            seconds[phase] = str(error).split("\n")[0]
    for name, value in seconds.items():
        print(f"{name}: {value}")


def main():
    if sys.argv[1] == "--theirs":
        return theirs(sys.argv[2])
    folder, program = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    names = {"Gmain": "generator", "Greg": "path length", "Dmain": "discriminator", "Dreg": "R1"}
    found = {name: ([], []) for name in names}
    failed = {}
    for _ in range(rounds):
        text = subprocess.run([sys.executable, __file__, "--theirs", folder], capture_output=True, text=True).stdout
        for name, value in re.findall(r"^(\w+): (.*)$", text, re.M):
            try:
                found[name][0].append(float(value))
            except ValueError:
                failed[name] = value
        text = subprocess.run([program, "0.3", "3"], capture_output=True, text=True).stdout
        for name, ours in names.items():
            found[name][1].append(float(re.search(rf"^{ours} +([\d.]+) s", text, re.M).group(1)))
    for name, (them, us) in found.items():
        ours = statistics.median(us)
        if them:
            other = statistics.median(them)
            print(f"{names[name]:14} theirs {other:.3f} s   ours {ours:.3f} s   {ours / other:.2f} of theirs")
        else:
            print(f"{names[name]:14} theirs: {failed.get(name, 'did not run')}   ours {ours:.3f} s")


if __name__ == "__main__":
    torch.set_num_threads(os.cpu_count())
    main()
