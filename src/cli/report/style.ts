/** How the page looks, on a screen in light and dark and on paper. No font or picture is loaded. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2127; --soft: #5d6773; --line: #d5dae0; --paper: #fff;
  --band: #f4f6f8; --good: #176d3a; --bad: #b3261e; --idle: #8a6100; --bar: #3b6fb5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa5b1; --line: #39424c;
  --paper: #14181d; --band: #1d232a; --good: #6fcf97; --bad: #ff8a80; --idle: #e3b341;
  --bar: #7aa7e6; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .6rem; padding-top: .9rem;
  border-top: 2px solid var(--ink); break-after: avoid; }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; break-after: avoid; }
p { margin: .5rem 0; max-width: 48rem; }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: .15em; }
.soft, .empty { color: var(--soft); }
.verdict { margin: 1.4rem 0; padding: .9rem 1.1rem; border: 1px solid var(--line);
  border-left: .45rem solid var(--good); background: var(--band); break-inside: avoid; }
.verdict.bad { border-left-color: var(--bad); }
.verdict strong { font-size: 1.15rem; color: var(--good); }
.verdict.bad strong { color: var(--bad); }
.verdict p { margin: .2rem 0 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.4rem; margin: .8rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: .86em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
  overflow-wrap: anywhere; }
pre { margin: .6rem 0; padding: .7rem .9rem; background: var(--band); white-space: pre-wrap;
  break-inside: avoid; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1rem; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .36rem .9rem .36rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; border-bottom-color: var(--soft); }
th:last-child, td:last-child { padding-right: 0; }
#frameworks table { table-layout: fixed; }
#frameworks th:nth-child(1) { width: 27%; }
#frameworks th:nth-child(2) { width: 44%; }
tr { break-inside: avoid; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.code { overflow-wrap: anywhere; font: .8rem/1.5 ui-monospace, Menlo, Consolas,
  "Liberation Mono", monospace; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
ul { margin: 0; padding: 0; list-style: none; }
li + li { margin-top: .3rem; }
.topic { padding-left: 1.35rem; text-indent: -1.35rem; }
.topic::before { display: inline-block; width: 1.35rem; text-indent: 0; font-weight: 700; }
.topic a { text-decoration: none; }
.topic a:hover, .topic a:focus-visible { text-decoration: underline; }
.topic.shown::before { content: "\\25CF"; color: var(--good); }
.topic.none::before { content: "\\25CB"; color: var(--soft); }
.topic.unseen::before { content: "?"; color: var(--idle); }
.topic.failed::before { content: "\\2715"; color: var(--bad); }
.failed, .against { color: var(--bad); }
.days { columns: 11rem; column-gap: 2rem; font-size: .9rem; }
.days li { display: flex; justify-content: space-between; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; break-inside: avoid; }
.days li + li { margin-top: 0; }
nav ol { columns: 2; margin: .6rem 0; padding-left: 1.3rem; max-width: 46rem; column-gap: 2.5rem; }
nav li + li { margin-top: 0; }
svg { display: block; width: 100%; height: auto; margin: .6rem 0; break-inside: avoid; }
svg rect { fill: var(--bar); }
svg text { fill: var(--soft); font: 11px system-ui, "Liberation Sans", sans-serif; }
svg line { stroke: var(--line); }
footer { margin-top: 3rem; padding-top: .8rem; border-top: 1px solid var(--line);
  color: var(--soft); font-size: .85rem; }
@media (max-width: 40rem) { nav ol { columns: 1; } table { display: block; overflow-x: auto; } }
@page { size: A4; margin: 16mm 15mm 18mm; }
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --line: #bbb; --paper: #fff;
    --band: #f2f2f2; --good: #0d5a2c; --bad: #a01b14; --idle: #6b4c00; --bar: #3b6fb5; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  a { text-decoration: none; }
  h2 { margin-top: 1.8rem; }
  .verdict, pre, svg rect { print-color-adjust: exact; }
}
`;
