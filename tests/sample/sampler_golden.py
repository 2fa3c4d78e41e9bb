"""Golden trajectories of the samplers, by the programs that were published with them, which are run and not copied.

    /usr/bin/python3 tests/sample/sampler_golden.py FOLDER > tests/sample/sampler_golden.json

FOLDER holds these files (`git show COMMIT:PATH`):
    huggingface/diffusers 58eb52c0803ea9af3abec60841c2a093bdf1f951, src/diffusers/schedulers/
        scheduling_ddim.py, scheduling_dpmsolver_multistep.py, scheduling_unipc_multistep.py
    NVlabs/edm 008a4e5316c8e3bfe61a62f874bddba254295afb
        generate.py as edm_generate.py
    crowsonkb/k-diffusion 4601bf085320592473f681a62808ed873d17fad5
        k_diffusion/sampling.py as k_diffusion_sampling.py
    yang-song/score_sde_pytorch cb1f359f4aadf0ff9a5e122fe8fffc9451fd6e44
        sampling.py as score_sde_sampling.py, models/utils.py as score_sde_models.py, sde_lib.py
What is changed in them as they are loaded: "float32" is read as "float64"; what they import and do not need here is an
empty module. Made with PyTorch 1.13, NumPy 1.24, SciPy 1.10.

The denoiser is that of a mixture of two Gaussians, in closed form. Every call to it is recorded as (sigma, x) in the
unscaled form x = clean + sigma noise, whatever the program's own scale is; noise number i is the i-th that the program
draws. Where a program ends otherwise than we do (its last step to level 0), its last step is left out and D put there.
"""
import ast
import functools
import importlib.machinery
import inspect
import json
import math
import pathlib
import sys
import types

import numpy as np
import torch
from scipy.integrate import solve_ivp

torch.set_default_dtype(torch.float64)
FOLDER = pathlib.Path(sys.argv[1])
WEIGHTS = [0.4, 0.6]
MEANS = [[0.5, -0.2], [-0.6, 0.3]]
VARIANCES = [0.05, 0.1]
STEPS = 8


def mixture(x, sigma):
    """D(x; sigma) of the mixture; x [N, 2] or any shape whose last dimension is 2."""
    mean = torch.tensor(MEANS)
    total = torch.tensor(VARIANCES) + sigma ** 2
    apart = x[..., None, :] - mean
    log_weight = torch.log(torch.tensor(WEIGHTS)) - torch.log(total) - (apart ** 2).sum(-1) / (2 * total)
    weight = torch.softmax(log_weight, -1)[..., None]
    return (weight * (mean + (torch.tensor(VARIANCES) / total)[:, None] * apart)).sum(-2)


class Recorder:
    def __init__(self):
        self.calls = []

    def __call__(self, x, sigma):
        self.calls.append([float(sigma)] + [float(v) for v in x.flatten()])
        return mixture(x, float(sigma))


NOISE = torch.tensor(np.random.default_rng(7).standard_normal((40, 2))).view(40, 1, 1, 1, 2)
NOISE = torch.round(NOISE * 1e6) / 1e6


class Draws:
    """Noise 0, 1, 2, ... in the order of drawing."""

    def __init__(self):
        self.count = 0

    def __call__(self, *_):
        self.count += 1
        return NOISE[self.count - 1]


# --- loading ---------------------------------------------------------------------------------------------------------

def stub(name, **values):
    module = types.ModuleType(name)
    module.__path__ = []
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.__dict__.update(values)
    sys.modules[name] = module
    return module


def load(file, package=""):
    module = types.ModuleType(file)
    module.__package__ = package
    sys.modules[file] = module
    exec(compile((FOLDER / (file + ".py")).read_text().replace("float32", "float64"), file, "exec"), module.__dict__)
    return module


def register_to_config(init):
    @functools.wraps(init)
    def wrapped(self, *args, **kwargs):
        bound = inspect.signature(init).bind(self, *args, **kwargs)
        bound.apply_defaults()
        self.config = types.SimpleNamespace(**{k: v for k, v in bound.arguments.items() if k != "self"})
        init(self, *args, **kwargs)
    return wrapped


def load_diffusers():
    class Empty:
        pass

    class Mixin:
        pass

    class Output:
        def __init__(self, prev_sample):
            self.prev_sample = prev_sample

    stub("d")
    stub("d.s")
    stub("d.configuration_utils", ConfigMixin=Empty, register_to_config=register_to_config)
    stub("d.utils", deprecate=lambda *a, **k: None, is_scipy_available=lambda: False, BaseOutput=Empty)
    stub("d.utils.torch_utils", randn_tensor=None)
    stub("d.s.scheduling_utils", KarrasDiffusionSchedulers=[], SchedulerMixin=Mixin, SchedulerOutput=Output)
    return [load("scheduling_" + name, "d.s") for name in ("ddim", "dpmsolver_multistep", "unipc_multistep")]


