import * as Plot from "@observablehq/plot";
import { type Child, h } from "./dom";
import { number } from "./format";
import type { Maybe } from "./schema";
import { table } from "./table";

export interface Figures {
  columns: string[];
  rows: (string | Maybe)[][];
}

export interface Chart {
  /** Shown above the chart. */
  title: Child;
  /** What the chart shows, in words, for those who do not see it. */
  label: string;
  options: (width: number) => Plot.PlotOptions;
  /** The numbers that are drawn, shown as a table on demand. */
  figures: () => Figures;
}

const style = "background: transparent; color: inherit; font: 12px var(--sans); overflow: visible;";

function drawn(chart: Chart, width: number): Element {
  const plot = Plot.plot({ ...chart.options(width), width, style });
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", chart.label);
  for (const part of plot.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  return plot;
}

/** The figures behind a chart, made into a table when they are first asked for. */
function behind(chart: Chart): HTMLElement {
  const details = h("details", { class: "behind" }, h("summary", {}, "Figures of this chart"));
  details.addEventListener("toggle", () => {
    if (details.querySelector("table")) return;
    const { columns, rows } = chart.figures();
    const cells = rows.map((row) => row.map((c) => (typeof c === "string" ? c : number(c))));
    details.append(table(chart.label, columns, cells));
  });
  return details;
}

/** A chart as wide as its place, drawn anew when that changes, with its numbers beneath. */
export function chartFigure(chart: Chart): HTMLElement {
  const place = h("div", { class: "plot" });
  let width = 0;
  const draw = (): void => {
    const now = Math.floor(place.clientWidth);
    if (now < 40 || now === width) return;
    width = now;
    place.replaceChildren(drawn(chart, width));
  };
  new ResizeObserver(() => requestAnimationFrame(draw)).observe(place);
  return h("figure", { class: "chart" }, h("figcaption", {}, chart.title), place, behind(chart));
}

/** The outline of a histogram, n shares between n + 1 edges, as points for a line of steps. */
export function steps(edges: readonly number[], shares: readonly Maybe[]): { x: number; y: number }[] {
  const last = Math.min(edges.length - 1, shares.length);
  const points = edges.slice(0, last).map((x, i) => ({ x, y: shares[i] ?? 0 }));
  const start = edges[0];
  const end = edges[last];
  if (start === undefined || end === undefined) return [];
  return [{ x: start, y: 0 }, ...points, { x: end, y: 0 }];
}
