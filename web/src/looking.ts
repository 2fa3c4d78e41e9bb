import { type Child, h, unique } from "./dom";
import { draw, type Kind, type Look, type Pixels } from "./picture";
import type { Interval } from "./schema";

/** The windows to choose from, in HU. */
export function windows(full: Interval): { name: string; title: string; hu: Interval }[] {
  return [
    { name: "lung", title: "Lung", hu: [-1350, 150] },
    { name: "mediastinal", title: "Mediastinal", hu: [-160, 240] },
    { name: "full", title: "Full", hu: full },
  ];
}

/** How all pictures of the page are looked at. Those who watch are told of every change. */
export class Looking {
  look: Look;
  readonly full: Interval;
  /** Whether any picture has an outline to show. */
  outlined = false;
  private watchers_: ((look: Look) => void)[] = [];

  constructor(full: Interval) {
    this.full = full;
    this.look = { window_hu: [-1350, 150], outlines: false, scale: 2, smooth: false };
  }

  watch(watcher: (look: Look) => void): void {
    this.watchers_.push(watcher);
    watcher(this.look);
  }

  change(part: Partial<Look>): void {
    this.look = { ...this.look, ...part };
    for (const watcher of this.watchers_) watcher(this.look);
  }
}

/** A picture with its caption; `what` says in words what it is. */
export function picture(
  looking: Looking,
  pixels: Pixels,
  index: number,
  kind: Kind,
  what: string,
  caption: Child,
): HTMLElement {
  const label = `${kind} image, ${what}`;
  const canvas = h("canvas", { role: "img", "aria-label": label });
  looking.watch((look) => draw(canvas, pixels, index, look, kind));
  return h("figure", { class: "picture" }, canvas, h("figcaption", {}, caption));
}

interface Choice<T> {
  text: string;
  value: T;
}

/** A group of radio buttons, and how another one is chosen without a click. */
export function choice<T>(
  title: string,
  choices: readonly Choice<T>[],
  first: T,
  changed: (value: T) => void,
): { element: HTMLElement; set: (value: T) => void } {
  const name = unique("choice");
  const inputs = choices.map(({ value }) =>
    h("input", { type: "radio", name, change: () => changed(value), value: String(value) }),
  );
  const set = (value: T): void =>
    choices.forEach((one, i) => {
      const input = inputs[i];
      if (input) input.checked = String(one.value) === String(value);
    });
  set(first);
  const labels = choices.map((one, i) => h("label", {}, inputs[i], h("span", {}, one.text)));
  return { element: h("fieldset", { class: "choice" }, h("legend", {}, title), labels), set };
}

function toggle(text: string, changed: (on: boolean) => void): { input: HTMLInputElement; box: HTMLElement } {
  const input = h("input", { type: "checkbox" });
  input.addEventListener("change", () => changed(input.checked));
  return { input, box: h("label", { class: "toggle" }, input, h("span", {}, text)) };
}

/** The controls of `looking`: window, scale, outlines, smoothing. Several of them keep in step. */
export function controls(looking: Looking, where: string): HTMLElement {
  const all = windows(looking.full);
  const windowChoice = choice(
    "Window (HU)",
    all.map((w) => ({ text: `${w.title} ${w.hu[0]} to ${w.hu[1]}`.replaceAll("-", "−"), value: w.name })),
    "lung",
    (name) => looking.change({ window_hu: all.find((w) => w.name === name)?.hu ?? looking.full }),
  );
  const scales = [2, 3, 4].map((value) => ({ text: `${value}×`, value }));
  const scaleChoice = choice("Scale", scales, looking.look.scale, (scale) => looking.change({ scale }));
  const outlines = toggle("Outlines", (on) => looking.change({ outlines: on }));
  const smooth = toggle("Smooth", (on) => looking.change({ smooth: on }));
  looking.watch((look) => {
    const now = all.find((w) => w.hu[0] === look.window_hu[0] && w.hu[1] === look.window_hu[1]);
    windowChoice.set(now?.name ?? "full");
    scaleChoice.set(look.scale);
    outlines.input.checked = look.outlines;
    smooth.input.checked = look.smooth;
  });
  return h(
    "div",
    { class: "controls", role: "group", "aria-label": `How the pictures are shown: ${where}` },
    windowChoice.element,
    scaleChoice.element,
    looking.outlined && outlines.box,
    smooth.box,
  );
}
