// @ts-check
import { samples, strip } from "./images.mjs";
import { measures, traits, curve, conditions, copies, obedience } from "./figures.mjs";

/** @typedef {import("../src/schema").Report} Report */
/** @typedef {import("../src/schema").ImageSet} ImageSet */

/**
 * One set of images; `fault` is how far it is from real, 0 as good as real.
 * @param {number} index @param {string} name @param {string} family @param {number} fault
 * @param {Partial<ImageSet>} [more]
 * @returns {ImageSet}
 */
export function imageSet(index, name, family, fault, more = {}) {
  const seed = 100 * (index + 1);
  const gan = family === "stylegan2-ada";
  const fd = 4 + 9 * fault;
  return {
    name,
    path: `images/${name}`,
    family,
    synthetic: true,
    count: 500,
    sampler: gan ? "" : "ddim",
    steps: gan ? null : 20,
    evaluations: gan ? 1 : 20,
    samples: samples(seed, 24, { noise: 40 + 25 * fault, masks: index === 0 }),
    figures: measures(fault),
    fd_extrapolation: {
      points: [100, 150, 250, 500].map((n) => [1 / n, fd + 180 / n + 0.08 * Math.sin(n)]),
      slope: 180,
      intercept: fd,
    },
    kid_blocks: { size: 50, count: 100, deviation: 0.0021 },
    outlines: { from: index === 2 ? "network" : "images" },
    traits: traits(seed, fault),
    beyond: {
      share: 0.02 + 0.04 * fault,
      floor: 0.019,
      range: [0.5, 99.5],
      interval: [0.01 + 0.03 * fault, 0.03 + 0.05 * fault],
    },
    copies: copies(seed, index === 0 ? 2 : 0),
    obedience: index === 2 ? [] : obedience(seed),
    conditions: index === 1 ? conditions() : [],
    cost: {
      training_seconds: 5212.4 * (index + 1),
      training_images: 34080,
      training_steps: 1065,
      generation_seconds_per_image: gan ? 0.012 : 0.21,
      evaluations_per_image: gan ? 1 : 20,
      parameters: 24_767_361,
      peak_memory_bytes: 1.31e9,
      device: "cpu",
      threads: 2,
      curve: curve(seed, gan),
    },
    strips: gan
      ? null
      : {
          forward: strip(seed + 1, [0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2], "sigma"),
          backward: strip(seed + 2, [80, 20, 8, 3, 1, 0.4, 0.1, 0], "sigma"),
        },
    ...more,
  };
}

/** @returns {Report["sweeps"]} */
function sweeps() {
  return ["00002-ddpm", "00003-ddpmpp"].map((name, k) => ({
    name,
    family: name.slice(6),
    count: 64,
    points: ["ddim", "heun", "dpmpp-2m"].flatMap((sampler, i) =>
      [5, 10, 20, 50, 100].map((steps) => {
        const evaluations = sampler === "heun" ? 2 * steps - 1 : steps;
        const fd = 14 - 4 * k + (160 + 60 * i) / evaluations;
        return {
          sampler,
          steps,
          evaluations,
          seconds_per_image: 0.0105 * evaluations,
          fd,
          interval: [fd * 0.93, fd * 1.09],
          kid: fd / 900,
        };
      }),
    ),
    floor: { fd: 7.9, kid: 0.0002 },
  }));
}

