"use strict";
(() => {
const byID = id => document.getElementById(id);
const data = JSON.parse(byID("data").textContent);
const { agents, cases, sections } = data;

// Whatever comes from a peer goes through here: strings become text nodes, never markup.
function el(tag, props, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name === "class") e.className = value;
    else if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, "");
    else if (value !== false && value != null) e.setAttribute(name, value);
  }
  e.append(...children.flat(Infinity).filter(c => c != null && c !== false));
  return e;
}

// Characters that show nothing, or that turn others around, as escapes.
const hidden = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const visible = s => s.replace(hidden, c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
const block = s => s ? s.trimEnd().split(/\r?\n/).map(visible).join("\n") : "none";
const short = (s, n) => { const c = [...s]; return c.length > n ? c.slice(0, n).join("") + "…" : s; };
const plural = (n, word) => count(n) + " " + word + (n === 1 ? "" : "s");
const count = n => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");

function duration(ms) {
  if (ms == null) return "";
  if (ms < 1000) return (ms < 1 ? ms : ms < 10 ? +ms.toFixed(1) : Math.round(ms)) + " ms";
  if (ms < 60000) return +(ms / 1000).toFixed(ms < 10000 ? 2 : 1) + " s";
  return Math.floor(ms / 60000) + " min " + Math.round(ms / 1000) % 60 + " s";
}

/* Verdicts. A result counts as one thing: the verdict on its behavior, or that on its close if only the close is at fault. */

const verdicts = {
  "FAILED": ["Failed", "✗", "bad"],
  "UNCLEAN": ["Unclean", "✗", "bad"],
  "WRONG CODE": ["Wrong code", "✗", "bad"],
  "FAILED BY CLIENT": ["Failed by client", "✗", "bad"],
  "NON-STRICT": ["Non-strict", "≈", "warn"],
  "UNIMPLEMENTED": ["Unimplemented", "○", "none"],
  "INFORMATIONAL": ["Informational", "i", "info"],
  "OK": ["OK", "✓", "ok"],
  "MISSING": ["Not run", "–", "missing"],
};
const order = Object.keys(verdicts);
const verdict = v => verdicts[v] || [visible(v), "?", "bad"];
const kindOf = r => !r ? "MISSING" : r.good || closeGood(r) || r.b === "FAILED" ? r.b : r.c;
const closeGood = r => r.c === "OK" || r.c === "INFORMATIONAL";
const isBad = v => verdict(v)[2] === "bad";
const pill = v => { const [word, mark, kind] = verdict(v); return el("span", { class: "pill " + kind }, el("span", { class: "mark", "aria-hidden": "true" }, mark), word); };

function tally(results) {
  const n = new Map();
  for (const r of results) n.set(kindOf(r), (n.get(kindOf(r)) || 0) + 1);
  return new Map([...n].sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0])));
}

function tallyView(n) {
  const bar = el("span", { class: "share", "aria-hidden": "true" }), words = el("span", { class: "counts" });
  for (const [v, k] of [...n].reverse()) {
    const part = el("span", { class: verdict(v)[2] });
    part.style.flexGrow = k; // not an attribute: the page's policy forbids those
    bar.append(part);
  }
  for (const [v, k] of n) words.append(el("span", { class: "n " + verdict(v)[2] }, el("b", {}, count(k)), " " + verdict(v)[0]), " ");
  return [bar, words];
}

/* The table: one body for each section's line, one for its cases, which are made when they are first shown. */

const name = agent => short(visible(agent.name), 48) || "(no name)";
const hash = (a, c) => "#" + encodeURIComponent(agents[a].name) + "/" + encodeURIComponent(cases[c].id);
const sectionOf = c => sections.findIndex(s => s.id === c.id.split(".")[0]);
const members = sections.map((_, n) => cases.flatMap((c, i) => sectionOf(c) === n ? [i] : []));
const partOf = cases.map(c => sections[sectionOf(c)].parts.find(p => c.id.startsWith(p.id + ".")));
const partRows = new Map();
const open = new Set();  // indexes of sections that are unfolded
const shown = cases.map(() => true);
const rows = cases.map(() => null);
const heads = [], bodies = [];

