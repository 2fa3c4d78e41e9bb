import { type Child, h } from "../dom";
import { bytes, count, dash, duration, number } from "../format";
import { missing, type Page, type Section } from "../page";
import type { Cost, ImageSet, SeedTable } from "../schema";
import { table } from "../table";

type Item = [string, (cost: Cost, set: ImageSet) => string];

const items: Item[] = [
  ["Training time", (c) => duration(c.training_seconds)],
  ["Images seen in training", (c) => count(c.training_images)],
  ["Training steps", (c) => count(c.training_steps)],
  ["Time an image", (c) => duration(c.generation_seconds_per_image)],
  ["Evaluations of the network an image", (c, set) => count(c.evaluations_per_image ?? set.evaluations)],
  ["Parameters", (c) => count(c.parameters)],
  ["Peak memory", (c) => bytes(c.peak_memory_bytes)],
  ["Device", (c) => c.device || dash],
  ["Threads", (c) => count(c.threads)],
];

function seedTable(seed: SeedTable): Child {
  const rows = seed.rows.map((row) => row.map((c) => (typeof c !== "string" ? number(c) : c === "-" ? dash : c)));
  return [
    h("h3", {}, "The table nodulus began with"),
    table("The seed's table", seed.columns, rows),
    seed.note && h("p", { class: "note" }, seed.note),
  ];
}

/** What training and generation took. */
export function cost({ report }: Page): Section {
  const sets = report.sets.filter((set) => set.cost);
  const rows = items.map(([name, value]) => [name, ...sets.map((set) => (set.cost ? value(set.cost, set) : dash))]);
  const none = missing("No record of cost came with these sets.", "nodulus generate RUN --out IMAGES");
  return {
    id: "cost",
    title: "Cost",
    content: [
      sets.length > 0 ? table("What training and generation took", ["", ...sets.map((set) => set.name)], rows) : none,
      report.seed_table && seedTable(report.seed_table),
    ],
  };
}
