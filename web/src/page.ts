import { type Child, h } from "./dom";
import { seriesStyle, type Style } from "./palette";
import type { Looking } from "./looking";
import type { ImageSet, Report } from "./schema";

/** What every section is handed. */
export interface Page {
  report: Report;
  looking: Looking;
}

/** A section of the page; its `id` is where the list of contents leads. */
export interface Section {
  id: string;
  title: string;
  content: Child;
}

/** The name of a set with its family, its sampler and its steps, as far as they are known. */
export function described(set: ImageSet): string {
  const parts = [
    set.family,
    set.sampler,
    set.steps ? `${set.steps} steps` : "",
    set.count === null ? "" : `${set.count} images`,
    set.synthetic ? "" : "real",
  ];
  const text = parts.filter(Boolean).join(", ");
  return text ? `${set.name} (${text})` : set.name;
}

export function setStyle(report: Report, set: ImageSet): Style {
  return seriesStyle(report.sets.indexOf(set));
}

/** The line that stands where a section has nothing to show: what is missing and what makes it. */
export function missing(text: string, command: string): HTMLElement {
  return h("p", { class: "missing" }, text, " ", "It comes from ", h("code", {}, command), ".");
}

/** A small heading that tells whose figures follow. */
export function setHeading(set: ImageSet): HTMLElement {
  return h("h3", {}, set.name, set.family && h("span", { class: "family" }, ` ${set.family}`));
}