function agentTally(a, list) {
  return el("td", { "data-agent": name(agents[a]) }, tallyView(tally(list.map(i => agents[a].results[i]))));
}

function buildTable() {
  const all = cases.map((_, i) => i);
  const table = byID("table"), cols = el("colgroup", {}, el("col"), agents.map(() => el("col")));
  cols.firstChild.style.width = agents.length > 5 ? "20rem" : "38%";
  table.style.setProperty("--agents", agents.length);
  table.append(cols);
  table.append(el("thead", {}, el("tr", {}, el("th", { scope: "col", class: "case" }, "Case"),
    agents.map(a => el("th", { scope: "col", title: visible(a.name) }, el("bdi", {}, name(a).split(/(?<=[/_-])/).map(part => [part, el("wbr")])), el("small", {}, a.server ? "server" : "client"))))));
  table.append(el("tbody", { class: "total" }, el("tr", {}, el("th", { scope: "row", class: "case" }, "All sections ", el("small", {}, plural(cases.length, "case"))),
    agents.map((_, a) => agentTally(a, all)))));
  sections.forEach((s, n) => {
    const button = el("button", { type: "button", "aria-expanded": "false", "aria-controls": "section-" + s.id, onclick: () => setOpen(n, !open.has(n)) },
      el("span", { class: "fold", "aria-hidden": "true" }), el("span", { class: "id" }, s.id), el("span", {}, s.title, " ", el("small", {}, plural(members[n].length, "case"))));
    heads[n] = el("tbody", { class: "section" }, el("tr", {}, el("th", { scope: "rowgroup", class: "case" }, button), agents.map((_, a) => agentTally(a, members[n]))));
    bodies[n] = el("tbody", { class: "cases", id: "section-" + s.id, hidden: true });
    table.append(heads[n], bodies[n]);
  });
}

function setOpen(n, on) {
  if (on) {
    open.add(n);
    if (!bodies[n].firstChild) for (const i of members[n]) {
      const p = partOf[i];
      if (p && !partRows.has(p)) {
        partRows.set(p, el("tr", { class: "part" }, el("th", { scope: "rowgroup", colspan: agents.length + 1, title: p.requires }, el("span", {}, el("span", { class: "id" }, p.id), p.title))));
        bodies[n].append(partRows.get(p));
      }
      bodies[n].append(buildRow(i));
    }
    showParts();
  } else open.delete(n);
  bodies[n].hidden = !on;
  heads[n].querySelector("button").setAttribute("aria-expanded", String(on));
  byID("fold").textContent = open.size ? "Fold all" : "Unfold all";
}

function showParts() {
  for (const [p, row] of partRows) row.hidden = !cases.some((_, i) => shown[i] && partOf[i] === p);
}

function buildRow(i) {
  const c = cases[i];
  rows[i] = el("tr", { hidden: !shown[i] }, el("th", { scope: "row", class: "case" }, el("span", { class: "id" }, c.id), el("span", { class: "title" }, c.title)),
    agents.map((agent, a) => {
      const r = agent.results[i];
      if (!r) return el("td", { "data-agent": name(agent) }, el("span", { class: "cell" }, pill("MISSING")));
      const notes = [r.code == null ? "no code" : String(r.code), duration(r.ms)];
      if (c.ratio && r.ratio != null) notes.push((100 * r.ratio).toFixed(1) + " %");
      return el("td", { "data-agent": name(agent) }, el("a", { class: "cell", href: hash(a, i) }, pill(r.b),
        closeGood(r) || r.b === "FAILED" && r.c === "FAILED" ? null : el("span", { class: "end" }, "Close: ", pill(r.c)),
        el("span", { class: "notes" }, notes.join(" · "))));
    }));
  return rows[i];
}

/* The filter. */

