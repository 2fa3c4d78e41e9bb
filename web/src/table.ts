import { type Child, h, scroller } from "./dom";

export interface Cell {
  text: Child;
  header?: boolean;
  rows?: number;
  columns?: number;
  class?: string;
  style?: string;
}

export type CellLike = Cell | Child;

function isCell(value: CellLike): value is Cell {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Node);
}

function cell(value: CellLike, header: boolean, scope: string): HTMLElement {
  const c: Cell = isCell(value) ? value : { text: value };
  const heading = c.header ?? header;
  return h(
    heading ? "th" : "td",
    { scope: heading ? scope : null, rowspan: c.rows, colspan: c.columns, class: c.class, style: c.style },
    c.text,
  );
}

/**
 * A table that scrolls sideways within itself. The first cell of every row heads it, `groups` is a line of headings
 * above `columns`.
 */
export function table(
  caption: string,
  columns: readonly CellLike[],
  rows: readonly (readonly CellLike[])[],
  options: { class?: string; groups?: readonly CellLike[] } = {},
): HTMLElement {
  const head = (line: readonly CellLike[]): HTMLElement =>
    h(
      "tr",
      {},
      line.map((c) => cell(c, true, "col")),
    );
  const body = rows.map((row) =>
    h(
      "tr",
      {},
      row.map((c, i) => cell(c, i === 0, "row")),
    ),
  );
  return scroller(
    caption,
    h(
      "table",
      { class: options.class },
      h("caption", {}, caption),
      h("thead", {}, options.groups && head(options.groups), head(columns)),
      h("tbody", {}, body),
    ),
  );
}
