import * as Plot from "@observablehq/plot";
import { bestSet, unequal } from "../better";
import { chartFigure } from "../chart";
import { type Child, h, spoken } from "../dom";
import { count, dash, interval, number, times } from "../format";
import { missing, type Page, type Section, setStyle } from "../page";
import { legend } from "../palette";
import type { Figure, ImageSet, Report } from "../schema";
import { type CellLike, table } from "../table";

const arrows = { lower: "↓ lower is better", higher: "↑ higher is better", none: "to compare with the floor" };

/** The first figure of each name, in the order in which they appear. */
export function figureNames(sets: readonly ImageSet[]): Figure[] {
  const found = new Map<string, Figure>();
  for (const set of sets) for (const f of set.figures) if (!found.has(f.name)) found.set(f.name, f);
  return [...found.values()];
}

function value(figure: Figure | undefined, mark: boolean): CellLike {
  if (!figure || figure.value === null) return dash;
  const { matched, ratio } = figure;
  const shown = mark
    ? h("strong", {}, number(figure.value), " ★", spoken(" better than every other set"))
    : number(figure.value);
  const fewer = matched?.floor ?? null;
  const other =
    fewer !== null && fewer !== figure.floor?.value && `floor with ${count(matched?.count)}: ${number(fewer)}`;
  const same = matched && matched.value !== null && `with ${count(matched.count)}: ${number(matched.value)}`;
  return {
    class: mark ? "figure best" : "figure",
    text: [
      h("span", { class: "value" }, shown),
      h("span", { class: "interval" }, interval(figure.interval)),
      same && h("span", { class: "detail" }, same),
      other && h("span", { class: "detail" }, other),
      ratio !== null && ratio !== undefined && h("span", { class: "detail" }, `${times(ratio)} floor`),
    ],
  };
}

function floor(sets: readonly ImageSet[], name: string): CellLike {
  const found = sets.flatMap((set) => set.figures).find((f) => f.name === name && f.floor?.value != null)?.floor;
  if (!found) return dash;
  return {
    class: "figure",
    text: [
      h("span", { class: "value" }, number(found.value)),
      h("span", { class: "interval" }, interval(found.interval)),
    ],
  };
}

function row(sets: readonly ImageSet[], figure: Figure): CellLike[] {
  const winner = bestSet(figure.name, sets);
  const title: Child = [
    h("span", { class: "title" }, figure.title || figure.name),
    h("span", { class: "direction" }, arrows[figure.better] ?? arrows.none),
    h("span", { class: "meaning" }, figure.meaning),
  ];
  const own = (set: ImageSet): Figure | undefined => set.figures.find((f) => f.name === figure.name);
  return [{ text: title }, ...sets.map((set, i) => value(own(set), i === winner)), floor(sets, figure.name)];
}

function extrapolation(report: Report): Child {
  const lines = report.sets.flatMap((set) => {
    const e = set.fd_extrapolation;
    const points = (e?.points ?? []).filter((p) => Number.isFinite(p[0]) && Number.isFinite(p[1]));
    return e && points.length > 0 ? [{ set, ...e, points, style: setStyle(report, set) }] : [];
  });
  if (lines.length === 0) return null;
  const far = Math.max(...lines.flatMap((l) => l.points.map((p) => p[0])));
  const marks = lines.flatMap(({ points, slope, intercept, style }) => [
    Plot.dot(points, { x: "0", y: "1", symbol: style.symbol, stroke: style.colour, fill: style.colour, r: 3 }),
    intercept !== null && slope !== null
      ? Plot.line(
          [
            [0, intercept],
            [far, intercept + slope * far],
          ],
          {
            stroke: style.colour,
            strokeDasharray: style.dash,
            strokeWidth: 1.8,
          },
        )
      : null,
  ]);
  return [
    h("h3", {}, "FD without limit of images"),
    h("p", {}, "FD falls as images are added. A line through FD against 1/N, followed to 1/N = 0, is FD∞."),
    legend(lines.map(({ set, style }) => ({ text: set.name, style, mark: true }))),
    h(
      "div",
      { class: "narrow" },
      chartFigure({
        title: "FD against one over the number of images",
        label: "FD against 1/N with the line that is fitted to it, for each set",
        options: () => ({
          height: 270,
          marginLeft: 50,
          marginBottom: 42,
          x: { label: "1 / images →", domain: [0, far * 1.05], ticks: 5 },
          y: { label: "FD", zero: true, grid: true, ticks: 5 },
          marks: [Plot.ruleY([0], { strokeOpacity: 0.4 }), ...marks],
        }),
        figures: () => ({
          columns: ["Set", "1/N", "FD"],
          rows: lines.flatMap(({ set, points, intercept }) => [
            [set.name, 0, intercept],
            ...points.map((p): [string, number, number] => [set.name, p[0], p[1]]),
          ]),
        }),
      }),
    ),
  ];
}

function kidBlocks(sets: readonly ImageSet[]): Child {
  const rows = sets.flatMap((set) => {
    const k = set.kid_blocks;
    return k ? [[set.name, count(k.size), count(k.count), number(k.deviation)]] : [];
  });
  if (rows.length === 0) return null;
  return [
    h("h3", {}, "Blocks of KID"),
    h("p", {}, "KID is the mean over random blocks of images; the deviation is that from block to block."),
    table("Blocks of KID", ["Set", "Images a block", "Blocks", "Deviation"], rows),
  ];
}

/** Every metric, for every set and for real against real. */
export function figures({ report }: Page): Section {
  const section = { id: "figures", title: "Figures" };
  const { sets } = report;
  const names = figureNames(sets);
  if (names.length === 0) {
    return { ...section, content: missing("No figures.", "nodulus evaluate IMAGES --real DATASET --out metrics.json") };
  }
  const columns: CellLike[] = [
    "Figure",
    ...sets.map((s) => [s.name, h("small", {}, `${count(s.count)} images`)]),
    ["Real vs real", h("small", {}, "the floor")],
  ];
  const counts = sets.map((set) => set.count);
  const uneven = sets.length > 1 && names.some((f) => unequal(f.name, counts));
  return {
    ...section,
    content: [
      h(
        "p",
        {},
        "The value is of all images of a set, in brackets its 95 % interval; “with n” is the same from as many " +
          "images as the floor has, and its ratio to the floor.",
      ),
      sets.length > 1 &&
        h(
          "p",
          {},
          "★ and bold: better than every other set, and its interval touches none of theirs. No mark: " +
            "the figures do not part the sets.",
        ),
      uneven &&
        h(
          "p",
          { class: "caution" },
          "The sets differ in their number of images. Figures that depend on it are not marked: " +
            "compare “with n”.",
        ),
      table(
        "Figures of the sets",
        columns,
        names.map((figure) => row(sets, figure)),
        { class: "figures" },
      ),
      h("div", { class: "pair" }, h("div", {}, extrapolation(report)), h("div", {}, kidBlocks(sets))),
    ],
  };
}
