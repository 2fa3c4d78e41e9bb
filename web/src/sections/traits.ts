import * as Plot from "@observablehq/plot";
import { alike } from "../bins";
import { chartFigure, steps } from "../chart";
import { type Child, h } from "../dom";
import { dash, interval, number, percent, percentInterval, probability, times } from "../format";
import { choice } from "../looking";
import { missing, type Page, type Section, setStyle } from "../page";
import { legend, realStyle, type Style } from "../palette";
import type { Distribution, ImageSet, Maybe, Report, Trait } from "../schema";
import { type CellLike, table } from "../table";

interface Owned {
  set: ImageSet;
  trait: Trait;
  style: Style;
}

/** A trait with the figures of every set that has it. */
interface Row {
  name: string;
  title: string;
  unit: string;
  group: string;
  owned: Owned[];
}

function gather(report: Report): Row[] {
  const rows = new Map<string, Row>();
  for (const set of report.sets) {
    for (const trait of set.traits) {
      const { name, title, unit, group } = trait;
      const row = rows.get(name) ?? { name, title: title || name, unit, group: group || "other", owned: [] };
      row.owned.push({ set, trait, style: setStyle(report, set) });
      rows.set(name, row);
    }
  }
  return [...rows.values()];
}

type Line = { name: string; edges: number[]; shares: Maybe[]; style: Style };

/** Whose outlines a set's traits were measured on, and those of the real images beside it. */
const outlinedBy = (set: ImageSet): string => set.outlines?.from ?? "images";

const networkStyle: Style = { ...realStyle, dash: "2 3" };

/** Real images as they were measured for each kind of outlines: their own, or a network's for sets without. */
function realLines(row: Row): Line[] {
  const kinds = [...new Set(row.owned.map(({ set }) => outlinedBy(set)))];
  return kinds.flatMap((kind) => {
    const owner = row.owned.find(({ set, trait }) => trait.histogram && outlinedBy(set) === kind);
    const histogram = owner?.trait.histogram;
    if (!histogram) return [];
    const network = kind === "network";
    const name = network ? "real, outlined by the network" : "real";
    return [{ name, edges: histogram.edges, shares: histogram.real, style: network ? networkStyle : realStyle }];
  });
}

/** The lines of a trait's chart: real images, then every set. */
function lines(row: Row): Line[] {
  const drawn = row.owned.flatMap(({ set, trait, style }) =>
    trait.histogram?.generated.some((share) => share !== null)
      ? [{ name: set.name, edges: trait.histogram.edges, shares: trait.histogram.generated, style }]
      : [],
  );
  const real = realLines(row);
  return real.length > 0 ? [...real, ...drawn] : [];
}

function plot(row: Row): HTMLElement | null {
  const all = alike(lines(row));
  const real = all[0];
  if (!real) return null;
  const axis = row.unit ? `${row.title} (${row.unit})` : row.title;
  return chartFigure({
    title: axis,
    label: `Distribution of ${axis}: ${all.map((line) => line.name).join(", ")}`,
    options: () => ({
      height: 178,
      marginLeft: 44,
      marginRight: 14,
      marginTop: 26,
      x: { label: null, ticks: 5 },
      y: { label: "↑ share", ticks: 4, grid: true, tickFormat: "~%" },
      marks: [
        Plot.areaY(steps(real.edges, real.shares), {
          x: "x",
          y: "y",
          curve: "step-after",
          fill: "var(--real)",
          fillOpacity: 0.13,
        }),
        ...all.map((line) =>
          Plot.line(steps(line.edges, line.shares), {
            x: "x",
            y: "y",
            curve: "step-after",
            stroke: line.style.colour,
            strokeDasharray: line.style.dash,
            strokeWidth: line.style === realStyle || line.style === networkStyle ? 1.4 : 2,
          }),
        ),
        Plot.ruleY([0], { strokeOpacity: 0.4 }),
      ],
    }),
    figures: () => ({
      columns: ["Images", "from", "to", "share a bin of the real images' width"],
      rows: all.flatMap((line) =>
        line.shares.map((share, i) => [line.name, line.edges[i] ?? null, line.edges[i + 1] ?? null, share]),
      ),
    }),
  });
}

