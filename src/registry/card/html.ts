/** The card as a page that stands alone: no script, nothing loaded, light and dark, to be read by eye and by ear, and printed. */
import type { Cell, Content, Part } from './content.ts'
import { escapeHtml } from './escape.ts'
import { draw } from './plots.ts'

export function htmlOf(content: Content): string {
  const { model, version, stage, aliases, description, verdict, sections, manifest } = content
  const title = `${model}, version ${version}`
  const ids = sections.map((_, i) => `part-${i + 1}`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}: model card</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<p class="kicker">Model card</p>
<h1>${escapeHtml(model)} <span class="version">version ${version}</span></h1>
<p class="tags"><span class="tag stage-${escapeHtml(stage)}">${escapeHtml(stage)}</span>${aliases.map((alias) => `<span class="tag">@${escapeHtml(alias)}</span>`).join('')}</p>
${description === null ? '' : `<p class="description">${escapeHtml(description)}</p>`}
<p class="verdict ${classOf[verdict.outcome]}"><span aria-hidden="true">${markOf[verdict.outcome]}</span> ${escapeHtml(verdict.words)}</p>
</header>
<nav aria-label="Parts of this card"><ul>${sections.map(({ title: part }, i) => `<li><a href="#${ids[i]}">${escapeHtml(part)}</a></li>`).join('')}</ul></nav>
<main>
${sections.map(({ title: part, parts }, i) => `<section aria-labelledby="${ids[i]}"><h2 id="${ids[i]}">${escapeHtml(part)}</h2>${parts.map(partOf).join('\n')}</section>`).join('\n')}
</main>
<footer><p>Sixfold. Manifest <code>${escapeHtml(manifest)}</code></p></footer>
</body>
</html>
`
}

function partOf(part: Part): string {
  switch (part.kind) {
    case 'words':
      return `<p>${escapeHtml(part.words)}</p>`
    case 'table':
      // A table that is wider than the page is moved through by the keyboard too.
      return `<div class="scroll" tabindex="0" role="group" aria-label="${escapeHtml(part.head.join(', '))}"><table><thead><tr>${part.head.map((each) => `<th scope="col">${escapeHtml(each)}</th>`).join('')}</tr></thead><tbody>${part.rows.map((row) => `<tr>${row.map(cellOf).join('')}</tr>`).join('')}</tbody></table></div>`
    case 'pictures':
      return part.pictures.length === 0 ? '' : `<div class="pictures">${part.pictures.map(draw).join('')}</div>`
  }
}

const classOf = { passed: 'good', failed: 'bad', 'not asked': 'none', 'not possible': 'warn' } as const
const markOf = { passed: '✓', failed: '✗', 'not asked': '○', 'not possible': '?' } as const

const cellOf = (cell: Cell): string => {
  if (typeof cell === 'string') return `<td>${escapeHtml(cell)}</td>`
  if ('code' in cell) return `<td><code>${escapeHtml(cell.code)}</code></td>`
  return `<td><span class="outcome ${classOf[cell.outcome]}"><span aria-hidden="true">${markOf[cell.outcome]}</span> ${cell.outcome}</span></td>`
}

/** How pages that stand alone look. */
export const pageStyle: string = `
:root{--ground:#f6f7f9;--surface:#fff;--rule:#e1e5ea;--grid:#e9edf1;--text:#161b22;--quiet:#586273;--accent:#2b5fd9;--accent-wash:#edf2fe;--other:#8c96a5;--good:#17693c;--good-wash:#e6f4eb;--bad:#b3221b;--bad-wash:#fdecea;--warn:#8f4700;--warn-wash:#fdf1e0}
@media(prefers-color-scheme:dark){:root{--ground:#0d1015;--surface:#151920;--rule:#272e38;--grid:#20262f;--text:#e6eaf0;--quiet:#9ba6b6;--accent:#86a8ff;--accent-wash:#1b2640;--other:#7d8899;--good:#77cf9a;--good-wash:#143021;--bad:#ff9a91;--bad-wash:#3a1a18;--warn:#f0b267;--warn-wash:#33260f}}
*{box-sizing:border-box}
body{margin:0 auto;padding:40px 24px 64px;max-width:1080px;background:var(--ground);color:var(--text);font:15px/1.55 Inter,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif}
h1{margin:0;font-size:2rem;line-height:1.2;letter-spacing:-.02em;overflow-wrap:anywhere}
.version{color:var(--quiet);font-weight:400}
h2{margin:0 0 12px;font-size:1.15rem;letter-spacing:-.01em}
p{margin:0 0 12px;max-width:75ch;overflow-wrap:anywhere}
.kicker{margin:0 0 4px;color:var(--quiet);font-size:.8125rem;letter-spacing:.08em;text-transform:uppercase}
.tags{margin:12px 0;display:flex;flex-wrap:wrap;gap:8px}
.tag{padding:2px 10px;border-radius:99px;background:var(--surface);border:1px solid var(--rule);font-size:.8125rem}
.stage-production{background:var(--good-wash);color:var(--good);border-color:transparent}
.stage-staging,.stage-validated{background:var(--accent-wash);color:var(--accent);border-color:transparent}
.description{font-size:1.05rem}
.verdict{padding:12px 16px;border-radius:10px;max-width:none}
.good{background:var(--good-wash);color:var(--good)}.bad{background:var(--bad-wash);color:var(--bad)}.warn{background:var(--warn-wash);color:var(--warn)}.none{background:var(--surface);color:var(--quiet);border:1px solid var(--rule)}
nav ul{list-style:none;margin:0 0 24px;padding:0;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.875rem}
a{color:var(--accent)}a:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
section{margin:0 0 20px;padding:24px;background:var(--surface);border:1px solid var(--rule);border-radius:10px}
.scroll{overflow-x:auto;margin:0 0 16px}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
th{padding:6px 16px 6px 0;text-align:left;font-weight:600;color:var(--quiet);white-space:nowrap;border-bottom:1px solid var(--rule)}
td{padding:8px 16px 8px 0;vertical-align:top;border-bottom:1px solid var(--grid);overflow-wrap:anywhere;min-width:5.5rem}
tr:last-child td{border-bottom:0}
code{font:.8125rem/1.5 ui-monospace,"SF Mono","Cascadia Code","JetBrains Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.outcome{display:inline-block;padding:1px 9px;border-radius:99px;font-size:.8125rem;white-space:nowrap}
.pictures{display:flex;flex-wrap:wrap;gap:24px 32px;margin-top:8px}
figure{margin:0;flex:1 1 300px;max-width:420px}figure.wide{flex-basis:100%;max-width:760px}
figcaption{margin:0 0 8px;font-weight:600;font-size:.875rem}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--text);font-size:12px;font-family:inherit}svg .quiet{fill:var(--quiet)}svg .limit-label{fill:var(--warn)}
.grid{stroke:var(--grid)}.axis{stroke:var(--quiet)}.limit{stroke:var(--warn);stroke-width:1.5;stroke-dasharray:5 4}.ideal{stroke:var(--quiet);stroke-dasharray:3 4}.beyond{fill:var(--warn-wash);opacity:.6}
svg .own,svg .other,svg .bad,svg .warn{background:none}
.whisker{stroke-width:2.5;stroke-linecap:round}.curve{fill:none;stroke-width:2.25;stroke-linejoin:round}
svg .own{stroke:var(--accent);color:var(--accent)}svg .other{stroke:var(--other)}svg .bad{stroke:var(--bad)}svg .warn{stroke:var(--warn)}
.dot{stroke:none!important}svg .own.dot,svg .own.bar,svg .own.cell{fill:var(--accent)}svg .bad.dot,svg .bad.bar,svg .bad.cell{fill:var(--bad)}svg .warn.dot{fill:var(--warn)}
.bar,.cell{stroke:none!important}.light{opacity:.35}.faint{opacity:.5}
footer{color:var(--quiet);font-size:.8125rem}
@media(max-width:600px){body{padding:24px 14px 40px}section{padding:16px}h1{font-size:1.5rem}}
@media print{body{background:#fff;max-width:none;padding:0}section{break-inside:avoid;border:0;padding:12px 0}nav{display:none}.scroll{overflow:visible}}
`