def load_k_diffusion():
    stub("torchdiffeq", odeint=None)
    stub("torchsde")
    stub("tqdm")
    stub("tqdm.auto", trange=lambda n, disable=None: range(n), tqdm=None)
    stub("k")
    stub("k.utils", append_dims=lambda x, dims: x.view(x.shape + (1,) * (dims - x.dim())))
    return load("k_diffusion_sampling", "k")


def load_edm():
    tree = ast.parse((FOLDER / "edm_generate.py").read_text())
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "edm_sampler")
    names = {"torch": torch, "np": np}
    exec(compile(ast.Module([function], []), "edm", "exec"), names)
    return names["edm_sampler"]


def load_score_sde():
    sde_lib = load("sde_lib")
    stub("models", utils=load("score_sde_models"))
    sys.modules["models.utils"] = sys.modules["score_sde_models"]
    return sde_lib, load("score_sde_sampling")


# --- cases -----------------------------------------------------------------------------------------------------------

LEVELS = [float(f"{12 * (0.08 / 12) ** (i / (STEPS - 1) + 0.06 * math.sin(9 * i)):.6g}") for i in range(STEPS)] + [0.0]
START = torch.tensor([8.0, -3.0]).view(1, 1, 1, 2)


def alpha_of(sigma):
    return 1 / math.sqrt(1 + sigma ** 2)


def case(sampler, recorder, result, levels=LEVELS, sde=None, **options):
    number = lambda v: float(f"{v:.11g}")
    return {"sampler": sampler, "options": options, "sde": sde, "sigmas": [number(s) for s in levels],
            "calls": [[number(v) for v in call] for call in recorder.calls],
            "result": [number(float(v)) for v in result.flatten()]}


def by_scheduler(name, scheduler, options, step):
    """x of the scheduler is x alpha."""
    recorder = Recorder()
    x = START * alpha_of(LEVELS[0])
    for i, sigma in enumerate(LEVELS[:-1]):
        clean = recorder(x / alpha_of(sigma), sigma)
        x = step(i, clean, x)
    # UniPC's variant bh1 multiplies infinity by 0 in the step to level 0.
    return case(name, recorder, clean if name == "unipc" else x, **options)


def diffusers_cases():
    ddim, dpm, unipc = load_diffusers()
    for eta in (0.0, 0.7):
        scheduler = ddim.DDIMScheduler(num_train_timesteps=STEPS, clip_sample=False, prediction_type="sample")
        scheduler.alphas_cumprod = torch.tensor([alpha_of(s) ** 2 for s in reversed(LEVELS[:-1])])
        scheduler.num_inference_steps = STEPS
        yield by_scheduler("ddim", scheduler, {"ddim.eta": eta},
                           lambda i, clean, x: scheduler.step(clean, STEPS - 1 - i, x, eta=eta, return_dict=False,
                                                              variance_noise=NOISE[i] if eta else None)[0])

    def multistep(name, options, scheduler):
        scheduler.set_timesteps(STEPS)
        scheduler.sigmas = torch.tensor(LEVELS)
        scheduler.set_begin_index(0)
        return by_scheduler(name, scheduler, options,
                            lambda i, clean, x: scheduler.step(clean, scheduler.timesteps[i], x).prev_sample)

    yield multistep("dpmpp-2m", {}, dpm.DPMSolverMultistepScheduler(prediction_type="sample"))
    for order in (1, 2, 3):
        for variant in ("bh1", "bh2"):
            yield multistep("unipc", {"unipc.order": order, "unipc.variant": variant},
                            unipc.UniPCMultistepScheduler(prediction_type="sample", solver_order=order,
                                                          solver_type=variant))