/** A whole report: real images and three families. @returns {Report} */
export function whole() {
  return {
    schema: { name: "nodulus.report", version: 1 },
    created: "2026-11-23T05:00:00Z",
    program: { name: "nodulus", version: "0.1.0", revision: "24cea3d" },
    summary: [
      "Of three models, 00003-ddpmpp comes nearest to real nodules: its FD (SqueezeNet) is 6.7, 1.7 times the floor.",
      "00001-gan is the fastest: 0.012 s an image, one evaluation of the network.",
      "Two of the 500 images of 00001-gan are copies of training images; none of the others'.",
    ],
    cautions: [
      "105 held-out images are few: figures whose intervals overlap do not part the models.",
      "No reader has looked at these images; figures of features do not say that a nodule is plausible.",
    ],
    real: {
      name: "lidc-500",
      path: "demo/dataset",
      hash: "9f2c".repeat(16),
      window_hu: [-1000, 400],
      size: [64, 64],
      spacing_mm: 0.703,
      spacing_note: "median of the training split; from 0.51 to 0.98",
      counts: { train: 395, held_out: 105, train_patients: 395, held_out_patients: 105 },
      sources: [
        {
          name: "LIDC-IDRI",
          licence: "CC BY 3.0",
          citation: "Armato SG III, et al. Data From LIDC-IDRI [Data set]. The Cancer Imaging Archive, 2015.",
          url: "https://doi.org/10.7937/K9/TCIA.2015.LO9QL9SX",
        },
      ],
      samples: samples(7, 24, { caption: (i) => `${i % 2 ? "held-out" : "training"}, item ${i * 4}` }),
    },
    features: { name: "SqueezeNet", dimension: 512, distance: "FD (SqueezeNet)" },
    sets: [
      imageSet(0, "00001-gan", "stylegan2-ada", 1),
      imageSet(1, "00002-ddpm", "ddpm", 0.9),
      imageSet(2, "00003-ddpmpp", "ddpmpp", 0.3),
    ],
    sweeps: sweeps(),
    seed_table: {
      columns: ["", "StyleGAN2-ADA", "DDPM", "DDPM++"],
      rows: [
        ["Training time", "-", "-", "-"],
        ["FID", 35.2, null, 21.7],
      ],
      note: "As the thesis gives them; other data, other resolution.",
    },
  };
}

/** Real images and one set, without masks, sweeps, seed table or labels. @returns {Report} */
export function oneSet() {
  const report = whole();
  const set = imageSet(0, "images", "", 0.5, {
    samples: samples(3, 1, { masks: false }),
    obedience: [],
    conditions: [],
    cost: null,
    strips: null,
  });
  if (set.copies?.pictures) set.copies.pictures.masks = null;
  return {
    ...report,
    sets: [set],
    sweeps: [],
    seed_table: null,
    real: { ...report.real, samples: samples(7, 1, { masks: false }) },
  };
}

/**
 * `value` with every number in it null, but for those that say how the data lies.
 * @param {any} value @param {string} [key] @returns {any}
 */
function emptied(value, key = "") {
  const layout = ["count", "height", "width", "version", "edges", "rows", "points", "window_hu"];
  if (typeof value === "number") return layout.includes(key) ? value : null;
  if (Array.isArray(value))
    return layout.includes(key) && key !== "rows" && key !== "points" ? value : value.map((v) => emptied(v));
  if (value === null || typeof value !== "object") return value;
  const of = (/** @type {string} */ k) =>
    k === "interval" || k === "range" || k === "judge_interval" ? null : emptied(value[k], k);
  return Object.fromEntries(Object.keys(value).map((k) => [k, of(k)]));
}

/** All numbers null. @returns {Report} */
export function nulls() {
  return emptied(whole());
}

/** The least that the contract allows: everything that may be absent is. @returns {any} */
export function bare() {
  return {
    schema: { name: "nodulus.report", version: 1 },
    sets: [{ name: "only", samples: null, figures: [], traits: [] }, { name: "other" }],
  };
}

/** Strings that would do harm if they were taken for html. @returns {Report} */
export function hostile() {
  const report = whole();
  const evil = '</script><script>document.title="harm"</script><img src=x onerror="document.title=\'harm\'">&amp;<b>';
  report.summary = [evil];
  report.cautions = [evil];
  report.real.name = evil;
  report.real.sources = [{ name: evil, licence: evil, citation: evil, url: "javascript:document.title='harm'" }];
  for (const set of report.sets) {
    set.name = `${set.name} ${evil}`;
    for (const f of set.figures) f.title = `${f.title} ${evil}`;
    for (const t of set.traits) t.title = `${t.title} ${evil}`;
    if (set.copies) set.copies.verdict = evil;
  }
  return report;
}
