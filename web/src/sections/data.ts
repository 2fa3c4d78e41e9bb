import { type Child, h, link } from "../dom";
import { count, number } from "../format";
import type { Page, Section } from "../page";
import type { Report } from "../schema";
import { table } from "../table";
import { figureNames } from "./figures";

type Terms = readonly (readonly [string, string])[];

const terms: Terms = [
  [
    "Training and held-out",
    "The real images are split by patient. Models learn from the training part; the held-out part is kept from them.",
  ],
  [
    "Floor",
    "The same figure for held-out real images against training ones: about what a perfect generator would reach " +
      "with so many images.",
  ],
  [
    "95 % interval",
    "From bootstrap: images are drawn again with replacement, many times. It holds the chance of the draw of images, " +
      "not that of training anew.",
  ],
  [
    "With n",
    "The figure from as many generated images as the floor has held-out ones, so that the two can be compared.",
  ],
  ["Ratio", "The figure with n over the floor. One is as good as real."],
  ["★", "Better than every other set, and the 95 % intervals do not touch. Without it no difference is claimed."],
  [
    "Wasserstein's distance",
    "Mean distance by which values would be moved to make the two distributions equal, in the unit of the trait.",
  ],
  [
    "KS p, corrected",
    "Kolmogorov and Smirnov's test that both distributions are the same, corrected for the number of traits. " +
      "Small: they differ. Large: no difference was seen.",
  ],
  ["Beyond", "Share of generated images outside the range that holds 99 % of real ones."],
];

function glossary(all: Terms): Child {
  return h(
    "dl",
    { class: "glossary" },
    all.map(([term, text]) => h("div", {}, h("dt", {}, term), h("dd", {}, text))),
  );
}

function known(report: Report): Terms {
  const found = new Map<string, string>();
  for (const f of figureNames(report.sets)) if (f.meaning) found.set(f.title || f.name, f.meaning);
  for (const t of report.sets.flatMap((set) => set.traits)) if (t.meaning) found.set(t.title || t.name, t.meaning);
  return [...found];
}

function sources(report: Report): Child {
  if (report.real.sources.length === 0) return h("p", {}, "The data set names no source.");
  return report.real.sources.map((source) =>
    h(
      "div",
      { class: "source" },
      h("h4", {}, link(source.url ?? "", source.name || "unnamed source")),
      h("p", {}, `Licence: ${source.licence || "not stated"}`),
      source.citation && h("p", { class: "citation" }, source.citation),
    ),
  );
}

/** Where the real images come from and how every figure is read. */
export function data({ report }: Page): Section {
  const { real } = report;
  const rows = [
    ["Images", count(real.counts.train), count(real.counts.held_out)],
    ["Patients", count(real.counts.train_patients), count(real.counts.held_out_patients)],
  ];
  const window = `${number(real.window_hu[0])} to ${number(real.window_hu[1])} HU`;
  return {
    id: "data",
    title: "Data and how to read the figures",
    content: [
      h("h3", {}, "Data"),
      table(`Real images: ${real.name || "unnamed"}`, ["", "Training", "Held-out"], rows),
      h(
        "dl",
        { class: "facts" },
        h("dt", {}, "Pixels"),
        h("dd", {}, `${number(real.spacing_mm)} mm${real.spacing_note ? `; ${real.spacing_note}` : ""}`),
        h("dt", {}, "Full window"),
        h("dd", {}, window),
        h("dt", {}, "Path"),
        h("dd", {}, h("code", {}, real.path || "unknown")),
        h("dt", {}, "SHA-256"),
        h("dd", {}, h("code", { class: "hash" }, real.hash || "unknown")),
      ),
      h("h3", {}, "Sources, licence and citation"),
      sources(report),
      h("h3", {}, "How to read"),
      glossary(terms),
      known(report).length > 0 && [h("h3", {}, "Every figure and trait"), glossary(known(report))],
    ],
  };
}
