import type { Maybe } from "./schema";

/** A histogram as a line: n shares between n + 1 edges. */
export interface Binned {
  edges: readonly number[];
  shares: readonly Maybe[];
}

/** Mean width of the bins; 1 where there are none. */
function width(of: Binned): number {
  const bins = of.edges.length - 1;
  const range = (of.edges[bins] ?? 0) - (of.edges[0] ?? 0);
  return bins > 0 && range > 0 ? range / bins : 1;
}

/**
 * Histograms that can be laid over one another: the first as it is, the others as if their bins were as wide as the
 * first's. A set's bins are chosen from its own values, so that they differ; wider bins hold more of the same values.
 */
export function alike<T extends Binned>(all: readonly T[]): T[] {
  const first = all[0];
  if (!first) return [];
  const wanted = width(first);
  return all.map((one) => {
    const scale = wanted / width(one);
    return { ...one, shares: one.shares.map((share) => (share === null ? null : share * scale)) };
  });
}
