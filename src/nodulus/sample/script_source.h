#pragma once

/// The methods of an exported model, in TorchScript's own language: Python that libtorch compiles when a file is
/// written and that any PyTorch runs when it is read. It knows no names of types: 2 is int16, 4 int64, 7 float64.
namespace nodulus::sample {

/// What all models offer. Attributes that they refer to: label_names, label_kinds, label_values, label_first, width,
/// window_low, window_high.
inline constexpr const char* common_script = R"(
def philox(self, seed: int, stream: int, blocks: int) -> Tensor:
    # Philox4x32-10 (Salmon et al. 2011): [blocks, 4], of each block of the counter.
    mask = 4294967295
    x0 = torch.arange(blocks, dtype=4, device=self.place())
    x1 = torch.zeros_like(x0)
    x2 = torch.zeros_like(x0) + (stream & mask)
    x3 = torch.zeros_like(x0) + ((stream >> 32) & mask)
    key0 = seed & mask
    key1 = (seed >> 32) & mask
    for _ in range(10):
        product0 = x0 * 3528531795
        product1 = x2 * 3449720151
        x0 = torch.bitwise_right_shift(product1, 32).bitwise_and(mask).bitwise_xor(x1).bitwise_xor(key0)
        x2 = torch.bitwise_right_shift(product0, 32).bitwise_and(mask).bitwise_xor(x3).bitwise_xor(key1)
        x1 = product1.bitwise_and(mask)
        x3 = product0.bitwise_and(mask)
        key0 = (key0 + 2654435769) & mask
        key1 = (key1 + 3144134277) & mask
    return torch.stack([x0, x1, x2, x3], 1)

def normal(self, seed: int, stream: int, count: int) -> Tensor:
    # Box-Muller on 24-bit uniforms, two numbers of each pair.
    unit = torch.bitwise_right_shift(self.philox(seed, stream, (count + 3) // 4), 8).float() * 5.9604644775390625e-08
    pairs = unit.reshape([-1, 2])
    radius = torch.sqrt(-2.0 * torch.log(1.0 - pairs[:, 0]))
    angle = 6.283185307179586 * pairs[:, 1]
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], 1).flatten()[:count]

def encode(self, asked: Dict[str, float]) -> Tensor:
    # [1, width]: what the model sees of labels, such as {"malignancy": 5.0, "diameter_mm": 8.0}.
    row = torch.zeros([1, self.width], device=self.place())
    for name in asked.keys():
        assert name in self.label_names, "expected a label of the model, one of label_names, found " + name
        i = self.label_names.index(name)
        values = self.label_values[i]
        first = self.label_first[i]
        value = asked[name]
        last = len(values) - 1
        if self.label_kinds[i] == "category":
            nearest = 0
            for k in range(len(values)):
                if abs(values[k] - value) < abs(values[nearest] - value):
                    nearest = k
            row[0, first + nearest] = 1.0
        elif value <= values[0]:
            row[0, first] = 1.0
        elif value > values[last]:
            row[0, first + last] = 1.0
        else:
            at = 1
            while values[at] < value:
                at += 1
            part = (value - values[at - 1]) / (values[at] - values[at - 1])
            row[0, first + at] = part
            row[0, first + at - 1] = 1.0 - part
    return row

def to_hu(self, images: Tensor) -> Tensor:
    # Hounsfield units, int16 [N, H, W], of images in [-1, 1]; halves are rounded away from 0.
    hu = self.window_low + (images[:, 0].double() + 1.0) / 2.0 * (self.window_high - self.window_low)
    return (torch.sign(hu) * torch.floor(hu.abs() + 0.5)).clamp(-32768.0, 32767.0).to(2)
)";

/// Attributes besides: network (x, c_noise, labels), table_at, table, sigmas, prior_deviation, channels, resolution.
inline constexpr const char* diffusion_script = R"(
def place(self) -> Device:
    return self.table.device

def denoise(self, x: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
    # D(x; sigma) for x = clean + sigma noise, [N, C, H, W]; sigma [1] or [N]; labels [N or 1, width], zeros: any.
    at = sigma.double().flatten().log()
    least = float(self.table_at[0])
    most = float(self.table_at[-1])
    for level in at:
        if float(level) < least - 1e-6 or float(level) > most + 1e-6:
            assert False, "expected noise levels of ln(sigma) from " + str(least) + " to " + str(most) + ", found " + str(float(level))
    above = torch.searchsorted(self.table_at, at).clamp(1, self.table_at.size(0) - 1)
    low = self.table_at.index_select(0, above - 1)
    part = ((at - low) / (self.table_at.index_select(0, above) - low)).clamp(0.0, 1.0).unsqueeze(1)
    rows = self.table.index_select(0, above - 1) * (1.0 - part) + self.table.index_select(0, above) * part
    skip = rows[:, 0].view([-1, 1, 1, 1])
    out = rows[:, 1].view([-1, 1, 1, 1])
    into = rows[:, 2].view([-1, 1, 1, 1])
    wide = x.double()
    inside = self.network.forward((into * wide).float(), rows[:, 3].float(), labels)
    return skip * wide + out * inside.double()

def generate(self, seeds: List[int], labels: Optional[Tensor] = None, guidance: float = 1.0) -> Tensor:
    # Images in [-1, 1], [N, C, H, W]: CT, and the outline where the model has one. By DDIM.
    any_labels = torch.zeros([1, self.width], device=self.place())
    asked = any_labels if labels is None else labels
    starts: List[Tensor] = []
    for seed in seeds:
        starts.append(self.normal(seed, 0, self.channels * self.resolution * self.resolution))
    x = torch.stack(starts).view([-1, self.channels, self.resolution, self.resolution]).double()
    x = x * self.prior_deviation
    for i in range(len(self.sigmas) - 1):
        sigma = torch.full([1], self.sigmas[i], dtype=7, device=self.place())
        clean = self.denoise(x, sigma, asked)
        if labels is not None and guidance != 1.0:
            free = self.denoise(x, sigma, any_labels)
            clean = free + guidance * (clean - free)
        clean = clean.clamp(-1.0, 1.0)
        x = clean + (self.sigmas[i + 1] / self.sigmas[i]) * (x - clean)
    return x.float()
)";

/// Attributes besides: network with map(z, labels), synthesize(ws) and w_avg; z, layers.
inline constexpr const char* gan_script = R"(
def place(self) -> Device:
    return self.network.w_avg.device

def generate(self, seeds: List[int], labels: Optional[Tensor] = None, truncation: float = 1.0) -> Tensor:
    # Images, about [-1, 1], [N, C, H, W]: CT, and the outline where the model has one.
    starts: List[Tensor] = []
    for seed in seeds:
        starts.append(self.normal(seed, 0, self.z))
    asked = torch.zeros([1, self.width], device=self.place()) if labels is None else labels
    w = self.network.map(torch.stack(starts), asked.expand([len(seeds), self.width]))
    w = self.network.w_avg + truncation * (w - self.network.w_avg)
    return self.network.synthesize(w.unsqueeze(1).repeat([1, self.layers, 1]))
)";

}  // namespace nodulus::sample
