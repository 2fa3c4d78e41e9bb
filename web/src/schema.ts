/**
 * report.json, version 1: what `nodulus report` hands to the page. Every number may be null, which the page shows as a
 * dash. Shares and rates lie in [0, 1]; units are in the names or beside the value.
 */
export type Maybe = number | null;
export type Interval = [number, number];

export interface Report {
  schema: { name: string; version: number };
  created: string;
  program: { name: string; version: string; revision: string };
  summary: string[];
  cautions: string[];
  real: Real;
  features: { name: string; dimension: Maybe; distance: string };
  sets: ImageSet[];
  sweeps: Sweep[];
  seed_table: SeedTable | null;
}

export interface Real {
  name: string;
  path: string;
  hash: string;
  window_hu: Interval;
  size: [Maybe, Maybe];
  spacing_mm: Maybe;
  spacing_note: string;
  counts: Record<"train" | "held_out" | "train_patients" | "held_out_patients", Maybe>;
  sources: Source[];
  samples: Samples | null;
}

export interface Source {
  name: string;
  licence: string;
  citation: string;
  url: string;
}

/** Pictures in HU: base64 of little-endian int16 [count, height, width]; masks are uint8 of that shape. */
export interface Samples {
  count: number;
  height: number;
  width: number;
  hu: string;
  masks: string | null;
  captions: string[];
}

export interface ImageSet {
  name: string;
  path: string;
  family: string;
  synthetic: boolean;
  count: Maybe;
  sampler: string;
  steps: Maybe;
  evaluations: Maybe;
  samples: Samples | null;
  figures: Figure[];
  fd_extrapolation: { points: [number, number][]; slope: Maybe; intercept: Maybe } | null;
  kid_blocks: { size: Maybe; count: Maybe; deviation: Maybe } | null;
  /** What the traits were measured on: the images' own outlines or a network's; null where they were not. */
  outlines: { from: string } | null;
  traits: Trait[];
  beyond: { share: Maybe; floor: Maybe; range: Interval | null; interval: Interval | null } | null;
  copies: Copies | null;
  obedience: Obedience[];
  /** What the set's model can be asked for. */
  conditions: Condition[];
  cost: Cost | null;
  strips: { forward: Strip | null; backward: Strip | null } | null;
}

export interface Figure {
  name: string;
  title: string;
  meaning: string;
  better: "lower" | "higher" | "none";
  value: Maybe;
  interval: Interval | null;
  floor: { value: Maybe; interval: Interval | null } | null;
  /** As many images as the floor has. `floor` is given where the set is smaller than that: then the floor of so few. */
  matched: { count: Maybe; value: Maybe; floor?: Maybe } | null;
  ratio: Maybe;
}

export interface Trait {
  name: string;
  title: string;
  unit: string;
  meaning: string;
  group: string;
  real: Distribution;
  held_out: Distribution;
  generated: Distribution;
  histogram: { edges: number[]; real: Maybe[]; generated: Maybe[] } | null;
  wasserstein: { value: Maybe; interval: Interval | null; floor: Maybe; ratio: Maybe } | null;
  ks: { statistic: Maybe; p: Maybe; p_corrected: Maybe } | null;
  beyond: Maybe;
  beyond_interval: Interval | null;
}

export interface Distribution {
  count: Maybe;
  missing: Maybe;
  mean: Maybe;
  deviation: Maybe;
  quantiles: Record<string, Maybe> | null;
}

export interface Copies {
  named: number[];
  verdict: string;
  closer_share: { feature: Maybe; pixel: Maybe };
  closer_interval: { feature: Interval | null; pixel: Interval | null };
  closer_p: { feature: Maybe; pixel: Maybe };
  distances: { pixel: Distances | null; feature: Distances | null };
  threshold: { pixel: Maybe; feature: Maybe };
  pairs: Pair[];
  pictures: Samples | null;
}

export interface Distances {
  edges: number[];
  held_out: Maybe[];
  generated: Maybe[];
}

export interface Pair {
  generated: Maybe;
  item: Maybe;
  patient: string;
  turn: string;
  pixel_hu: Maybe;
  feature: Maybe;
  named: boolean;
}

export interface Obedience {
  label: string;
  judge: string;
  classes: string[];
  asked: Maybe;
  correct: Maybe;
  interval: Interval | null;
  chance: Maybe;
  /** Of sizes from a range: how far from what was asked is right, as a part of it. */
  tolerance?: Maybe;
  judge_accuracy: Maybe;
  judge_balanced_accuracy: Maybe;
  judge_interval: Interval | null;
  confusion: Maybe[][];
  judge_confusion: Maybe[][] | null;
}

export interface Condition {
  name: string;
  unit: string;
  kind: "category" | "ordinal" | "number";
  meaning: string;
  /** Training images whose value is known. */
  known: Maybe;
  /** Values of a category or scale, or knots of a number; `cases`: training images to which it is the nearest. */
  values: { number: Maybe; name: string; cases: Maybe }[];
}

export interface Cost {
  training_seconds: Maybe;
  training_images: Maybe;
  training_steps: Maybe;
  generation_seconds_per_image: Maybe;
  evaluations_per_image: Maybe;
  parameters: Maybe;
  peak_memory_bytes: Maybe;
  device: string | null;
  threads: Maybe;
  curve: { columns: string[]; rows: Maybe[][] } | null;
}

export interface Strip {
  captions: string[];
  pictures: Samples | null;
}

export interface Sweep {
  name: string;
  family: string;
  count: Maybe;
  points: SweepPoint[];
  floor: { fd: Maybe; kid: Maybe } | null;
}

export interface SweepPoint {
  sampler: string;
  steps: Maybe;
  evaluations: Maybe;
  seconds_per_image: Maybe;
  fd: Maybe;
  interval: Interval | null;
  kid: Maybe;
}

export interface SeedTable {
  columns: string[];
  rows: (string | number | null)[][];
  note: string;
}
