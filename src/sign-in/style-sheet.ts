/** The one style sheet: light and dark by the reader's preference, no fonts or images from elsewhere. */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --ground: #f4f2ee;
  --sheet: #fdfcfa;
  --ink: #1e1c19;
  --quiet: #655f56;
  --line: #d9d3c8;
  --edge: #8f877a;
  --accent: #1d4f5e;
  --accent-ink: #ffffff;
  --alarm: #97291d;
  --alarm-ground: #fbeeeb;
  --good: #2c5e34;
  --good-ground: #edf4ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #151412;
    --sheet: #1d1c19;
    --ink: #ebe7df;
    --quiet: #a59e92;
    --line: #36332d;
    --edge: #7d766a;
    --accent: #8fc7d8;
    --accent-ink: #10242b;
    --alarm: #f2a093;
    --alarm-ground: #33201c;
    --good: #a3d3a8;
    --good-ground: #1d2b1f;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { font: 100%/1.55 ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
body {
  margin: 0;
  padding: clamp(1rem, 5vw, 4rem) 1rem 4rem;
  background: var(--ground);
  color: var(--ink);
  overflow-wrap: break-word;
}
header, main { margin-inline: auto; max-width: 25rem; }
body:has(main.wide) header, main.wide { max-width: 46rem; }
header { display: flex; align-items: center; gap: .75rem; margin-bottom: 1.25rem; color: var(--quiet); }
header p { margin: 0; letter-spacing: .01em; }
main {
  padding: clamp(1.25rem, 5vw, 2.25rem);
  background: var(--sheet);
  border: 1px solid var(--line);
  border-top: 3px solid var(--accent);
  border-radius: 2px 2px 6px 6px;
}
main:focus { outline: none; }
h1 { margin: 0 0 1.25rem; font-size: 1.5rem; line-height: 1.2; font-weight: 600; letter-spacing: -.012em; text-wrap: balance; }
h2 { margin: 2.5rem 0 .75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: 1.1rem; line-height: 1.3; font-weight: 600; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1rem; font-weight: 600; }
p { margin: 0 0 1rem; }
p:last-child { margin-bottom: 0; }
a { color: var(--accent); text-underline-offset: .18em; }
small, .quiet { color: var(--quiet); font-size: .875rem; }
code, .code, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .92em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 3px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem .75rem; background: var(--sheet); }
form { margin: 0; }
form.stack { display: grid; gap: 1.1rem; }
.field { display: grid; gap: .3rem; }
.field > small { line-height: 1.4; }
label, legend { font-weight: 500; }
fieldset { margin: 0; padding: 0; border: 0; display: grid; gap: .35rem; }
legend { padding: 0; margin-bottom: .3rem; }
.choice { display: flex; gap: .55rem; align-items: baseline; font-weight: 400; }
input, select, textarea {
  width: 100%;
  min-height: 2.75rem;
  padding: .55rem .7rem;
  font: inherit;
  color: inherit;
  background: var(--ground);
  border: 1px solid var(--edge);
  border-radius: 4px;
}
textarea { min-height: 4.5rem; }
input[type=checkbox], input[type=radio] { width: auto; min-height: 0; accent-color: var(--accent); }
input:focus-visible, select:focus-visible, textarea:focus-visible { outline-offset: 1px; border-color: var(--accent); }
input.code { font-size: 1.35rem; letter-spacing: .22em; }
button, .button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-height: 2.75rem;
  padding: .5rem 1.1rem;
  font: inherit;
  font-weight: 600;
  color: var(--accent-ink);
  background: var(--accent);
  border: 1px solid var(--accent);
  border-radius: 4px;
  text-decoration: none;
  cursor: pointer;
}
button:hover, .button:hover { filter: brightness(1.12); }
button.plain, .button.plain { color: var(--ink); background: transparent; border-color: var(--edge); }
button.alarm { color: var(--alarm); background: transparent; border-color: currentColor; }
button.small { min-height: 2.25rem; padding: .25rem .75rem; font-size: .9rem; font-weight: 500; }
.stack > button, .wide-button { width: 100%; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
.or { display: flex; align-items: center; gap: .75rem; margin: 1.5rem 0; color: var(--quiet); font-size: .875rem; }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
.ways { display: grid; gap: .65rem; }
.note { margin: 0 0 1.25rem; padding: .7rem .9rem; border-left: 3px solid var(--edge); background: var(--ground); }
.note.alarm { border-color: var(--alarm); background: var(--alarm-ground); color: var(--alarm); }
.note.good { border-color: var(--good); background: var(--good-ground); color: var(--good); }
.note p { margin: 0; }
ul.list { list-style: none; margin: 0 0 1rem; padding: 0; }
ul.list > li { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; justify-content: space-between; align-items: center; padding: .85rem 0; border-bottom: 1px solid var(--line); }
ul.list > li > div { flex: 1 1 16rem; min-width: 0; }
ul.list > li:last-child { border-bottom: 0; padding-bottom: 0; }
ul.list strong { font-weight: 600; }
.tag { display: inline-block; margin-left: .4rem; padding: 0 .45rem; font-size: .78rem; font-weight: 500; color: var(--good); border: 1px solid currentColor; border-radius: 99px; vertical-align: .08em; }
.once { display: block; margin: 0 0 1rem; padding: .8rem .9rem; background: var(--ground); border: 1px dashed var(--edge); border-radius: 4px; user-select: all; overflow-wrap: anywhere; }
ol.codes { columns: 13rem 2; margin: 0 0 1.25rem; padding-left: 1.75rem; }
ol.codes li { margin-bottom: .25rem; white-space: nowrap; }
.qr { display: block; width: 13rem; height: auto; margin: 0 0 1rem; border-radius: 4px; }
details { margin: 1rem 0 0; }
summary { cursor: pointer; font-weight: 500; }
details[open] > summary { margin-bottom: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; margin: 0 0 1.25rem; }
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
nav { margin-top: 1.75rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .925rem; }
nav.top { margin: -.5rem 0 1.5rem; padding: 0; border: 0; }
[hidden] { display: none; }
@media (prefers-reduced-motion: no-preference) { button, .button { transition: filter .12s; } }
@media (forced-colors: active) { main { border: 1px solid; } button, .button { border: 1px solid; } }
`.trimStart();

/** The mark: an arched gate and its portcullis, legible on light and on dark. */
export const MARK = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28" fill="none" stroke="#4d8799" stroke-width="2">
<path d="M3 26V13a11 11 0 0 1 22 0v13" stroke-linecap="round"/>
<path d="M9 9.5V22l0 2M14 7.5V25M19 9.5V24M5 14h18M5 19.5h18" stroke-width="1.6"/>
</svg>
`;
