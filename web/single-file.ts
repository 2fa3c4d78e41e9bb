import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

/** Where the program that writes the report puts the data. */
const placeholder = '<script id="report-data" type="application/json">null</script>';

interface Package {
  title: string;
  licence: string;
}

/** The package whose file is `path`: the nearest package.json above it that has a name and a version. */
function packageOf(path: string): Package | null {
  let folder = dirname(path);
  while (folder !== dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file)) {
      const about = JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string; license?: string };
      if (about.name && about.version) {
        const text = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license"]
          .map((n) => join(folder, n))
          .find((n) => existsSync(n));
        if (!text) throw new Error(`expected a licence text in the package ${about.name}, found none`);
        return {
          title: `${about.name} ${about.version} (${about.license ?? "see text"})`,
          licence: readFileSync(text, "utf8").trim(),
        };
      }
    }
    folder = dirname(folder);
  }
  return null;
}

/** The licences of all packages that went into the page; packages with the same text share it. */
function notices(modules: readonly string[]): string {
  const texts = new Map<string, Set<string>>();
  for (const path of modules.filter((m) => m.includes("/node_modules/"))) {
    const found = packageOf(path.replace(/^\0/, "").split("?")[0] ?? path);
    if (!found) throw new Error(`expected a package that holds ${path}, found none`);
    texts.set(found.licence, (texts.get(found.licence) ?? new Set()).add(found.title));
  }
  const parts = [...texts].map(([licence, titles]) => `${[...titles].sort().join("\n")}\n\n${licence}\n`);
  return `THIRD-PARTY SOFTWARE IN THIS PAGE\n\n${parts.sort().join(`\n${"=".repeat(72)}\n\n`)}`;
}

/** Puts script and style into the page, the licences after it, and checks that the data has one place. */
export function singleFile(): Plugin {
  return {
    name: "single-file",
    enforce: "post",
    generateBundle(_, bundle) {
      const files = Object.values(bundle);
      const page = files.find((f) => f.fileName.endsWith(".html"));
      if (page?.type !== "asset") throw new Error("expected one html file, found none");
      const chunks = files.flatMap((f) => (f.type === "chunk" ? [f] : []));
      const styles = files.flatMap((f) => (f.type === "asset" && f.fileName.endsWith(".css") ? [f] : []));
      const script = chunks
        .map((c) => c.code)
        .join("\n")
        .replaceAll("</script", "<\\/script")
        .replaceAll("<!--", "<\\!--");
      const style = styles.map((f) => String(f.source)).join("\n");
      const licences = notices(chunks.flatMap((c) => Object.keys(c.modules)));
      const html = String(page.source)
        .replace(/\s*<script type="module"[^>]*src=[^>]*><\/script>/g, "")
        .replace(/\s*<link rel="stylesheet"[^>]*>/g, "")
        .replace("</head>", () => `<style>${style}</style>\n  </head>`)
        .replace("</body>", () => `<script type="module">${script}</script>\n  </body>`);
      const noted = `${html.trimEnd()}\n<!--\n${licences.replaceAll("--", "- -")}-->\n`;
      if (noted.split(placeholder).length !== 2) throw new Error(`expected one place for the data, ${placeholder}`);
      page.source = noted;
      for (const f of [...chunks, ...styles]) delete bundle[f.fileName];
      this.emitFile({ type: "asset", fileName: "THIRD_PARTY.txt", source: licences });
    },
  };
}