/** Median and the range from the 5th to the 95th percentile. */
function spread(d: Distribution): Child {
  const q = d.quantiles ?? {};
  const low = q["5"] ?? null;
  const high = q["95"] ?? null;
  return [
    number(q["50"]),
    " ",
    h("span", { class: "interval" }, interval(low !== null && high !== null ? [low, high] : null)),
  ];
}

function figuresOf(row: Row): CellLike[][] {
  const title = row.unit ? `${row.title}, ${row.unit}` : row.title;
  return row.owned.map(({ set, trait }, i) => {
    const w = trait.wasserstein;
    const cells: CellLike[] = [
      { text: set.name, header: true, class: "set" },
      { text: spread(trait.real) },
      { text: spread(trait.generated) },
      { text: w ? [number(w.value), " ", h("span", { class: "interval" }, interval(w.interval))] : dash },
      number(w?.floor),
      times(w?.ratio),
      probability(trait.ks?.p_corrected),
      [percent(trait.beyond), " ", h("span", { class: "interval" }, percentInterval(trait.beyond_interval))],
    ];
    const first: CellLike = { text: title, header: true, rows: row.owned.length };
    return i === 0 ? [first, ...cells] : cells;
  });
}

function beyond(sets: readonly ImageSet[]): Child {
  const rows = sets.flatMap(({ name, beyond: b }) =>
    b ? [[name, percent(b.share), percentInterval(b.interval), percent(b.floor)]] : [],
  );
  if (rows.length === 0) return null;
  const range = sets.find((set) => set.beyond?.range)?.beyond?.range ?? [0.5, 99.5];
  return [
    h("h3", {}, "Beyond the real range"),
    h("p", {}, `Images with any trait outside the ${range[0]} to ${range[1]} % range of real training images.`),
    table("Images beyond the real range", ["Set", "Share", "95 % interval", "Held-out real"], rows),
  ];
}

const heads = [
  "Trait",
  "Set",
  "Real: median [5, 95 %]",
  "Generated: median [5, 95 %]",
  "Wasserstein [95 %]",
  "Floor",
  "Ratio",
  "KS p, corrected",
  "Beyond [95 %]",
];

function grouped(rows: Row[], place: HTMLElement, group: string): void {
  const chosen = group === "all" ? rows : rows.filter((row) => row.group === group);
  const caption = group === "all" ? "All traits" : `Traits of ${group}`;
  const charts = chosen.map(plot);
  place.replaceChildren(
    h("div", { class: "multiples" }, charts),
    table(caption, heads, chosen.flatMap(figuresOf), { class: "traits" }),
  );
}

/** What can be measured on a nodule: distributions and how far they lie apart. */
export function traits({ report }: Page): Section {
  const section = { id: "traits", title: "Traits" };
  const rows = gather(report);
  if (rows.length === 0)
    return { ...section, content: missing("No traits.", "nodulus evaluate IMAGES --real DATASET") };
  const groups = [...new Set(rows.map((row) => row.group))];
  const place = h("div", { class: "trait-group", "aria-live": "off" });
  const choices = ["all", ...groups].map((value) => ({ text: value, value }));
  grouped(rows, place, "all");
  const sets = report.sets.filter((set) => set.traits.length > 0);
  return {
    ...section,
    content: [
      h(
        "p",
        {},
        "Wasserstein's distance is how far the generated values would have to be moved to lie as the real ones do, " +
          "in the trait's unit; the floor is the same for held-out real images. Shares in the charts are of bins as " +
          "wide as the real images'.",
      ),
      groups.length > 1 &&
        h("div", { class: "controls" }, choice("Traits of", choices, "all", (g) => grouped(rows, place, g)).element),
      legend([
        ...(sets.some((set) => outlinedBy(set) !== "network") ? [{ text: "real", style: realStyle }] : []),
        ...(sets.some((set) => outlinedBy(set) === "network")
          ? [{ text: "real, outlined by the network", style: networkStyle }]
          : []),
        ...sets.map((set) => ({ text: set.name, style: setStyle(report, set) })),
      ]),
      place,
      beyond(report.sets),
    ],
  };
}
