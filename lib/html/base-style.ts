/**
 * How every page looks: light and dark as the reader's system is, on paper, narrow and wide. Colours have names; contrast of text is at least
 * 4.5 : 1 on every background that it stands on.
 */
export const BASE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f5f6f8; --edge: #d5d9e0; --ink: #1b1f27; --quiet: #535b69;
  --link: #0b57b0; --focus: #0b57b0;
  --good: #17682c; --good-ground: #e3f4e7; --bad: #ab1c1c; --bad-ground: #fdeaea;
  --warning: #7d4e00; --warning-ground: #fdf1d6; --neutral: #4b5362; --neutral-ground: #eceef2;
  --bar: #4c7fc4; --bar-deep: #87aede; --bar-bad: #cf4242; --bar-quiet: #98a2b3;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --raised: #1d2128; --edge: #3a414d; --ink: #e6e9ee; --quiet: #a7b0be;
    --link: #85b8ff; --focus: #85b8ff;
    --good: #7fdb98; --good-ground: #17301e; --bad: #ff9c94; --bad-ground: #3b1a1b;
    --warning: #f2c466; --warning-ground: #362a10; --neutral: #b7bfcc; --neutral-ground: #2a303a;
    --bar: #5b91d8; --bar-deep: #37598a; --bar-bad: #e0635c; --bar-quiet: #66707f;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
header, nav, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.75rem; }
main { padding-bottom: 2rem; }
main:focus { outline: none; }
footer { padding-top: 1rem; padding-bottom: 2rem; color: var(--quiet); font-size: .875rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.25rem 0 .75rem; }
h3 { font-size: 1.05rem; line-height: 1.35; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere; }
p { margin: .5rem 0; max-width: 80ch; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: .15em; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
code, pre, kbd { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em; }
code { overflow-wrap: anywhere; }
pre code { font-size: inherit; }
time { white-space: nowrap; }
pre {
  margin: .5rem 0; padding: .75rem 1rem; background: var(--raised); border: 1px solid var(--edge); border-radius: 6px;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8125rem; line-height: 1.45; tab-size: 8;
}
.unseen:not(:focus):not(:active) {
  position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; border: 0;
}
.skip:focus { position: fixed; top: .5rem; left: .5rem; z-index: 9; padding: .5rem 1rem; background: var(--ground); border-radius: 6px; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0 0; padding: .625rem 0; border: solid var(--edge); border-width: 1px 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: .5rem 1.5rem; margin: .75rem 0; }
dt { color: var(--quiet); font-size: .8125rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: .75rem 0; max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
caption { text-align: left; color: var(--quiet); padding: 0 0 .375rem; }
th, td { text-align: left; vertical-align: top; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--edge); }
th { font-weight: 600; }
thead th { color: var(--quiet); font-weight: 500; font-size: .8125rem; white-space: nowrap; }
tbody th { font-weight: 500; min-width: 9rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
details { border: 1px solid var(--edge); border-radius: 6px; margin: .5rem 0; }
details[open] > summary { border-bottom: 1px solid var(--edge); }
summary { padding: .5rem .75rem; cursor: pointer; overflow-wrap: anywhere; }
summary:hover { background: var(--raised); }
.fold { padding: .25rem .75rem .75rem; }
.badge { display: inline-block; padding: 0 .5rem; border-radius: 1rem; font-size: .8125rem; line-height: 1.5rem; white-space: nowrap; }
.badge.good { color: var(--good); background: var(--good-ground); }
.badge.bad { color: var(--bad); background: var(--bad-ground); }
.badge.warning { color: var(--warning); background: var(--warning-ground); }
.badge.neutral { color: var(--neutral); background: var(--neutral-ground); }
.quiet { color: var(--quiet); }
.notice { padding: .75rem 1rem; border-radius: 6px; border-left: 4px solid var(--neutral); background: var(--neutral-ground); margin: 1rem 0; }
.notice.bad { border-color: var(--bad); background: var(--bad-ground); }
.notice.warning { border-color: var(--warning); background: var(--warning-ground); }
.notice.good { border-color: var(--good); background: var(--good-ground); }
.notice > :first-child { margin-top: 0; }
.notice > :last-child { margin-bottom: 0; }
@media print {
  body { font-size: 10pt; }
  header, nav, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  nav, .skip { display: none; }
  a { color: inherit; text-decoration: none; }
  .scroll { overflow: visible; }
  h2, h3, summary, caption { break-after: avoid; }
  tr, svg { break-inside: avoid; }
  .badge, .notice, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
