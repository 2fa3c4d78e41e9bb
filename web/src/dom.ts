/** Elements made by functions: text only ever enters the page as text nodes and attributes. */
export type Child = Node | string | number | null | undefined | false | Child[];
type Attribute = string | number | boolean | null | undefined | ((event: Event) => void);
export type Attributes = Record<string, Attribute>;

function append(parent: Element, child: Child): void {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) child.forEach((c) => append(parent, c));
  else parent.append(child instanceof Node ? child : String(child));
}

function attributesTo(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** An element of html; a function as an attribute listens to the event of that name. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  attributesTo(element, attributes);
  append(element, children);
  return element;
}

/** An element of svg. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  attributesTo(element, attributes);
  append(element, children);
  return element;
}

let names = 0;

/** An id that nothing else on the page has. */
export function unique(stem: string): string {
  names += 1;
  return `${stem}-${names}`;
}

/** Text that is read aloud and not shown. */
export function spoken(text: string): HTMLElement {
  return h("span", { class: "spoken" }, text);
}

/** A link where `url` is one of the web's, plain text otherwise. */
export function link(url: string, text: string): Child {
  return /^https?:\/\//i.test(url) ? h("a", { href: url, rel: "noreferrer" }, text) : text;
}

/** Makes a box that scrolls sideways reachable by the keyboard while there is something to scroll. */
export function scroller(label: string, ...children: Child[]): HTMLElement {
  const box = h("div", { class: "scroll", role: "region", "aria-label": label }, ...children);
  const watch = new ResizeObserver(() => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
  watch.observe(box);
  for (const child of box.children) watch.observe(child);
  return box;
}
