import { h } from "../dom";
import { controls, choice, picture } from "../looking";
import type { Looking } from "../looking";
import { missing, type Page, type Section } from "../page";
import { decode, type Pixels } from "../picture";

interface Source {
  name: string;
  note: string;
  synthetic: boolean;
  pixels: Pixels;
}

function column(looking: Looking, source: Source): { element: HTMLElement; show: (limit: number) => void } {
  const grid = h("div", { class: "grid" });
  const show = (limit: number): void => {
    const wanted = Math.min(limit, source.pixels.count);
    while (grid.children.length > wanted) grid.lastElementChild?.remove();
    for (let i = grid.children.length; i < wanted; i += 1) {
      const caption = source.pixels.captions[i] ?? `${i + 1}`;
      grid.append(
        picture(
          looking,
          source.pixels,
          i,
          source.synthetic ? "synthetic" : "real",
          `${source.name}, ${caption}`,
          caption,
        ),
      );
    }
  };
  const kind = h(
    "span",
    { class: source.synthetic ? "badge synthetic" : "badge" },
    source.synthetic ? "synthetic" : "real",
  );
  const heading = h("h3", {}, source.name, " ", kind);
  return { element: h("div", { class: "column" }, heading, h("p", { class: "note" }, source.note), grid), show };
}

/** The line that tells window and scale on the printed page, which has no controls. */
export function shownAs(looking: Looking): HTMLElement {
  const line = h("p", { class: "note shown-as" });
  looking.watch((look) => {
    const [low, high] = look.window_hu;
    line.textContent = `Window ${low} to ${high} HU, ${look.scale} × the size in pixels.`.replaceAll("-", "−");
  });
  return line;
}

/** Real images and those of every set, side by side. */
export function pictures({ report, looking }: Page): Section {
  const sources: Source[] = [];
  const add = (name: string, note: string, synthetic: boolean, pixels: Pixels | null): void => {
    if (pixels) sources.push({ name, note, synthetic, pixels });
  };
  add(report.real.name || "real", "From the data set", false, decode(report.real.samples));
  for (const set of report.sets) {
    const how = [set.family, set.sampler, set.steps ? `${set.steps} steps` : ""].filter(Boolean).join(", ");
    add(set.name, how || "Given as images", set.synthetic, decode(set.samples));
  }
  const section = { id: "pictures", title: "Pictures" };
  if (sources.length === 0)
    return { ...section, content: missing("No pictures.", "nodulus evaluate IMAGES --real DATASET") };
  const columns = sources.map((source) => column(looking, source));
  const show = (limit: number): void => columns.forEach((one) => one.show(limit));
  const most = Math.max(...sources.map((source) => source.pixels.count));
  const limits = [...[4, 12].filter((n) => n < most), most];
  const first = limits[0] ?? most;
  show(first);
  const texts = limits.map((value) => ({ text: value === most ? `all (${most})` : String(value), value }));
  return {
    ...section,
    content: [
      h("p", {}, "Window and scale are the same for all pictures of this page."),
      controls(looking, "pictures"),
      limits.length > 1 && h("div", { class: "controls" }, choice("Pictures of each", texts, first, show).element),
      shownAs(looking),
      h(
        "div",
        { class: "columns", "data-columns": sources.length },
        columns.map((one) => one.element),
      ),
    ],
  };
}
