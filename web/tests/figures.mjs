// @ts-check
import { samples } from "./images.mjs";
import { Random } from "./random.mjs";

/** @typedef {import("../src/schema").Trait} Trait */
/** @typedef {import("../src/schema").Copies} Copies */
/** @typedef {import("../src/schema").Figure} Figure */

/** The metrics: name, title, meaning, direction, value at the floor, what a fault adds, half the interval. */
const table = /** @type {[string, string, string, Figure["better"], number, number, number][]} */ ([
  [
    "fd",
    "FD (SqueezeNet)",
    "Distance between the clouds of features of generated and real images.",
    "lower",
    4,
    9,
    0.6,
  ],
  ["fd_infinity", "FD∞", "FD followed to endlessly many images.", "lower", 3.6, 9, 0.8],
  ["kid", "KID", "Like FD, without bias from the number of images.", "lower", 0.0002, 0.018, 0.0014],
  [
    "precision_3",
    "Precision, k = 3",
    "Share of generated images that lie among real ones.",
    "higher",
    0.82,
    -0.3,
    0.04,
  ],
  ["recall_3", "Recall, k = 3", "Share of real images that lie among generated ones.", "higher", 0.78, -0.4, 0.05],
  ["density_3", "Density, k = 3", "How densely real images surround a generated one.", "higher", 0.98, -0.3, 0.07],
  [
    "coverage_3",
    "Coverage, k = 3",
    "Share of real images with a generated one next to them.",
    "higher",
    0.94,
    -0.3,
    0.03,
  ],
  ["ms_ssim", "MS-SSIM", "How like one another images of the same set are.", "lower", 0.21, 0.06, 0.02],
  [
    "authenticity",
    "Authenticity",
    "Share that is not nearer to a training image than that one's own neighbour.",
    "higher",
    0.71,
    -0.05,
    0.03,
  ],
  [
    "roughness",
    "Spectral slope",
    "Slope of the power spectrum; to be compared with the real one.",
    "none",
    -2.1,
    0.2,
    0.05,
  ],
]);

/** @param {number} fault @returns {Figure[]} */
export function measures(fault) {
  return table.map(([name, title, meaning, better, base, add, half]) => {
    const value = base + add * fault;
    const matched = name === "fd" ? value * 1.22 : value;
    return {
      name,
      title,
      meaning,
      better,
      value,
      interval: [value - half, value + half],
      floor: { value: base, interval: [base - 0.7 * half, base + half] },
      matched: { count: 105, value: matched },
      ratio: base > 0.001 ? matched / base : null,
    };
  });
}

/** Traits: name, title, unit, group, mean, deviation, what a fault moves the mean by in deviations. */
const measured = /** @type {[string, string, string, string, number, number, number][]} */ ([
  ["area", "Area", "mm²", "size", 110, 45, 0.5],
  ["diameter", "Diameter", "mm", "size", 11.4, 3.2, 0.4],
  ["elongation", "Elongation", "", "shape", 1.35, 0.2, 0.1],
  ["solidity", "Solidity", "", "shape", 0.93, 0.03, -0.6],
  ["edge_width", "Width of the edge", "mm", "edge", 1.9, 0.5, 1.1],
  ["mean_hu", "Mean density", "HU", "density", -62, 120, -0.3],
  ["solid_share", "Share above −300 HU", "", "density", 0.71, 0.15, 0.2],
  ["entropy", "Entropy", "bit", "texture", 5.2, 0.4, 0.7],
]);

/** @param {Random} random @param {number} mean @param {number} deviation @param {number} count */
function draw(random, mean, deviation, count) {
  return Array.from({ length: count }, () => random.normal(mean, deviation)).sort((a, b) => a - b);
}

/** @param {number[]} sorted */
function distribution(sorted) {
  const at = (/** @type {number} */ q) =>
    sorted[Math.min(sorted.length - 1, Math.floor((q / 100) * sorted.length))] ?? null;
  const mean = sorted.reduce((a, b) => a + b, 0) / sorted.length;
  const deviation = Math.sqrt(sorted.reduce((a, b) => a + (b - mean) ** 2, 0) / sorted.length);
  const quantiles = Object.fromEntries([0.5, 5, 25, 50, 75, 95, 99.5].map((q) => [String(q), at(q)]));
  return { count: sorted.length, missing: 0, mean, deviation, quantiles };
}

/** @param {number[]} values @param {number[]} edges */
function shares(values, edges) {
  return edges
    .slice(0, -1)
    .map((low, i) => values.filter((v) => v >= low && v < (edges[i + 1] ?? 0)).length / values.length);
}