const wanted = new Set(); // kinds; none: all
let folded = null;        // what was unfolded before there was a filter
const words = cases.map((c, i) => [c.id, c.title, c.expects, "rfc " + c.rfc, partOf[i] ? partOf[i].title : "", sections[sectionOf(c)].title, ...agents.map(a => a.results[i] ? a.results[i].why + " " + a.results[i].b + " " + a.results[i].c : "")].join("\n").toLowerCase());

function matches(i, query, differ) {
  const kinds = agents.map(a => kindOf(a.results[i]));
  if (wanted.size && !kinds.some(k => wanted.has(k))) return false;
  if (differ && new Set(kinds).size < 2) return false;
  if (/^[\d.]+\*?$/.test(query)) return cases[i].id === query || cases[i].id.startsWith(query.replace(/\.?\*?$/, "") + ".") || query.endsWith("*") && cases[i].id.startsWith(query.slice(0, -1));
  return query.split(/\s+/).every(w => words[i].includes(w));
}

function applyFilter() {
  const query = byID("query").value.trim().toLowerCase(), differ = byID("differ").getAttribute("aria-pressed") === "true";
  const active = query !== "" || differ || wanted.size > 0;
  let n = 0;
  cases.forEach((_, i) => {
    shown[i] = matches(i, query, differ);
    if (shown[i]) n++;
    if (rows[i]) rows[i].hidden = !shown[i];
  });
  if (active && !folded) folded = new Set(open);
  sections.forEach((_, s) => {
    const some = members[s].some(i => shown[i]);
    heads[s].hidden = !some;
    setOpen(s, active ? some : folded ? folded.has(s) : open.has(s));
  });
  if (!active) folded = null;
  byID("none").hidden = n > 0;
  byID("count").textContent = active ? count(n) + " of " + plural(cases.length, "case") : "";
  for (const chip of byID("chips").children) chip.setAttribute("aria-pressed", String(chip.pressed()));
}

function buildChips() {
  const n = tally(agents.flatMap(a => a.results)), bad = [...n.keys()].filter(isBad);
  const total = [...n.values()].reduce((a, b) => a + b, 0);
  const chip = (label, k, kind, pressed, press) => {
    const b = el("button", { type: "button", class: "chip " + kind, onclick: () => { press(); applyFilter(); } }, label, " ", el("b", {}, count(k)));
    b.pressed = pressed;
    byID("chips").append(b);
  };
  const set = list => { wanted.clear(); list.forEach(v => wanted.add(v)); };
  chip("All", total, "all", () => !wanted.size, () => wanted.clear());
  if (bad.length > 1) {
    const exactly = () => wanted.size === bad.length && bad.every(v => wanted.has(v));
    chip("Not good", bad.reduce((k, v) => k + n.get(v), 0), "bad", exactly, () => set(exactly() ? [] : bad));
  }
  for (const [v, k] of n) chip(el("span", {}, el("span", { class: "mark", "aria-hidden": "true" }, verdict(v)[1]), " " + verdict(v)[0]), k, verdict(v)[2], () => wanted.has(v), () => wanted.delete(v) || wanted.add(v));
}

/* Octets, and what they mean. */

const octets = hex => Uint8Array.from(hex.match(/../g) || [], h => parseInt(h, 16));
const spaced = hex => (hex.match(/../g) || []).join(" ");

// The octets as text in quotes, or null if they are not UTF-8. Of octets that were cut, a last character that is not whole is dropped.
function textOf(hex, len) {
  const b = octets(hex);
  try {
    return "“" + visible(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(b, { stream: b.length < len })) + "”" + (b.length < len ? " …" : "");
  } catch { return null; }
}
const payloadView = (hex, len, binary) => {
  if (!len) return el("span", { class: "quiet" }, "empty");
  const text = binary ? null : textOf(hex, len);
  return text !== null ? el("q", { class: "text" }, el("bdi", {}, text)) : el("code", {}, spaced(hex) + (hex.length / 2 < len ? " …" : ""));
};

const opcodes = ["CONTINUATION", "TEXT", "BINARY", , , , , , "CLOSE", "PING", "PONG"];
const opcode = n => opcodes[n] || "RESERVED " + n.toString(16).toUpperCase();
const codeName = n => n == null ? "no code" : n + (data.codes[n] ? " " + data.codes[n] : n >= 4000 && n < 5000 ? " private" : n >= 3000 && n < 4000 ? " registered" : "");

