import type { Cost, Copies, Figure, ImageSet, Interval, Real, Report, Sweep, Trait } from "./schema";

/** The version of report.json that this page reads. */
const version = 1;

type Loose<T> = { [K in keyof T]?: T[K] | null };

const none = { count: null, missing: null, mean: null, deviation: null, quantiles: null };

/** Two finite numbers, or null. */
function interval(value: unknown): Interval | null {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) ? [value[0], value[1]] : null;
}

function list<T>(value: T[] | null | undefined): T[] {
  return Array.isArray(value) ? value : [];
}

function figure(f: Figure): Figure {
  return {
    ...f,
    interval: interval(f.interval),
    floor: f.floor ? { value: f.floor.value ?? null, interval: interval(f.floor.interval) } : null,
  };
}

function trait(t: Trait): Trait {
  const histogram = t.histogram && t.histogram.edges?.length > 1 ? t.histogram : null;
  return {
    ...t,
    unit: t.unit ?? "",
    group: t.group ?? "",
    real: t.real ?? none,
    held_out: t.held_out ?? none,
    generated: t.generated ?? none,
    histogram: histogram && {
      edges: histogram.edges,
      real: list(histogram.real),
      generated: list(histogram.generated),
    },
    beyond_interval: interval(t.beyond_interval),
    wasserstein: t.wasserstein && { ...t.wasserstein, interval: interval(t.wasserstein.interval) },
  };
}

function copies(c: Copies | null | undefined): Copies | null {
  if (!c) return null;
  const nothing = { pixel: null, feature: null };
  return {
    ...c,
    named: list(c.named),
    closer_share: c.closer_share ?? nothing,
    closer_interval: {
      pixel: interval(c.closer_interval?.pixel ?? null),
      feature: interval(c.closer_interval?.feature ?? null),
    },
    closer_p: c.closer_p ?? nothing,
    distances: c.distances ?? nothing,
    threshold: c.threshold ?? nothing,
    pairs: list(c.pairs),
    pictures: c.pictures ?? null,
  };
}

function cost(c: Cost | null | undefined): Cost | null {
  if (!c) return null;
  return { ...c, curve: c.curve && list(c.curve.rows).length > 0 ? c.curve : null };
}

function imageSet(s: ImageSet, index: number): ImageSet {
  return {
    ...s,
    name: s.name || `set ${index + 1}`,
    family: s.family ?? "",
    sampler: s.sampler ?? "",
    count: s.count ?? null,
    steps: s.steps ?? null,
    evaluations: s.evaluations ?? null,
    synthetic: s.synthetic !== false,
    samples: s.samples ?? null,
    figures: list(s.figures).map(figure),
    fd_extrapolation: s.fd_extrapolation ?? null,
    kid_blocks: s.kid_blocks ?? null,
    outlines: s.outlines ?? null,
    traits: list(s.traits).map(trait),
    beyond: s.beyond ? { ...s.beyond, range: interval(s.beyond.range), interval: interval(s.beyond.interval) } : null,
    copies: copies(s.copies),
    obedience: list(s.obedience).map((o) => ({
      ...o,
      classes: list(o.classes),
      interval: interval(o.interval),
      judge_interval: interval(o.judge_interval),
      judge_balanced_accuracy: o.judge_balanced_accuracy ?? null,
      confusion: list(o.confusion),
      judge_confusion: o.judge_confusion ?? null,
    })),
    conditions: list(s.conditions).map((c) => ({
      ...c,
      unit: c.unit ?? "",
      meaning: c.meaning ?? "",
      known: c.known ?? null,
      values: list(c.values),
    })),
    cost: cost(s.cost),
    strips: s.strips ?? null,
  };
}

function real(r: Loose<Real> | null | undefined): Real {
  return {
    name: r?.name ?? "",
    path: r?.path ?? "",
    hash: r?.hash ?? "",
    window_hu: interval(r?.window_hu) ?? [-1000, 400],
    size: r?.size ?? [null, null],
    spacing_mm: r?.spacing_mm ?? null,
    spacing_note: r?.spacing_note ?? "",
    counts: r?.counts ?? { train: null, held_out: null, train_patients: null, held_out_patients: null },
    sources: list(r?.sources),
    samples: r?.samples ?? null,
  };
}

function sweep(s: Sweep): Sweep {
  const points = list(s.points).map((p) => ({ ...p, sampler: p.sampler ?? "", interval: interval(p.interval) }));
  return { ...s, points, floor: s.floor ?? null };
}

/**
 * The report in `text`, with what is missing made null or empty.
 * Throws an Error with a sentence for the reader where it is no report or of another version; null where there is none.
 */
export function readReport(text: string): Report | null {
  const data = JSON.parse(text) as Loose<Report> | null;
  if (data === null) return null;
  const name = data.schema?.name;
  if (name !== "nodulus.report") throw new Error(`expected nodulus.report, found ${String(name ?? "no schema")}`);
  if (data.schema?.version !== version) {
    throw new Error(`expected version ${version} of nodulus.report, found ${String(data.schema?.version)}`);
  }
  return {
    schema: data.schema,
    created: data.created ?? "",
    program: data.program ?? { name: "nodulus", version: "", revision: "" },
    summary: list(data.summary),
    cautions: list(data.cautions),
    real: real(data.real),
    features: data.features ?? { name: "", dimension: null, distance: "" },
    sets: list(data.sets).map(imageSet),
    sweeps: list(data.sweeps).map(sweep),
    seed_table: data.seed_table ?? null,
  };
}
