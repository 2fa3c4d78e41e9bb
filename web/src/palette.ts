import { h, s } from "./dom";

/** How a series is told apart: by colour, by line and by mark, so that none of them is needed alone. */
export interface Style {
  colour: string;
  dash: string;
  symbol: "circle" | "square" | "triangle" | "diamond" | "times" | "plus";
}

const dashes = ["7 3", "2 3", "10 3 2 3", "4 4", "14 4", "6 2 2 2 2 2"];
const symbols = ["square", "triangle", "diamond", "times", "plus", "circle"] as const;

/** Real images: a full line in the colour of the text. */
export const realStyle: Style = { colour: "var(--real)", dash: "", symbol: "circle" };

/** The series with this index: colours of Okabe and Ito (style.css), which repeat after six with other lines. */
export function seriesStyle(index: number): Style {
  const turn = Math.floor(index / dashes.length);
  return {
    colour: `var(--series-${(index % 6) + 1})`,
    dash: dashes[(index + turn) % dashes.length] ?? "",
    symbol: symbols[(index + turn) % symbols.length] ?? "circle",
  };
}

const shapes: Record<Style["symbol"], string> = {
  circle: "M4 0A4 4 0 1 1-4 0A4 4 0 1 1 4 0Z",
  square: "M-3.5-3.5H3.5V3.5H-3.5Z",
  triangle: "M0-4.5L4.2 3.5H-4.2Z",
  diamond: "M0-5L4 0L0 5L-4 0Z",
  times: "M-3.5-3.5L3.5 3.5M3.5-3.5L-3.5 3.5",
  plus: "M0-4.5V4.5M-4.5 0H4.5",
};

export interface Entry {
  text: string;
  style: Style;
  mark?: boolean;
  line?: boolean;
}

function swatch({ style, mark, line = true }: Entry): SVGSVGElement {
  return s(
    "svg",
    { width: 44, height: 14, viewBox: "0 -7 44 14", "aria-hidden": "true" },
    line && s("path", { d: "M1 0H43", stroke: style.colour, "stroke-width": 2.2, "stroke-dasharray": style.dash }),
    mark &&
      s("path", {
        d: shapes[style.symbol],
        transform: "translate(22 0)",
        fill: /times|plus/.test(style.symbol) ? "none" : style.colour,
        stroke: style.colour,
        "stroke-width": 1.6,
      }),
  );
}

/** What the lines of the charts below it stand for. */
export function legend(entries: readonly Entry[]): HTMLElement {
  return h(
    "ul",
    { class: "legend" },
    entries.map((entry) => h("li", {}, swatch(entry), entry.text)),
  );
}
