/** The style of the page. Colours, sizes and distances are those of the web app. */
export const STYLE = `:root {
  color-scheme: light dark;
  --ground: light-dark(#f4f6f5, #0f1312);
  --panel: light-dark(#ffffff, #171d1b);
  --sunken: light-dark(#e9edeb, #0a0e0d);
  --text: light-dark(#16201d, #e6ecea);
  --muted: light-dark(#53605b, #a0aca7);
  --line: light-dark(#d3dad7, #2b3431);
  --control: light-dark(#75827d, #74817c);
  --accent: light-dark(#0b5f58, #6fd8c4);
  --good: light-dark(#146c3a, #6fd694);
  --busy: light-dark(#1d4fb8, #93b8ff);
  --warn: light-dark(#8a4b00, #f0b45c);
  --bad: light-dark(#b3261e, #ff9d94);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", "DejaVu Sans Mono", monospace;
  scroll-padding-block-start: 64px;
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--text);
  font: 14px / 20px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, h4, h5 { margin: 0; font-weight: 600; text-wrap: balance; }
h1 { font-size: 28px; line-height: 36px; }
h2 { margin-block: 48px 8px; padding-block-start: 24px; border-block-start: 1px solid var(--line); font-size: 20px; line-height: 28px; }
main > section:first-of-type > h2 { margin-block-start: 16px; padding: 0; border: 0; }
h3 { margin-block: 32px 8px; font-size: 16px; line-height: 24px; }
h4 { font: 600 14px / 24px var(--mono); }
h4 .anchor { display: inline-block; min-inline-size: 24px; }
h5 { margin-block: 16px 4px; color: var(--muted); font-size: 12px; line-height: 16px; }
p, ul, ol, dl, dd, figure { margin: 0; padding: 0; }
p + p, p + ul, p + ol, ul + p, dl + p { margin-block-start: 8px; }
main > section > p, main > section > ul, .part > p { max-inline-size: 72ch; }
section > ul { padding-inline-start: 16px; }
section > ul > li + li { margin-block-start: 4px; }
section > figure, section > ol, section > dl { margin-block: 12px; max-inline-size: 88ch; }
code, pre { font-family: var(--mono); }
code { font-size: 13px; }
a { color: var(--accent); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--busy); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
.lead { margin-block-start: 4px; color: var(--muted); font-size: 16px; line-height: 24px; }
h4 .note { font: 12px / 16px var(--mono); }
.note, .headers, .facts, .version { color: var(--muted); font-size: 12px; line-height: 16px; }
.skip { position: absolute; inset-block-start: -64px; inset-inline-start: 8px; z-index: 3; padding: 8px 12px; background: var(--panel); }
.skip:focus { inset-block-start: 8px; }

.top {
  position: sticky; inset-block-start: 0; z-index: 2;
  display: flex; align-items: center; gap: 16px;
  block-size: 48px; padding-inline: 24px;
  border-block-end: 1px solid var(--line); background: var(--panel);
}
.brand { color: var(--text); font-size: 16px; font-weight: 600; text-decoration: none; }
.version { margin-inline-start: auto; font-variant-numeric: tabular-nums; white-space: nowrap; }
.search { position: relative; flex: 0 1 360px; }
.search label, .search p { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.search input {
  inline-size: 100%; block-size: 32px; padding-inline: 12px;
  border: 1px solid var(--control); border-radius: 4px; background: var(--panel); color: inherit; font: inherit;
}
.search input::placeholder { color: var(--muted); opacity: 1; }
.search.nothing p { inset-block-start: 40px; inset-inline: 0; inline-size: auto; block-size: auto; clip-path: none; padding: 8px 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--panel); }
#results {
  position: absolute; inset-block-start: 40px; inset-inline: 0;
  max-block-size: min(480px, 70vh); overflow: auto; padding: 4px;
  border: 1px solid var(--line); border-radius: 8px; background: var(--panel); box-shadow: 0 8px 24px rgb(0 0 0 / 0.24);
  list-style: none;
}
#results a { display: block; padding: 4px 8px; border-radius: 4px; color: var(--text); text-decoration: none; }
#results a:hover, #results a:focus { background: var(--sunken); }
#results a:focus-visible { outline-offset: -2px; }
#results span { display: block; overflow: hidden; color: var(--muted); font-size: 12px; line-height: 16px; text-overflow: ellipsis; white-space: nowrap; }
#results b { font: 600 13px / 18px var(--mono); }

.frame { display: grid; grid-template-columns: 264px minmax(0, 1fr); max-inline-size: 1440px; margin-inline: auto; }
main { padding: 32px 24px 48px 32px; }
nav { position: sticky; inset-block-start: 48px; align-self: start; max-block-size: calc(100vh - 48px); overflow: auto; padding: 24px 8px 24px 24px; border-inline-end: 1px solid var(--line); }
nav ul { list-style: none; }
nav li { margin: 0; }
nav a, nav summary { display: block; min-block-size: 24px; padding: 2px 8px; border-radius: 4px; color: var(--text); text-decoration: none; }
nav a:hover, nav summary:hover { background: var(--sunken); }
nav summary { cursor: pointer; color: var(--muted); list-style: none; }
nav summary::-webkit-details-marker { display: none; }
nav summary::after { content: ""; float: inline-end; inline-size: 6px; block-size: 6px; margin: 5px 4px; border: solid currentColor; border-width: 0 1.5px 1.5px 0; rotate: 45deg; }
nav [open] > summary::after { margin-block: 8px; rotate: 225deg; }
nav .contents > ul > li { margin-block-end: 8px; }
nav .contents > ul > li > a { font-weight: 600; }
nav details details ul { margin-inline-start: 8px; border-inline-start: 1px solid var(--line); font-size: 13px; }
nav li li summary, nav li li > a { padding-inline-start: 8px; }

.anchor { color: inherit; text-decoration: none; }
.anchor:hover { text-decoration: underline; }
.anchor:hover::after { content: " #"; color: var(--muted); }
article { margin-block-start: 12px; padding: 16px; border: 1px solid var(--line); border-radius: 8px; background: var(--panel); content-visibility: auto; contain-intrinsic-size: auto 560px; }
article:target { border-color: var(--accent); box-shadow: inset 3px 0 var(--accent); }
#events article, #types article { contain-intrinsic-size: auto 240px; }
#errors article { contain-intrinsic-size: auto 56px; padding-block: 8px; }
#all-types article, #errors article, #events article { margin-block-start: 8px; }
.address { margin-block: 4px 8px; }
.method { display: inline-block; padding-inline: 6px; border: 1px solid currentColor; border-radius: 4px; font: 600 12px / 16px var(--mono); }
nav .method { min-inline-size: 0; padding-inline: 0; border: 0; font-size: 12px; }
.get { color: var(--busy); } .post { color: var(--good); } .put, .patch { color: var(--warn); } .delete { color: var(--bad); }
.pair { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 24px; }
.pair + .pair { margin-block-start: 16px; }
.pair > div > h5:first-child { margin-block-start: 0; }
.fields > div { display: grid; grid-template-columns: 200px minmax(0, 1fr); gap: 0 12px; padding-block: 4px; border-block-start: 1px solid var(--line); }
.fields > div:first-child { border-block-start: 0; }
p + .fields { margin-block-start: 8px; }
.fields dd { color: var(--text); }
.fields dd p { color: var(--muted); }
.answers, .errors, .codes { list-style: none; }
.answers li + li { margin-block-start: 4px; }
.answers b, .errors b { font-variant-numeric: tabular-nums; }
.errors { display: flex; flex-wrap: wrap; gap: 0 16px; font-size: 13px; }
.errors a { display: inline-block; min-block-size: 24px; line-height: 24px; }
.facts { margin-block-start: 8px; }
.code { margin-block-start: 8px; border-radius: 4px; background: var(--sunken); }
.code figcaption, .code > summary { padding: 4px 12px 0; color: var(--muted); font-size: 12px; line-height: 20px; }
.code > summary { min-block-size: 24px; padding-block-end: 4px; cursor: pointer; }
.code pre { margin: 0; padding: 4px 12px 8px; white-space: pre-wrap; }
.command pre { font-weight: 400; }
.command { border-inline-start: 3px solid var(--accent); }
.steps { list-style: none; }
.links > summary { min-block-size: 24px; padding-block: 2px; cursor: pointer; }
.links p { padding-inline-start: 16px; line-height: 24px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 8px; align-items: start; margin-block-start: 8px; }
.cards .code { margin: 0; block-size: 100%; background: var(--sunken); }

@media (min-width: 1024px) {
  @supports selector(::details-content) {
    .contents > summary { display: none; }
    .contents::details-content { display: block; content-visibility: visible; }
  }
}
@media (min-width: 1200px) {
  .pair { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .pair > div > .code:first-child { margin-block-start: 0; }
}
@media (max-width: 1023px) {
  .frame { display: block; }
  nav { position: static; max-block-size: none; padding: 12px 24px 0; border: 0; }
  nav .contents { border: 1px solid var(--line); border-radius: 8px; background: var(--panel); padding: 8px; }
  main { padding: 24px 24px 48px; }
}
@media (max-width: 639px) {
  .top, nav { padding-inline: 12px; }
  .top { gap: 12px; }
  .version { display: none; }
  .search { flex: 1; position: static; }
  #results { inset-inline: 12px; inset-block-start: 48px; }
  main { padding: 16px 12px 48px; }
  h1 { font-size: 20px; line-height: 28px; }
  h2 { margin-block-start: 32px; }
  article { padding: 12px; }
  .fields > div { grid-template-columns: minmax(0, 1fr); }
  .fields dd { padding-inline-start: 12px; }
}
@media (pointer: coarse) {
  nav a, nav summary, #results a { min-block-size: 40px; padding-block: 10px; }
}
@media (forced-colors: active) {
  .command { border-inline-start: 3px solid LinkText; }
  .code { border: 1px solid; }
}
@media print {
  :root { color-scheme: light; }
  .top, nav, .skip { display: none; }
  .frame { display: block; }
  main { padding: 0; }
  article { content-visibility: visible; break-inside: avoid-page; }
  details::details-content { display: block; content-visibility: visible; }
}
`
