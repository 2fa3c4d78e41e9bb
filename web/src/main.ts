import "./style.css";
import { h } from "./dom";
import { Looking } from "./looking";
import type { Page, Section } from "./page";
import { readReport } from "./read";
import type { Report, Samples } from "./schema";
import { copies } from "./sections/copies";
import { cost } from "./sections/cost";
import { data } from "./sections/data";
import { figures } from "./sections/figures";
import { head, summary } from "./sections/head";
import { obedience } from "./sections/obedience";
import { pictures } from "./sections/pictures";
import { strips } from "./sections/strips";
import { sweeps } from "./sections/sweeps";
import { training } from "./sections/training";
import { traits } from "./sections/traits";

/** The sections in their order on the page. A new one is a file and a row here. */
const sections: readonly ((page: Page) => Section)[] = [
  pictures,
  figures,
  traits,
  sweeps,
  training,
  strips,
  copies,
  obedience,
  cost,
  data,
];

function anyOutline(report: Report): boolean {
  const all: (Samples | null | undefined)[] = [
    report.real.samples,
    ...report.sets.flatMap((set) => [set.samples, set.copies?.pictures, set.strips?.forward?.pictures]),
  ];
  return all.some((samples) => Boolean(samples?.masks));
}

function contents(all: readonly Section[]): HTMLElement {
  const items = [{ id: "summary", title: "In short" }, ...all];
  const links = items.map(({ id, title }) => h("li", {}, h("a", { href: `#${id}` }, title)));
  return h("nav", { class: "contents", "aria-label": "Contents" }, h("ol", {}, links));
}

function build(report: Report): HTMLElement[] {
  const looking = new Looking(report.real.window_hu);
  looking.outlined = anyOutline(report);
  const made = sections.map((section) => section({ report, looking }));
  const bodies = made.map(({ id, title, content }, i) =>
    h(
      "section",
      { id, "aria-labelledby": `${id}-title` },
      h("h2", { id: `${id}-title` }, h("span", { class: "numeral" }, `${i + 1}`), ` ${title}`),
      content,
    ),
  );
  return [
    h("a", { class: "skip", href: "#main" }, "Skip to the report"),
    h(
      "div",
      { class: "frame" },
      contents(made),
      h("main", { id: "main", tabindex: -1 }, head(report), summary(report), bodies),
    ),
  ];
}

function fault(text: string): HTMLElement {
  return h(
    "main",
    { class: "fault", id: "main" },
    h("h1", {}, "nodulus comparison report"),
    h("p", { role: "alert" }, text),
  );
}

function start(): void {
  const holder = document.getElementById("report-data");
  const page = document.getElementById("page");
  if (!page) return;
  try {
    const report = readReport(holder?.textContent ?? "null");
    if (!report) {
      page.replaceChildren(
        fault("This page holds no report. Make one with: nodulus report metrics.json --out report/"),
      );
      return;
    }
    const names = report.sets.map((set) => set.name).join(", ");
    document.title = `${names} beside ${report.real.name || "real images"} – nodulus report`;
    page.replaceChildren(...build(report));
  } catch (error) {
    page.replaceChildren(
      fault(`This report cannot be shown: ${error instanceof Error ? error.message : String(error)}`),
    );
  }
}

start();
