import type { Figure, ImageSet, Maybe } from "./schema";

/** Figures whose value depends on how many images there are: sets of different counts cannot be ranked by them. */
const depends_on_count = /^(fd|precision_\d+|recall_\d+|density_\d+|coverage_\d+)$/;

type Measured = Pick<Figure, "better" | "value" | "interval"> | null | undefined;

/**
 * The index of the figure whose 95 % interval lies on the better side of every other's without touching it, or -1.
 * What was not measured (null) does not take part. A value without an interval forbids the mark, so does being alone.
 */
export function best(figures: readonly Measured[]): number {
  const measured = figures.flatMap((f, index) =>
    f && f.value !== null && Number.isFinite(f.value) ? [{ index, better: f.better, interval: f.interval }] : [],
  );
  if (measured.length < 2 || measured.some((f) => f.interval === null)) return -1;
  for (const one of measured) {
    const parts = measured.every((other) => {
      if (other === one) return true;
      if (!one.interval || !other.interval) return false;
      if (one.better === "lower") return one.interval[1] < other.interval[0];
      if (one.better === "higher") return one.interval[0] > other.interval[1];
      return false;
    });
    if (parts) return one.index;
  }
  return -1;
}

/** Whether the sets were measured with different numbers of images and the figure `name` depends on that number. */
export function unequal(name: string, counts: readonly Maybe[]): boolean {
  return depends_on_count.test(name) && new Set(counts).size > 1;
}

/** best() over one figure of each set; -1 also where the counts make the sets unequal. */
export function bestSet(name: string, sets: readonly Pick<ImageSet, "figures" | "count">[]): number {
  const figures = sets.map((set) => set.figures.find((f) => f.name === name));
  const counts = sets.filter((_, i) => (figures[i]?.value ?? null) !== null).map((set) => set.count);
  return unequal(name, counts) ? -1 : best(figures);
}