function closeView(hex, len) {
  if (!len) return el("span", {}, "no code");
  if (len === 1) return el("span", {}, "half a code: ", el("code", {}, hex));
  const reason = hex.slice(4);
  return el("span", {}, codeName(parseInt(hex.slice(0, 4), 16)), reason ? [" ", payloadView(reason, len - 2)] : null);
}

function hexDump(hex, len) {
  const lines = [], b = octets(hex);
  for (let at = 0; at < b.length; at += 16) {
    const part = [...b.slice(at, at + 16)];
    lines.push(at.toString(16).padStart(4, "0") + "  " + part.map(o => o.toString(16).padStart(2, "0")).join(" ").padEnd(47) + "  " + part.map(o => o >= 32 && o < 127 ? String.fromCharCode(o) : ".").join(""));
  }
  if (b.length < len) lines.push("… " + plural(len - b.length, "octet") + " more");
  return el("pre", {}, lines.join("\n"));
}

/* The wire log. Rows are [kind, microseconds, ...]: see pageRows in report_pagedata.go. */

const stamp = us => el("time", {}, (us / 1e3).toFixed(us < 1e7 ? 2 : 0));
const arrow = (out, what) => el("span", { class: "arrow " + (out ? "out" : "in"), title: out ? "from the runner" : "from the agent" }, el("span", { "aria-hidden": "true" }, out ? "→" : "←"), el("span", { class: "sr" }, (out ? "runner sends " : "agent sends ") + what));

function frameRow([kind, at, len, hex, op, fin, rsv, mask, chop]) {
  const out = kind === "TF", flags = [];
  flags.push(fin ? "FIN" : "not FIN");
  for (const [bit, n] of [[4, 1], [2, 2], [1, 3]]) if (rsv & bit) flags.push("RSV" + n);
  const fields = [["FIN", fin ? "1" : "0, more fragments follow"], ["RSV1–3", [4, 2, 1].map(b => rsv & b ? 1 : 0).join(" ")], ["Opcode", "0x" + op.toString(16).toUpperCase() + " " + opcode(op).toLowerCase()],
    ["Mask", mask ? "1, key " + spaced(mask) : "0"], ["Length", plural(len, "octet")]];
  if (chop) fields.push(["Written", plural(chop, "octet") + " at a time"]);
  if (op === 8 && len > 1) fields.push(["Close", codeName(parseInt(hex.slice(0, 4), 16))]);
  return el("li", { class: "frame" }, el("details", {},
    el("summary", {}, stamp(at), arrow(out, ""), el("span", { class: "op op" + op }, opcode(op)),
      el("span", { class: "flags" }, flags.map(f => el("span", { class: f === "FIN" ? "" : "odd" }, f)), el("span", {}, plural(len, "octet")), mask ? el("span", {}, "masked") : null),
      el("span", { class: "payload" }, op === 8 ? closeView(hex, len) : payloadView(hex.slice(0, 64), len, op === 2))),
    el("dl", { class: "fields" }, fields.map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, v)))), len ? hexDump(hex, len) : null));
}

function octetRows(list) {
  const out = list[0][0] === "TO", total = list.reduce((n, r) => n + r[2], 0), one = list.length === 1;
  return el("li", { class: "octets" }, el("details", {},
    el("summary", {}, stamp(list[0][1]), arrow(out, "octets"), el("span", { class: "op" }, one ? (out ? "write" : "read") : count(list.length) + (out ? " writes" : " reads")),
      el("span", { class: "flags" }, el("span", {}, plural(total, "octet"))), el("span", { class: "payload" }, el("code", {}, spaced(short(list.map(r => r[3]).join(""), 48).replace("…", ""))))),
    list.slice(0, 200).map(r => one ? hexDump(r[3], r[2]) : el("pre", {}, (r[1] / 1e3).toFixed(2).padStart(9) + "  " + spaced(r[3]) + (r[3].length / 2 < r[2] ? " …" : "")))));
}