def k_diffusion_cases():
    k = load_k_diffusion()
    model = lambda recorder: lambda x, sigma: recorder(x, sigma[0])
    sigmas = torch.tensor(LEVELS)
    for name, options, run in (
            ("dpmpp-2m", {}, lambda m: k.sample_dpmpp_2m(m, START, sigmas)),
            ("dpmpp-2s", {}, lambda m: k.sample_dpmpp_2s_ancestral(m, START, sigmas, eta=0.)),
            ("dpmpp-2m-sde", {"dpmpp-2m-sde.eta": 1.0},
             lambda m: k.sample_dpmpp_2m_sde(m, START, sigmas, noise_sampler=Draws())),
            ("dpmpp-2m-sde", {"dpmpp-2m-sde.eta": 0.6},
             lambda m: k.sample_dpmpp_2m_sde(m, START, sigmas, eta=0.6, noise_sampler=Draws()))):
        recorder = Recorder()
        yield case(name, recorder, run(model(recorder)), **options)

    class Path:
        """One path: the whole step's noise is made of its two halves (that program takes it from a Brownian tree)."""

        def __init__(self):
            self.draws, self.first = Draws(), None

        def __call__(self, s, r):
            if self.first is None:
                self.first = self.draws()
                return self.first
            m = torch.sqrt(s * r)
            halves = (r / m) ** 2 * m * torch.sqrt(1 - (m / s) ** 2) * self.first
            halves = halves + r * torch.sqrt(1 - (r / m) ** 2) * self.draws()
            self.first = None
            return halves / (r * torch.sqrt(1 - (r / s) ** 2))

    recorder = Recorder()
    result = k.sample_dpmpp_sde(model(recorder), START, sigmas, noise_sampler=Path())
    yield case("dpmpp-sde", recorder, result, **{"dpmpp-sde.eta": 1.0})


def edm_cases():
    sampler = load_edm()
    root = [12 ** (1 / 7) + i / (STEPS - 1) * (0.08 ** (1 / 7) - 12 ** (1 / 7)) for i in range(STEPS)]
    levels = [v ** 7 for v in root] + [0.0]
    for options in ({}, {"s_churn": 3.0, "s_tmin": 0.1, "s_tmax": 9.0, "s_noise": 1.01}):
        recorder = Recorder()

        class Net:
            sigma_min, sigma_max = 0, math.inf
            round_sigma = staticmethod(lambda sigma: sigma)

            def __call__(self, x, sigma, _):
                return recorder(x, sigma)

        names = {"s_churn": "S_churn", "s_tmin": "S_min", "s_tmax": "S_max", "s_noise": "S_noise"}
        result = sampler(Net(), START / levels[0], randn_like=Draws(), num_steps=STEPS, sigma_min=0.08, sigma_max=12,
                         **{names[k]: v for k, v in options.items()})
        yield case("heun", recorder, result, levels, **{"heun." + k: v for k, v in options.items()})


