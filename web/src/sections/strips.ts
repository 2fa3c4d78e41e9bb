import { type Child, h, scroller } from "../dom";
import { controls, type Looking, picture } from "../looking";
import { missing, type Page, type Section, setHeading } from "../page";
import { decode } from "../picture";
import type { Strip } from "../schema";
import { shownAs } from "./pictures";

function strip(looking: Looking, title: string, what: string, given: Strip | null): Child {
  const pixels = decode(given?.pictures);
  if (!pixels) return null;
  const captions = given?.captions?.length ? given.captions : pixels.captions;
  const shown = Array.from({ length: pixels.count }, (_, i) => {
    const caption = captions[i] ?? `${i + 1}`;
    return picture(looking, pixels, i, "synthetic", `${what}, ${caption}`, caption);
  });
  return [h("h4", {}, title), scroller(what, h("div", { class: "strip" }, shown))];
}

/** How noise is added in training and taken away in generation. */
export function strips({ report, looking }: Page): Section {
  const section = { id: "noise", title: "Noising and denoising" };
  const content: Child[] = report.sets.flatMap((set): Child[] => {
    const forward = strip(looking, "Forward: noise is added", `${set.name}, noising`, set.strips?.forward ?? null);
    const backward = strip(
      looking,
      "Backward: noise becomes an image",
      `${set.name}, denoising`,
      set.strips?.backward ?? null,
    );
    return forward || backward ? [setHeading(set), forward, backward] : [];
  });
  if (content.length === 0) {
    const command = "nodulus generate RUN --out IMAGES";
    return {
      ...section,
      content: missing("No strip of noising and denoising: diffusion models alone have one.", command),
    };
  }
  const note = "Left to right. Forward: noise is added to an image, as in training. Backward: noise becomes an image.";
  return { ...section, content: [h("p", {}, note), controls(looking, "noise"), shownAs(looking), content] };
}