function timerRow([kind, at, ...rest]) {
  const say = {
    CT: () => "wait " + duration(rest[0]) + (rest[1] ? " (" + visible(rest[1]) + ")" : ""),
    CTE: () => "wait over" + (rest[0] ? " (" + visible(rest[0]) + ")" : ""),
    KL: () => "deadline in " + duration(rest[0]) + ": then the connection is failed",
    KLE: () => "deadline: connection failed",
    TI: () => "deadline in " + duration(rest[0]) + ": then the connection is closed",
    TIE: () => "deadline: connection closed",
    WLM: () => rest[0] ? "log on again" : "log off while data flows",
  }[kind];
  return el("li", { class: "timer" + (kind === "KLE" || kind === "TIE" ? " fired" : "") }, el("div", { class: "line" }, stamp(at), el("span", { class: "arrow" }), el("span", {}, say ? say() : visible(kind))));
}

let raw = false; // whether octets are shown, too
function logView(d) {
  const list = el("ol", { class: "log" }), frames = d.log.some(r => r[0] === "RF" || r[0] === "TF");
  for (let i = 0; i < d.log.length;) {
    if (d.skipped && i === d.at) list.append(el("li", { class: "timer" }, el("div", { class: "line" }, el("time", {}, "…"), el("span", {}), el("span", {}, plural(d.skipped, "row") + " left out here; the JSON file has them"))));
    const kind = d.log[i][0], from = i++;
    if (kind === "RF" || kind === "TF") list.append(frameRow(d.log[from]));
    else if (kind === "RO" || kind === "TO") {
      while (i < d.log.length && d.log[i][0] === kind && !(d.skipped && i === d.at)) i++;
      list.append(octetRows(d.log.slice(from, i)));
    } else list.append(timerRow(d.log[from]));
  }
  const show = on => list.classList.toggle("raw", on || !frames);
  show(raw);
  const box = el("input", { type: "checkbox", onchange: () => show(raw = box.checked) });
  box.checked = raw;
  return [el("h3", {}, "Wire log ", el("small", {}, "ms since the connection opened"), el("label", {}, box, " reads and writes")), d.log.length ? list : el("p", { class: "quiet" }, "Nothing was logged.")];
}

/* The panel: one case of one agent. */

const parsed = [];
function details(a, id) {
  parsed[a] = parsed[a] || JSON.parse(byID("agent-" + a).textContent);
  return parsed[a][id];
}

const eventView = e => e.kind === "timeout" ? el("li", {}, el("b", {}, "timeout"), " " + visible(e.tag || "")) :
  el("li", {}, el("b", {}, (e.kind === "message" ? (e.binary ? "binary " : "text ") : "") + e.kind), el("span", { class: "quiet" }, " " + plural(e.len, "octet") + " "), e.len ? payloadView(e.hex, e.len, e.binary) : null);
const eventList = ({ list, more }) => list.length ? el("ol", { class: "events" }, list.map(eventView), more ? el("li", { class: "quiet" }, plural(more, "event") + " more, in the JSON file") : null) : el("p", { class: "quiet" }, "nothing");
const closeText = c => !c ? "none" : [codeName(c.code), c.hex ? [" ", payloadView(c.hex, c.hex.length / 2)] : null];

function closing(c, d) {
  const row = (what, was, want) => el("tr", {}, el("th", { scope: "row" }, what), el("td", {}, was), el("td", { class: "quiet" }, want || ""));
  const first = !d.opened ? "the connection never opened" : d.closedByMe ? "the runner" : d.remote ? "the agent" : "nobody: TCP was closed";
  return el("table", { class: "closing" }, el("thead", {}, el("tr", {}, el("td", {}), el("th", { scope: "col" }, "Was"), el("th", { scope: "col" }, "Expected"))), el("tbody", {},
    row("First Close from", first, c.byPeer ? "the agent, or it closes TCP" : "the runner"),
    row("Close of the agent", closeText(d.remote), c.codes.length ? c.codes.map(codeName).join(", ") + ", or no code" : ""),
    row("Close of the runner", closeText(d.local)),
    row("Closing handshake", d.clean ? "clean" : "not clean" + (d.notClean ? ": " + visible(d.notClean) : ""), c.clean ? "clean" : "either"),
    row("TCP closed by", d.droppedByMe ? "the runner" : "the agent"),
    d.failedByMe ? row("Failed by", "the runner") : null,
    d.timeouts.length ? row("Timeouts", d.timeouts.join(", ")) : null));
}

