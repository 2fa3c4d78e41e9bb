import { type Child, h } from "../dom";
import { count, date, number } from "../format";
import { described } from "../page";
import type { Report } from "../schema";

function fact(term: string, text: Child): Child {
  return [h("dt", {}, term), h("dd", {}, text)];
}

function sentences(text: readonly string[]): Child {
  return h(
    "ul",
    {},
    text.map((one) => h("li", {}, one)),
  );
}

/** Title, what was compared, and what it comes to in plain language. */
export function head(report: Report): HTMLElement {
  const { real, program, features } = report;
  const counts = `${count(real.counts.held_out)} held-out and ${count(real.counts.train)} training images`;
  const size = real.size[0] === null ? "" : `, ${count(real.size[0])} × ${count(real.size[1])} pixels`;
  const spacing = real.spacing_mm === null ? "" : ` of ${number(real.spacing_mm)} mm`;
  const version = [program.version, program.revision && `revision ${program.revision}`].filter(Boolean).join(", ");
  return h(
    "header",
    { class: "head" },
    h("p", { class: "kicker" }, "nodulus comparison report"),
    h("h1", {}, "Generated lung nodules beside real ones"),
    h(
      "dl",
      { class: "facts" },
      fact("Made", [date(report.created) || "unknown", `, by ${program.name} ${version}`]),
      fact("Real images", [real.name || "unnamed", `: ${counts}${size}${spacing}`]),
      fact(
        "Compared",
        h(
          "ul",
          {},
          report.sets.map((set) => h("li", {}, described(set))),
        ),
      ),
      features.name
        ? fact("Features", [
            features.name,
            features.dimension !== null && `, ${count(features.dimension)} numbers an image`,
          ])
        : null,
    ),
  );
}

/** Summary and cautions. */
export function summary(report: Report): HTMLElement {
  const { summary: said, cautions } = report;
  return h(
    "section",
    { id: "summary", class: "summary", "aria-labelledby": "summary-title" },
    h("h2", { id: "summary-title" }, "In short"),
    said.length > 0 ? sentences(said) : h("p", {}, "No summary came with these figures."),
    cautions.length > 0 &&
      h("div", { class: "cautions" }, h("h3", {}, "What cannot be concluded"), sentences(cautions)),
  );
}
