import * as Plot from "@observablehq/plot";
import { chartFigure, type Figures } from "../chart";
import { h } from "../dom";
import { count } from "../format";
import { choice } from "../looking";
import { missing, type Page, type Section, setStyle } from "../page";
import { legend, realStyle, seriesStyle, type Style } from "../palette";
import type { Maybe, Report, SweepPoint } from "../schema";

type Metric = "fd" | "kid";
type Axis = "evaluations" | "seconds_per_image";

/** One sampler of one sweep, or one set of the report (a single point without a line). */
interface Line {
  name: string;
  style: Style;
  points: SweepPoint[];
  single: boolean;
}

function ownPoint(report: Report, index: number): SweepPoint | null {
  const set = report.sets[index];
  if (!set) return null;
  const of = (name: string) => set.figures.find((f) => f.name === name);
  return {
    sampler: set.sampler,
    steps: set.steps,
    evaluations: set.evaluations ?? set.cost?.evaluations_per_image ?? null,
    seconds_per_image: set.cost?.generation_seconds_per_image ?? null,
    fd: of("fd")?.value ?? null,
    interval: of("fd")?.interval ?? null,
    kid: of("kid")?.value ?? null,
  };
}

/**
 * Several sweeps: the colour tells the model, the same as in the other charts where the set is known by its name or its
 * family, and line and mark tell the sampler. One sweep: the colour tells the sampler as well.
 */
function sweepStyle(report: Report, sweep: number, sampler: number): Style {
  const { length } = report.sets;
  if (report.sweeps.length === 1) return seriesStyle(length + sampler);
  const { name, family } = report.sweeps[sweep] ?? { name: "", family: "" };
  const kin = report.sets.filter((set) => family && set.family === family);
  const own = report.sets.find((set) => set.name === name) ?? (kin.length === 1 ? kin[0] : undefined);
  const colour = own ? setStyle(report, own).colour : seriesStyle(length + sweep).colour;
  return { ...seriesStyle(sampler), colour };
}

function gather(report: Report): Line[] {
  const lines: Line[] = [];
  const samplers = [...new Set(report.sweeps.flatMap((s) => s.points.map((p) => p.sampler)))];
  report.sweeps.forEach((sweep, k) =>
    samplers.forEach((sampler, i) => {
      const points = sweep.points.filter((p) => p.sampler === sampler);
      const name = report.sweeps.length > 1 ? [sweep.name, sampler].filter(Boolean).join(", ") : sampler || sweep.name;
      if (points.length > 0) lines.push({ name, style: sweepStyle(report, k, i), points, single: false });
    }),
  );
  report.sets.forEach((set, i) => {
    const point = set.cost ? ownPoint(report, i) : null;
    const name = `${set.name}, ${count(set.count)} images`;
    if (point) lines.push({ name, style: setStyle(report, set), points: [point], single: true });
  });
  return lines;
}

interface Place {
  x: number;
  y: number;
  low: number | null;
  high: number | null;
}

function placed(line: Line, metric: Metric, axis: Axis): Place[] {
  return line.points
    .flatMap((p): Place[] => {
      const x = p[axis] ?? 0;
      const y = p[metric];
      if (!(x > 0) || y === null || y === undefined) return [];
      const range = metric === "fd" ? p.interval : null;
      return [{ x, y, low: range?.[0] ?? null, high: range?.[1] ?? null }];
    })
    .sort((a, b) => a.x - b.x);
}

function marks(line: Line, metric: Metric, axis: Axis): Plot.Markish[] {
  const points = placed(line, metric, axis);
  const { colour, dash, symbol } = line.style;
  const ranges = points.filter((p) => p.low !== null && p.high !== null);
  const open = symbol === "times" || symbol === "plus";
  return [
    Plot.ruleX(ranges, { x: "x", y1: "low", y2: "high", stroke: colour, strokeOpacity: 0.7 }),
    line.single ? null : Plot.line(points, { x: "x", y: "y", stroke: colour, strokeDasharray: dash, strokeWidth: 2 }),
    Plot.dot(points, {
      x: "x",
      y: "y",
      symbol,
      stroke: colour,
      fill: open ? "none" : colour,
      r: line.single ? 6 : 3.5,
      strokeWidth: 1.5,
    }),
  ];
}

function listed(lines: readonly Line[], metric: Metric, axis: Axis, x: string, y: string): Figures {
  return {
    columns: ["Images", "Steps", x, y],
    rows: lines.flatMap((line) => line.points.map((p): (string | Maybe)[] => [line.name, p.steps, p[axis], p[metric]])),
  };
}

function plot(report: Report, lines: readonly Line[], metric: Metric, axis: Axis): HTMLElement {
  const x = axis === "evaluations" ? "Evaluations of the network an image" : "Seconds an image";
  const y = metric === "fd" ? report.features.distance || "FD" : "KID";
  const floors = [...new Set(report.sweeps.flatMap((s) => s.floor?.[metric] ?? []))];
  return chartFigure({
    title: `${y} against ${x.toLowerCase()}`,
    label: `${y} against ${x.toLowerCase()}, on a logarithmic scale, for ${lines.map((l) => l.name).join(", ")}`,
    options: () => ({
      height: 320,
      marginLeft: 52,
      marginTop: 24,
      marginBottom: 42,
      x: {
        type: "log",
        label: `${x} →`,
        labelAnchor: "right",
        ticks: 5,
        tickFormat: "~r",
        grid: true,
        insetLeft: 12,
        insetRight: 12,
      },
      y: { label: `↑ ${y}`, grid: true, ticks: 6, zero: metric === "fd", nice: true },
      marks: [
        Plot.ruleY(floors, { stroke: "var(--real)", strokeWidth: 1.6, strokeDasharray: "1 4", strokeLinecap: "round" }),
        ...lines.flatMap((line) => marks(line, metric, axis)),
      ],
    }),
    figures: () => listed(lines, metric, axis, x, y),
  });
}

/** Quality against what it costs: evaluations of the network and seconds. */
export function sweeps({ report }: Page): Section {
  const section = { id: "cost-of-quality", title: "Quality against evaluations and time" };
  const lines = gather(report);
  if (report.sweeps.every((s) => s.points.length === 0)) {
    return {
      ...section,
      content: missing(
        "No sampler was run over several numbers of steps.",
        "nodulus sweep RUN --real DATASET --out sweep.json",
      ),
    };
  }
  const place = h("div", { class: "pair" });
  const show = (metric: Metric): void =>
    place.replaceChildren(plot(report, lines, metric, "evaluations"), plot(report, lines, metric, "seconds_per_image"));
  show("fd");
  const kid = lines.some((line) => line.points.some((p) => p.kid !== null && p.kid !== undefined));
  const metrics: { text: string; value: Metric }[] = [
    { text: "FD", value: "fd" },
    { text: "KID", value: "kid" },
  ];
  const counts = [...new Set(report.sweeps.map((s) => count(s.count)))].join(" or ");
  const floorStyle: Style = { ...realStyle, dash: "1 4" };
  return {
    ...section,
    content: [
      h(
        "p",
        {},
        `Lower is better. Points of a sweep come from ${counts} images each, those of the sets from as many as the ` +
          "legend says; FD falls with that number. Lines through points are 95 % intervals.",
      ),
      kid && h("div", { class: "controls" }, choice("Measured by", metrics, "fd", show).element),
      legend([
        ...lines.map((line) => ({ text: line.name, style: line.style, mark: true, line: !line.single })),
        { text: "real vs real (the floor)", style: floorStyle },
      ]),
      place,
    ],
  };
}
