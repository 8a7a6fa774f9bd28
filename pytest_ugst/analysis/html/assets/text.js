"use strict";
// Making elements, and showing what others wrote. Text goes into the page as text nodes only.

const $ = (id) => document.getElementById(id);

// One element. Attributes: strings, true, or functions for events ("onclick"); null and false are left out.
function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
const el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Other children in the place of an element's own: what was unfolded and what had the focus stays so.
function redraw(node, children) {
  const folds = new Set([...node.querySelectorAll("details[open][class]")].map((fold) => fold.className));
  const held = node.contains(document.activeElement) ? document.activeElement : null;
  node.replaceChildren(...children);
  for (const fold of node.querySelectorAll("details")) if (folds.has(fold.className)) fold.open = true;
  if (!held) return;
  const same = [...node.querySelectorAll("a, button, summary")].find((one) => one.tagName === held.tagName && one.textContent === held.textContent);
  same?.focus({ preventScroll: true });
}

const icon = (tone, title) =>
  svg("svg", { class: `icon ${tone}`, viewBox: "0 0 16 16", role: title ? "img" : null, "aria-hidden": title ? null : "true" },
    title && svg("title", null, title), svg("use", { href: `#s-${tone}` }));

const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

// What can't be seen, or turns text around: shown by name. Joiners stay, emoji and several scripts need them.
const UNSEEN = new RegExp(
  "(?:[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f" +
  "\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]|\\udb40[\\udc00-\\udc7f]" +
  "|[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff])+", "g");
const NAMES = {
  0x7f: "DEL", 0xad: "SHY", 0x61c: "ALM", 0x200b: "ZWSP", 0x200e: "LRM", 0x200f: "RLM", 0x202a: "LRE", 0x202b: "RLE",
  0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO", 0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI",
  0xfeff: "BOM",
};
const CONTROLS = (
  "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
).split(" ");
const RUN = 6; // characters of a run that are shown by name

function nameOf(character) {
  const code = character.codePointAt(0);
  return CONTROLS[code] ?? NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

// Append text, with whatever is unseen named.
function appendText(node, text) {
  const lines = text.replace(/\r\n?|[\u2028\u2029\u0085]/g, "\n");
  let from = 0;
  for (const found of lines.matchAll(UNSEEN)) {
    if (found.index > from) node.append(lines.slice(from, found.index));
    const characters = [...found[0]];
    const shown = characters.slice(0, RUN).map(nameOf).join(" ");
    const more = characters.length > RUN ? ` … ${characters.length}` : "";
    node.append(el("span", { class: "hidden-char", title: "characters that can't be seen" }, shown + more));
    from = found.index + found[0].length;
  }
  if (from < lines.length) node.append(lines.slice(from));
  return node;
}

// The same for places that hold nothing but text: options, tool tips, the window's title.
const flat = (text) =>
  text.replace(UNSEEN, (run) => `[${[...run].slice(0, RUN).map(nameOf).join(" ")}${run.length > RUN ? " …" : ""}]`);

// Text of others by itself: its direction is its own and ends with it.
const words = (text, attributes) => appendText(el("bdi", { dir: "auto", ...attributes }), text);

const FOLD = 2400; // characters from which on text is folded
const HEAD = 1600;
const AROUND = 200;

// A long text with marked passages: [{start, end, ...}], sorted, not overlapping. Folded where nothing is marked.
function passage(text, marks, decorate) {
  const node = el("bdi", { dir: "auto", class: "said" });
  const fill = (ranges) => {
    node.replaceChildren();
    let at = 0;
    for (const [from, to] of ranges) {
      if (from > at) node.append(gap(from - at));
      show(node, text, from, to, marks, decorate);
      at = to;
    }
    if (at < text.length) node.append(gap(text.length - at));
  };
  const gap = (length) =>
    el("button", { type: "button", class: "gap", onclick: () => fill([[0, text.length]]) },
      `show ${length.toLocaleString("en")} more characters`);
  fill(text.length <= FOLD ? [[0, text.length]] : ranges(text.length, marks));
  return node;
}

function ranges(length, marks) {
  const wanted = [[0, HEAD], ...marks.map((mark) => [Math.max(0, mark.start - AROUND), Math.min(length, mark.end + AROUND)])];
  const joined = [];
  for (const [from, to] of wanted.sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last && from <= last[1] + AROUND) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  if (length - joined.at(-1)[1] < AROUND) joined.at(-1)[1] = length;
  return joined;
}

function show(node, text, from, to, marks, decorate) {
  let at = from;
  for (const mark of marks) {
    if (mark.end <= at || mark.start >= to) continue;
    if (mark.start > at) appendText(node, text.slice(at, mark.start));
    const end = Math.min(mark.end, to);
    node.append(decorate(appendText(el("mark"), text.slice(Math.max(at, mark.start), end)), mark));
    at = end;
  }
  if (at < to) appendText(node, text.slice(at, to));
}