/** @param {number} seed @param {number} fault @returns {Trait[]} */
export function traits(seed, fault) {
  return measured.map(([name, title, unit, group, mean, deviation, shift], k) => {
    const real = draw(new Random(k), mean, deviation, 395);
    const held = draw(new Random(50 + k), mean, deviation, 105);
    const moved = mean + shift * fault * deviation;
    const made = draw(new Random(seed + k), moved, deviation * (1 - 0.2 * fault), 500);
    const bins = 18 + Math.round(8 * fault);
    const edges = Array.from({ length: bins + 1 }, (_, i) => mean + deviation * (-3.6 + (7.2 * i) / bins));
    const value = Math.abs(shift * fault * deviation) + 0.08 * deviation;
    const floor = 0.09 * deviation;
    return {
      name,
      title,
      unit,
      group,
      meaning: `${title} of the nodule inside its outline${unit ? `, in ${unit}` : ""}.`,
      real: distribution(real),
      held_out: distribution(held),
      generated: distribution(made),
      histogram: { edges, real: shares(real, edges), generated: shares(made, edges) },
      wasserstein: { value, interval: [value * 0.8, value * 1.25], floor, ratio: value / floor },
      ks: { statistic: 0.2 * fault, p: 0.001 / fault, p_corrected: k % 3 ? 0.02 / fault : 0.0001 },
      beyond: 0.01 + 0.03 * fault,
      beyond_interval: [0.005 + 0.02 * fault, 0.02 + 0.05 * fault],
    };
  });
}

/** @param {number} seed @param {boolean} gan */
export function curve(seed, gan) {
  const random = new Random(seed);
  const columns = gan
    ? ["images", "generator loss", "discriminator loss", "augmentation p"]
    : ["images", "loss", "gradient norm"];
  const rows = Array.from({ length: 60 }, (_, i) => {
    const images = 568 * (i + 1);
    if (gan)
      return [images, 0.9 + 0.2 * random.normal(), 1.2 - 0.005 * i + 0.1 * random.normal(), Math.min(0.6, 0.012 * i)];
    return [
      images,
      0.06 + 0.5 * Math.exp(-i / 6) + 0.005 * random.normal(),
      0.3 + 1.4 * Math.exp(-i / 5) + 0.05 * random.next(),
    ];
  });
  return { columns, rows };
}

/** @param {number} seed @param {number} named @returns {Copies} */
export function copies(seed, named) {
  const random = new Random(seed);
  const kind = (/** @type {number} */ mean, /** @type {number} */ deviation) => {
    const edges = Array.from({ length: 21 }, (_, i) => mean + deviation * (-4 + 0.4 * i));
    return {
      edges,
      held_out: shares(draw(random, mean, deviation, 105), edges),
      generated: shares(draw(random, mean * 0.97, deviation, 500), edges),
    };
  };
  const turns = ["as it is", "turned by 90 degrees, flipped", "turned by 180 degrees"];
  return {
    named: named ? [3, 17].slice(0, named) : [],
    verdict: named ? `${named} of 500 images are copies of training images` : "no sign of copying",
    closer_share: { feature: 0.02, pixel: 0.012 },
    closer_interval: { feature: [0.011, 0.036], pixel: null },
    closer_p: { feature: 0.41, pixel: 0.52 },
    distances: { pixel: kind(150, 24), feature: kind(0.62, 0.09) },
    threshold: { pixel: 61, feature: 0.3 },
    pairs: Array.from({ length: 10 }, (_, i) => ({
      generated: 3 + 14 * i,
      item: 120 + i,
      patient: `LIDC-IDRI-0${120 + i}`,
      turn: turns[i % 3] ?? "as it is",
      pixel_hu: 44.1 + 9 * i,
      feature: 0.2 + 0.02 * i,
      named: i < named,
    })),
    pictures: samples(seed + 9, 20),
  };
}

/** @returns {import("../src/schema").Condition[]} */
export function conditions() {
  return [
    {
      name: "malignancy",
      unit: "",
      kind: "ordinal",
      meaning: "the readers' rating",
      known: 390,
      values: [
        { number: 1, name: "highly unlikely", cases: 40 },
        { number: 5, name: "highly suspicious", cases: 75 },
      ],
    },
    {
      name: "diameter",
      unit: "mm",
      kind: "number",
      meaning: "longest",
      known: 395,
      values: [
        { number: 3.118, name: "", cases: 120 },
        { number: 28.4, name: "", cases: 9 },
      ],
    },
  ];
}

/** @param {number} seed @returns {import("../src/schema").Obedience[]} */
export function obedience(seed) {
  const random = new Random(seed);
  const classes = ["1", "2", "3", "4", "5"];
  const confusion = classes.map((_, i) =>
    classes.map((__, k) => Math.round((i === k ? 14 : 4) * random.between(0.5, 1.2))),
  );
  const judge = classes.map((_, i) =>
    classes.map((__, k) => Math.round((i === k ? 11 : 3) * random.between(0.5, 1.2))),
  );
  return [
    {
      label: "malignancy",
      judge: "classifier on SqueezeNet features",
      classes,
      asked: 100,
      correct: 0.48,
      interval: [0.38, 0.58],
      chance: 0.2,
      judge_accuracy: 0.45,
      judge_interval: [0.36, 0.55],
      judge_balanced_accuracy: 0.31,
      confusion,
      judge_confusion: judge,
    },
    {
      label: "size",
      judge: "outline",
      classes: ["small", "medium", "large"],
      asked: 90,
      correct: 0.91,
      interval: [0.85, 0.96],
      chance: 0.333,
      judge_accuracy: null,
      judge_interval: null,
      judge_balanced_accuracy: null,
      confusion: [
        [28, 2, 0],
        [3, 26, 1],
        [0, 2, 28],
      ],
      judge_confusion: null,
    },
  ];
}
