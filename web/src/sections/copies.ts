import * as Plot from "@observablehq/plot";
import { chartFigure, steps } from "../chart";
import { type Child, h } from "../dom";
import { count, dash, number, percent, percentInterval, probability } from "../format";
import { controls, type Looking, picture } from "../looking";
import { missing, type Page, type Section, setHeading, setStyle } from "../page";
import { legend, realStyle, type Style } from "../palette";
import { decode } from "../picture";
import type { Copies, Distances, ImageSet, Maybe, Pair } from "../schema";
import { table } from "../table";
import { shownAs } from "./pictures";

function plot(set: ImageSet, title: string, d: Distances | null, threshold: Maybe, style: Style): HTMLElement | null {
  if (!d || !(d.edges?.length > 1)) return null;
  const line = (shares: Maybe[], own: Style): Plot.Markish =>
    Plot.line(steps(d.edges, shares), {
      x: "x",
      y: "y",
      curve: "step-after",
      stroke: own.colour,
      strokeDasharray: own.dash,
      strokeWidth: 2,
    });
  const shape = { x: "x", y: "y", curve: "step-after", fill: "var(--real)", fillOpacity: 0.13 } as const;
  return chartFigure({
    title,
    label: `${title}, of ${set.name} and of held-out real images`,
    options: () => ({
      height: 200,
      marginLeft: 46,
      marginTop: 22,
      x: { label: null, ticks: 5 },
      y: { label: "↑ share", grid: true, ticks: 4, tickFormat: "~%" },
      marks: [
        Plot.areaY(steps(d.edges, d.held_out), shape),
        line(d.held_out, { ...realStyle, dash: "" }),
        line(d.generated, style),
        Plot.ruleX(threshold === null ? [] : [threshold], { stroke: "var(--warn)", strokeWidth: 1.6 }),
        Plot.text(threshold === null ? [] : [threshold], {
          x: (v: number) => v,
          frameAnchor: "top",
          dy: -14,
          text: () => "named below",
          fill: "var(--warn)",
          textAnchor: "start",
          dx: -4,
        }),
        Plot.ruleY([0], { strokeOpacity: 0.4 }),
      ],
    }),
    figures: () => ({
      columns: ["from", "to", "held-out real", "generated"],
      rows: d.held_out.map((share, i) => [d.edges[i] ?? null, d.edges[i + 1] ?? null, share, d.generated[i] ?? null]),
    }),
  });
}

function closer(copies: Copies): HTMLElement {
  const row = (name: string, kind: "pixel" | "feature"): string[] => [
    name,
    percent(copies.closer_share[kind]),
    percentInterval(copies.closer_interval[kind]),
    probability(copies.closer_p[kind]),
    number(copies.threshold[kind]),
  ];
  return table(
    "Closer to a training image than 1 % of held-out real images are",
    ["Distance", "Share of images", "95 % interval", "p", "Named up to"],
    [row("Pixels, HU", "pixel"), row("Features", "feature")],
  );
}

function pairCaption(pair: Pair, real: boolean): Child {
  if (!real) return `image ${pair.generated === null ? dash : count(pair.generated)}`;
  return [
    `${pair.patient || "unknown patient"}, item ${pair.item === null ? dash : pair.item}`,
    pair.turn && pair.turn !== "as it is" ? h("br") : null,
    pair.turn && pair.turn !== "as it is" ? pair.turn : null,
  ];
}

function pairs(looking: Looking, set: ImageSet, copies: Copies): Child {
  const pixels = decode(copies.pictures);
  if (copies.pairs.length === 0) return null;
  const shown = copies.pairs.map((pair, i) => {
    const one = (k: number, synthetic: boolean): Child =>
      pixels && k < pixels.count
        ? picture(
            looking,
            pixels,
            k,
            synthetic ? "synthetic" : "real",
            `${set.name}, pair ${i + 1}`,
            pairCaption(pair, !synthetic),
          )
        : pairCaption(pair, !synthetic);
    return h(
      "li",
      { class: pair.named ? "neighbours named" : "neighbours" },
      h("div", { class: "two" }, one(2 * i, set.synthetic), one(2 * i + 1, false)),
      h(
        "p",
        { class: "note" },
        `${number(pair.pixel_hu)} HU; features ${number(pair.feature)}`,
        pair.named && h("strong", { class: "named-mark" }, " copy"),
      ),
    );
  });
  return [h("h4", {}, `The ${shown.length} nearest pairs`), h("ol", { class: "neighbour-list" }, shown)];
}

function one(page: Page, set: ImageSet, copies: Copies): Child {
  const style = setStyle(page.report, set);
  return [
    setHeading(set),
    h("p", { class: copies.named.length > 0 ? "verdict bad" : "verdict" }, copies.verdict || dash),
    copies.named.length > 0 &&
      h(
        "p",
        {},
        `Copies are the images ${copies.named.slice(0, 40).join(", ")}${copies.named.length > 40 ? ", …" : ""}.`,
      ),
    closer(copies),
    legend([
      { text: "held-out real", style: realStyle },
      { text: set.name, style },
    ]),
    h(
      "div",
      { class: "pair" },
      plot(
        set,
        "Distance to the nearest training image, HU a pixel",
        copies.distances.pixel,
        copies.threshold.pixel ?? null,
        style,
      ),
      plot(
        set,
        "Distance to the nearest training image, features",
        copies.distances.feature,
        copies.threshold.feature ?? null,
        style,
      ),
    ),
    pairs(page.looking, set, copies),
  ];
}

/** Whether the generator only gives back what it was shown. */
export function copies(page: Page): Section {
  const section = { id: "copies", title: "Nearest neighbours and copies" };
  const content = page.report.sets.flatMap((set): Child[] => (set.copies ? [one(page, set, set.copies)] : []));
  if (content.length === 0)
    return { ...section, content: missing("No search for copies.", "nodulus evaluate IMAGES --real DATASET") };
  return {
    ...section,
    content: [
      h(
        "p",
        {},
        "The generated images that come nearest to a training image, each beside that one, turned and flipped in all " +
          "eight ways. Held-out real images tell how near two different nodules come by chance.",
      ),
      controls(page.looking, "neighbours"),
      shownAs(page.looking),
      content,
    ],
  };
}