def score_sde_cases():
    lib, sampling = load_score_sde()

    def run(name, make, kind, arguments, continuous, predictor, corrector, M, options):
        sde = make(lib, *arguments)
        n = sde.N
        if continuous:  # t = 1, 1 - 1/n, ..., 1/n
            times = [1 - i / n for i in range(n)]
            log_s = lambda t: float(torch.log(sde.marginal_prob(torch.ones(1, 1, 1, 1), torch.tensor([t]))[0]).sum())
            scales = [math.exp(log_s(t)) for t in times]
            levels = [float(sde.marginal_prob(torch.zeros(1, 1, 1, 1), torch.tensor([t]))[1]) / s
                      for t, s in zip(times, scales)]
            # That program's sub-VP has no alphas, though its correctors read them: those of its own scale.
            if kind == "sub-vp":
                sde.alphas = torch.tensor([(a / b) ** 2 for a, b in zip(scales, scales[1:] + [1.0])][::-1])
        else:  # t a little above k / (n - 1), k = n - 1, ..., 0: it is rounded down to the k-th level
            times = [(n - 1 - i + 0.25) / (n - 1) for i in range(n)]
            if kind == "vp":
                levels = [float(torch.sqrt((1 - a) / a)) for a in sde.alphas_cumprod.flip(0)]
                scales = [alpha_of(s) for s in levels]
            else:
                levels = [float(s) for s in sde.discrete_sigmas.flip(0)]
                scales = [1.0] * n
            # The annealed corrector reads the deviation at time t: that of the discrete level, as the rest does.
            sde.marginal_prob = lambda x, t: (None, torch.tensor([at["s"] * at["sigma"]]))
        at = {}
        recorder = Recorder()

        def model(x_t, _):
            s, sigma = at["s"], at["sigma"]
            clean = recorder(x_t / s, sigma)
            score = (s * clean - x_t) / (s * sigma) ** 2
            return score if kind == "ve" else -score * s * sigma  # VE: the score itself; VP: the noise
        model.eval = lambda: None
        torch.randn_like = draws = Draws()
        x = START * scales[0]
        for i in range(n):
            at.update(s=scales[i], sigma=levels[i])
            t = torch.tensor([times[i]])
            score_fn = sys.modules["score_sde_models"].get_score_fn(sde, model, continuous=continuous)
            if kind == "ve":
                score_fn = lambda x_t, _: model(x_t, _)
            if corrector:
                x, _ = corrector(sde, score_fn, 0.16, M).update_fn(x, t)
            if i == n - 1:
                break
            x, _ = predictor(sde, score_fn).update_fn(x, t)
            draws.count = (i + 1) * (M + 1)  # a predictor that draws none leaves its number out
        result = recorder(x / scales[-1], levels[-1])
        return case(name, recorder, result, levels + [0.0], {"kind": kind, "arguments": arguments[:2]}, **options)

    vp = lambda lib, *a: lib.VPSDE(*a)
    sub_vp = lambda lib, *a: lib.subVPSDE(*a)
    ve = lambda lib, *a: lib.VESDE(*a)
    EM, RD = sampling.EulerMaruyamaPredictor, sampling.ReverseDiffusionPredictor
    AS = sampling.AncestralSamplingPredictor
    LD, ALD = sampling.LangevinCorrector, sampling.AnnealedLangevinDynamics
    em = {"name": "euler-maruyama", "continuous": True, "predictor": EM, "corrector": None, "M": 0, "options": {}}
    yield run(make=vp, kind="vp", arguments=[0.1, 5.0, 8], **em)
    yield run(make=sub_vp, kind="sub-vp", arguments=[0.1, 5.0, 8], **em)
    yield run(make=ve, kind="ve", arguments=[0.05, 12.0, 8], **em)
    rd = {"name": "reverse-diffusion", "continuous": False, "predictor": RD, "corrector": None, "M": 0, "options": {}}
    yield run(make=vp, kind="vp", arguments=[0.1, 5.0, 8], **rd)
    yield run(make=ve, kind="ve", arguments=[0.05, 12.0, 8], **rd)

    def pc(predictor, corrector, M=1):
        key = "predictor-corrector."
        return {key + "predictor": predictor, key + "corrector": corrector, key + "corrector_steps": M}
    pc_name = {"name": "predictor-corrector"}
    yield run(make=vp, kind="vp", arguments=[0.1, 5.0, 8], continuous=False, predictor=RD, corrector=LD, M=2,
              options=pc("reverse-diffusion", "langevin", 2), **pc_name)
    yield run(make=ve, kind="ve", arguments=[0.05, 12.0, 8], continuous=False, predictor=AS, corrector=ALD, M=1,
              options=pc("ancestral", "annealed-langevin"), **pc_name)
    yield run(make=vp, kind="vp", arguments=[0.1, 5.0, 8], continuous=False, predictor=AS, corrector=ALD, M=1,
              options=pc("ancestral", "annealed-langevin"), **pc_name)
    yield run(make=sub_vp, kind="sub-vp", arguments=[0.1, 5.0, 8], continuous=True, predictor=EM, corrector=LD, M=1,
              options=pc("euler-maruyama", "langevin"), **pc_name)
    yield run(make=vp, kind="vp", arguments=[0.1, 5.0, 8], continuous=False, predictor=sampling.NonePredictor,
              corrector=LD, M=1, options=pc("none", "langevin"), **pc_name)


def ode_cases():
    """SciPy's RK45 on dx/du = x - D(x; e^u)."""
    for start in ([8.0, -3.0], [0.7, 11.0], [-1.5, 0.2]):
        for tolerance in (1e-4, 1e-7):
            field = lambda u, y: y - mixture(torch.tensor(y), math.exp(u)).numpy()
            found = solve_ivp(field, (math.log(LEVELS[0]), math.log(LEVELS[-2])), np.array(start), method="RK45",
                              rtol=tolerance, atol=tolerance / 10)
            yield {"start": start, "rtol": tolerance, "atol": tolerance / 10, "evaluations": found.nfev,
                   "result": [float(f"{v:.11g}") for v in found.y[:, -1]]}


def write(golden):
    """One case a line."""
    lines = [f'"{key}": {json.dumps(golden[key])}' for key in ("mixture", "start", "noise")]
    for key in ("cases", "ode"):
        lines.append(f'"{key}": [\n' + ",\n".join(json.dumps(entry) for entry in golden[key]) + "]")
    print("{" + ",\n".join(lines) + "}")


if __name__ == "__main__":
    write({"mixture": {"weights": WEIGHTS, "means": MEANS, "variances": VARIANCES},
           "start": START.flatten().tolist(),
           "noise": NOISE.view(40, 2).tolist()[:32],
           "cases": [*diffusers_cases(), *k_diffusion_cases(), *edm_cases(), *score_sde_cases()],
           "ode": list(ode_cases())})
