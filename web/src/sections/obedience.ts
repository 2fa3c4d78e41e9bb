import { type Child, h } from "../dom";
import { count, dash, number, percent, percentInterval } from "../format";
import { missing, type Page, type Section, setHeading } from "../page";
import type { Condition, ImageSet, Maybe, Obedience } from "../schema";
import { type Cell, table } from "../table";

/** A confusion table: rows what was asked or true, columns what was found; shaded by the share of the row. */
function confusion(
  caption: string,
  corner: string,
  classes: readonly string[],
  counts: readonly Maybe[][],
): HTMLElement {
  const rows = counts.map((row, i) => {
    const sum = row.reduce<number>((total, value) => total + (value ?? 0), 0);
    const cells = row.map((value, k): Cell => {
      const share = sum > 0 ? (value ?? 0) / sum : 0;
      const tint = `background: color-mix(in srgb, var(--heat) ${Math.round(share * 45)}%, transparent)`;
      return { text: count(value), class: i === k ? "heat hit" : "heat", style: tint };
    });
    return [classes[i] ?? String(i + 1), ...cells];
  });
  return table(caption, [corner, ...classes], rows, { class: "confusion" });
}

function one(o: Obedience): Child {
  const outline = o.judge === "outline";
  const rows = [
    ["Generated, as asked", percent(o.correct), percentInterval(o.interval)],
    ["By chance", percent(o.chance), dash],
  ];
  if (!outline) {
    rows.push(["The judge on held-out real", percent(o.judge_accuracy), percentInterval(o.judge_interval)]);
    rows.push(["The same, each class alike", percent(o.judge_balanced_accuracy), dash]);
  }
  return h(
    "div",
    { class: "obedience" },
    h("h4", {}, o.label),
    h(
      "p",
      { class: "note" },
      `${count(o.asked)} images; judged by the ${o.judge || "judge"}`,
      o.tolerance ? `, right within ${percent(o.tolerance)} of what was asked for.` : ".",
    ),
    h(
      "div",
      { class: "row" },
      table(`${o.label}: shares that are right`, ["", "Right", "95 % interval"], rows),
      o.confusion.length > 0 && confusion(`${o.label}: generated images`, "asked \\ found", o.classes, o.confusion),
      o.judge_confusion &&
        o.judge_confusion.length > 0 &&
        confusion(`${o.label}: held-out real images`, "true \\ found", o.classes, o.judge_confusion),
    ),
  );
}

/** "5 highly suspicious", "about 8.2 mm"; a number's values are knots, between which its cases lie. */
function valueText(label: Condition, value: Condition["values"][number]): string {
  const text = Number.isInteger(value.number) ? count(value.number) : number(value.number);
  if (label.kind === "number") return `about ${text}${label.unit && ` ${label.unit}`}`;
  return value.name ? `${text} ${value.name}` : text;
}

/** What the model can be asked for, with the real cases behind each value. */
function schema(set: ImageSet): Child {
  if (set.conditions.length === 0) return false;
  const rows = set.conditions.map((label): Cell[] => [
    { text: label.name },
    { text: label.kind },
    { text: count(label.known) },
    { text: label.values.map((value) => `${valueText(label, value)} (${count(value.cases)})`).join(", "), class: "text" },
  ]);
  const columns = ["Label", "Kind", "Known of", "Values (training images)"];
  return h(
    "details",
    { class: "askable" },
    h("summary", {}, "What its model can be asked for"),
    table("Labels of the model, and the training images nearest to each value", columns, rows, { class: "schema" }),
  );
}

/** Whether images asked for with a label have it. */
export function obedience({ report }: Page): Section {
  const content: Child[] = report.sets.flatMap((set): Child[] =>
    set.obedience.length + set.conditions.length > 0
      ? [setHeading(set), schema(set), set.obedience.map(one)]
      : [],
  );
  const note =
    "The judge is no reader. Its share on held-out real images is what to compare with: it errs there as well.";
  return {
    id: "labels",
    title: "Labels: what can be asked for, and obedience",
    content:
      content.length > 0
        ? [h("p", {}, note), content]
        : missing(
            "No set was made with labels asked for.",
            "nodulus generate RUN of a model that was trained on a label",
          ),
  };
}
