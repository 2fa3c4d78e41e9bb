import * as Plot from "@observablehq/plot";
import { chartFigure } from "../chart";
import { type Child, h } from "../dom";
import { missing, type Page, type Section, setHeading, setStyle } from "../page";
import type { Style } from "../palette";
import type { ImageSet, Maybe } from "../schema";

type Curve = { columns: string[]; rows: Maybe[][] };

function plot(set: ImageSet, curve: Curve, column: number, style: Style): HTMLElement | null {
  const name = curve.columns[column] ?? "";
  const x = curve.columns[0] || "images";
  const points = curve.rows.flatMap((row) => {
    const at = row[0] ?? null;
    const y = row[column] ?? null;
    return at !== null && y !== null ? [{ x: at, y }] : [];
  });
  if (points.length === 0) return null;
  const one = points.length === 1;
  return chartFigure({
    title: name,
    label: `${name} of ${set.name} against ${x} seen in training`,
    options: () => ({
      height: 150,
      marginLeft: 50,
      marginBottom: 40,
      marginTop: 10,
      marginRight: 16,
      x: { label: `${x} →`, ticks: 4, tickFormat: "~s" },
      y: { label: null, ticks: 4, grid: true, tickFormat: "~g" },
      marks: [
        Plot.line(points, { x: "x", y: "y", stroke: style.colour, strokeWidth: 1.6 }),
        one ? Plot.dot(points, { x: "x", y: "y", fill: style.colour }) : null,
      ],
    }),
    figures: () => ({ columns: [x, name], rows: points.map((p) => [p.x, p.y]) }),
  });
}

/** What was logged while each set's model learned. */
export function training({ report }: Page): Section {
  const content: Child[] = report.sets.flatMap((set): Child[] => {
    const curve = set.cost?.curve;
    if (!curve) return [];
    const charts = curve.columns.slice(1).map((_, i) => plot(set, curve, i + 1, setStyle(report, set)));
    return [setHeading(set), h("div", { class: "multiples small" }, charts)];
  });
  const none = missing("No record of training came with these sets.", "nodulus generate RUN --out IMAGES");
  return {
    id: "training",
    title: "Training",
    content: content.length > 0 ? [h("p", {}, "Every chart has its own scale."), content] : none,
  };
}