function stats(d) {
  const list = (m, key) => Object.entries(m || {}).map(([k, n]) => count(n) + " × " + key(+k)).join(", ") || "none";
  const sizes = (m, more) => list(m, k => plural(k, "octet")) + (more ? ", and of " + plural(more, "other size") : "");
  const out = el("dl", { class: "facts" });
  const add = (k, v) => out.append(el("dt", {}, k), el("dd", {}, v));
  add("Frames sent", list(d.txFrames, opcode));
  add("Frames received", list(d.rxFrames, opcode));
  add("Writes", sizes(d.txOctets, d.txMore));
  add("Reads", sizes(d.rxOctets, d.rxMore));
  for (const [k, v] of Object.entries(d.traffic || {})) add(k.replace(/([A-Z]+)/g, " $1").toLowerCase(), v == null ? "–" : Number.isInteger(v) ? count(v) : v.toFixed(4));
  return out;
}

let current = null, opener = null; // [agent, case]; the link that it was opened from
const panel = byID("panel");

function step(by) {
  let [a, i] = current;
  do i += by; while (i >= 0 && i < cases.length && !(shown[i] && agents[a].results[i]));
  if (i >= 0 && i < cases.length) location.replace(hash(a, i));
}

function openPanel(a, i) {
  const c = cases[i], r = agents[a].results[i], d = details(a, c.id), isDeflate = /^1[23]$/.test(c.id.split(".")[0]);
  current = [a, i];
  const n = sectionOf(c);
  if (!open.has(n)) setOpen(n, true);
  mark();
  const button = (label, text, act) => el("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick: act }, text);
  const facts = el("dl", { class: "facts" });
  const fact = (k, v) => v ? facts.append(el("dt", {}, k), el("dd", {}, v)) : null;
  fact("Expected", c.expects);
  fact("Requirement", [partOf[i] && partOf[i].requires || sections[n].requires, c.rfc && el("div", { class: "quiet" }, "RFC " + (isDeflate ? "7692" : "6455") + ", " + (c.rfc.includes(",") ? "sections " : "section ") + c.rfc)]);
  fact("Duration", duration(r.ms));
  fact("Started", d.started.replace("T", " ").replace("Z", " UTC"));
  fact("Number", String(d.number));
  fact("File", el("a", { href: d.file }, d.file));
  panel.replaceChildren(
    el("div", { class: "top" }, el("h2", { id: "panel-title", tabindex: "-1" }, el("span", { class: "id" }, c.id), " ", el("bdi", { title: visible(agents[a].name) }, name(agents[a]))),
      button("Previous case (left arrow)", "‹", () => step(-1)), button("Next case (right arrow)", "›", () => step(1)), button("Close (Escape)", "×", closePanel)),
    el("div", { class: "content" },
      el("p", { class: "what" }, c.title),
      agents.length > 1 ? el("nav", { "aria-label": "The same case with" }, agents.map((g, k) => g.results[i] ? el("a", { href: hash(k, i), "aria-current": k === a ? "true" : null }, el("bdi", {}, short(name(g), 24)), " ", pill(kindOf(g.results[i]))) : null)) : null,
      el("div", { class: "verdicts" },
        el("div", { class: "verdict " + verdict(r.b)[2] }, el("h3", {}, "Behavior"), pill(r.b), el("p", {}, visible(r.why))),
        el("div", { class: "verdict " + verdict(r.c)[2] }, el("h3", {}, "Close"), pill(r.c), el("p", {}, visible(d.closeWhy)))),
      facts,
      el("h3", {}, "Events"),
      el("div", { class: "two" }, el("div", {}, el("h4", {}, "Received"), eventList(d.received)),
        el("div", {}, c.want.length ? c.want.map(w => [el("h4", {}, "Expected for " + verdict(w.verdict)[0]), eventList(w.events)]) : [el("h4", {}, "Expected"), el("p", { class: "quiet" }, "judged by the rule above")])),
      el("h3", {}, "Close"), closing(c, d),
      logView(d),
      el("details", { class: "more" }, el("summary", {}, "Opening handshake"), el("h4", {}, agents[a].server ? "Runner" : "Agent"), el("pre", {}, block(d.request)), el("h4", {}, agents[a].server ? "Agent" : "Runner"), el("pre", {}, block(d.response))),
      el("details", { class: "more" }, el("summary", {}, "Statistics"), stats(d))));
  panel.hidden = false;
  panel.scrollTop = 0;
  document.body.classList.add("with-panel");
  document.title = c.id + " · " + name(agents[a]) + " · WebSocket conformance report";
  cover();
  byID("panel-title").focus({ preventScroll: true });
  opener.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const linkOf = (a, i) => rows[i].children[a + 1].querySelector("a");
function mark() {
  for (const e of document.querySelectorAll("#table .current")) e.classList.remove("current");
  if (!current) return;
  opener = linkOf(...current);
  rows[current[1]].classList.add("current");
  opener.parentNode.classList.add("current");
}

function closePanel() {
  if (!current) return;
  current = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("with-panel");
  document.title = "WebSocket conformance report";
  mark();
  cover();
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (opener) opener.focus();
}

// On a narrow screen the panel covers the table, which then must not take the focus.
const narrow = matchMedia("(max-width: 60rem)");
const cover = () => { byID("main").inert = narrow.matches && current !== null; };
narrow.addEventListener("change", cover);

// The fragment names an agent and a case: #agent/6.4.1
function route() {
  const h = location.hash.slice(1), cut = h.lastIndexOf("/");
  let a = -1, i = -1;
  try {
    const agent = decodeURIComponent(h.slice(0, cut)), id = decodeURIComponent(h.slice(cut + 1));
    a = cut < 0 ? -1 : agents.findIndex(g => g.name === agent);
    i = cases.findIndex(c => c.id === id);
  } catch { /* not one of ours */ }
  if (a >= 0 && i >= 0 && agents[a].results[i]) openPanel(a, i);
  else closePanel();
}

addEventListener("hashchange", route);
addEventListener("keydown", e => {
  if (e.defaultPrevented || e.altKey || e.ctrlKey || e.metaKey) return;
  const typing = e.target.closest("input");
  if (e.key === "Escape" && !typing) closePanel();
  else if (e.key === "/" && !typing && !(narrow.matches && current)) { e.preventDefault(); byID("query").focus(); }
  else if (current && !typing && (e.key === "ArrowLeft" || e.key === "ArrowRight")) { e.preventDefault(); step(e.key === "ArrowLeft" ? -1 : 1); }
});

const results = agents.flatMap(a => a.results.filter(Boolean));
byID("meta").textContent = [plural(agents.length, "agent"), plural(cases.length, "case"), results.every(r => r.good) && results.length ? "all " + plural(results.length, "result") + " good" :
  plural(results.filter(r => !r.good).length, "result") + " of " + count(results.length) + " not good", data.generated.replace("T", " ").replace("Z", " UTC")].join(" · ");
buildTable();
buildChips();
applyFilter();
byID("query").addEventListener("input", applyFilter);
byID("differ").addEventListener("click", e => { e.currentTarget.setAttribute("aria-pressed", String(e.currentTarget.getAttribute("aria-pressed") !== "true")); applyFilter(); });
byID("differ").hidden = agents.length < 2;
byID("fold").addEventListener("click", () => { const on = !open.size; sections.forEach((_, n) => setOpen(n, on)); });
new ResizeObserver(() => document.documentElement.style.setProperty("--bar", byID("bar").offsetHeight + "px")).observe(byID("bar"));
route();
})();
