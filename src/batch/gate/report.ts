/** What the gate found, as a page that stands alone: no script, nothing loaded, light and dark. Old and new distributions lie over each other. */
import type { Batch } from '../../definition/batch.ts'
import { formatDuration } from '../../kernel/duration.ts'
import { formatInstant } from '../../kernel/instant.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import { escapeHtml, pageStyle } from '../../registry/index.ts'
import type { Check, Cost, Overlay, PlanDocument, Verdict } from '../documents.ts'
import type { VersionUse } from '../service.ts'
import { againstWords } from './distances.ts'
import type { Day } from './evidence.ts'
import { figure, percent } from './evidence.ts'

export interface Report {
  readonly batch: Batch
  readonly run: BatchRun
  readonly plan: PlanDocument
  readonly verdict: Verdict
  readonly days: readonly Day[]
}

/** Rows of the table of checks; the others are in the verdict as JSON. */
const checksShown = 300

export function reportPage({ batch, run, plan, verdict, days }: Report): string {
  const title = `${run.batch}, version ${run.version}`
  const refused = verdict.checks.filter(({ outcome }) => outcome === 'refused')
  const words = verdict.passed
    ? `All ${verdict.checks.length} checks passed: it may go live.`
    : `Refused for ${refused.length === 1 ? 'one reason' : `${refused.length} reasons`}: what was live before stays live.`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}: the gate's report</title>
<style>${pageStyle}${ownStyle}</style>
</head>
<body>
<header>
<p class="kicker">Batch</p>
<h1>${escapeHtml(run.batch)} <span class="version">version ${run.version}</span></h1>
<p class="description">${escapeHtml(`As of ${formatInstant(run.at)}, by ${run.model} version ${run.modelVersion}: ${plan.rows.toLocaleString('en-US')} rows.`)}</p>
<p class="verdict ${verdict.passed ? 'good' : 'bad'}"><span aria-hidden="true">${verdict.passed ? '✓' : '✗'}</span> ${words}</p>
${verdict.override === null ? '' : `<p>${escapeHtml(`Published all the same by ${verdict.override.actor} at ${formatInstant(verdict.override.at)}: ${verdict.override.reason}`)}</p>`}
</header>
<main>
${
  refused.length === 0
    ? ''
    : `<section aria-labelledby="why"><h2 id="why">Why it was refused</h2><ul>${refused
        .slice(0, 50)
        .map((check) => `<li>${escapeHtml(check.words)}</li>`)
        .join('')}</ul></section>`
}
<section aria-labelledby="distributions"><h2 id="distributions">Distributions</h2>
${verdict.overlays.length === 0 ? '<p>There is nothing to compare with.</p>' : `<p class="legend"><span class="swatch before"></span> before <span class="swatch after"></span> this version</p><div class="pictures">${verdict.overlays.map(overlay).join('')}</div>`}
</section>
<section aria-labelledby="rows"><h2 id="rows">Rows by day</h2>${rowsByDay(run, plan, days)}</section>
<section aria-labelledby="inputs"><h2 id="inputs">Inputs</h2>${inputs(run, plan)}</section>
${came(verdict.realised)}<section aria-labelledby="checks"><h2 id="checks">Checks</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Checks"><table><thead><tr><th scope="col">Outcome</th><th scope="col">What</th><th scope="col">Found</th></tr></thead><tbody>${verdict.checks.slice(0, checksShown).map(row).join('')}</tbody></table></div>
${verdict.checks.length > checksShown ? `<p>${verdict.checks.length - checksShown} more passed.</p>` : ''}
</section>
</main>
<footer><p>Sixfold. ${escapeHtml(batch.description ?? '')} Run <code>${escapeHtml(run.id)}</code></p></footer>
</body>
</html>
`
}

/** The page with what is known only later: what the run took, and how many of its predictions anybody looked up. */
export function withUse(page: string, cost: Cost, use: VersionUse | null): string {
  const rows: (readonly [what: string, found: string])[] = [
    ['Time', formatDuration(Math.max(1000, Math.round(cost.wallMs / 1000) * 1000))],
    ['Processors', `${figure(cost.cpuSeconds)} s, of which ${figure(cost.modelSeconds)} s in the model`],
    [
      'Rows',
      `${cost.rows.toLocaleString('en-US')}, of which ${cost.inferred.toLocaleString('en-US')} were given to the model`,
    ],
    ['Read and written', `${formatBytes(cost.bytesRead)} and ${formatBytes(cost.bytesWritten)}`],
    ...(cost.price === null
      ? []
      : [
          [
            'Price',
            `${figure(cost.price.total)} ${cost.price.currency}, ${figure(cost.price.perThousand)} for 1,000 predictions`,
          ] as const,
        ]),
    ...(use === null ? [] : [['Never looked up', wastedWords(use, cost)] as const]),
  ]
  const table = rows.map(([what, found]) => `<tr><th scope="row">${what}</th><td>${escapeHtml(found)}</td></tr>`)
  return page.replace(
    '</main>',
    () =>
      `<section aria-labelledby="cost"><h2 id="cost">What it took</h2><div class="scroll" tabindex="0" role="group" aria-label="What it took"><table><tbody>${table.join('')}</tbody></table></div></section>\n</main>`,
  )
}

/** '99.0 % (within 0.1 %) of its predictions so far, …' */
export const wastedWords = ({ wasted, lookups }: VersionUse, { price }: Cost): string =>
  `${percent(wasted.share)}${wasted.error > 0 ? ` (within ${percent(wasted.error)})` : ''} of its predictions so far, in ${lookups.toLocaleString('en-US')} look-ups${
    wasted.price === null || price === null ? '' : `: ${figure(wasted.price)} ${price.currency}`
  }`

const classOf: { readonly [O in Check['outcome']]: string } = {
  passed: 'good',
  refused: 'bad',
  'not enough data': 'none',
  'nothing to compare with': 'none',
}

const row = ({ kind, of, segment, against, measure, outcome, words }: Check): string => {
  const what = [kind, measure, of, segment, against === null ? null : `against ${againstWords[against]}`].filter(
    (part) => part !== null,
  )
  return `<tr><td><span class="outcome ${classOf[outcome]}">${outcome}</span></td><td>${escapeHtml(what.join(', '))}</td><td>${escapeHtml(words)}</td></tr>`
}

const [width, height, gap] = [340, 120, 2]

/** Shares of rows by bin: bars of before, and over them the outline of this version. */
function overlay({ of, segment, against, bins }: Overlay): string {
  const most = Math.max(...bins.flatMap(({ before, after }) => [before, after]), 1e-9)
  const step = width / Math.max(1, bins.length)
  const y = (share: number): number => Number((height - (share / most) * (height - 8)).toFixed(1))
  const bars = bins.map(({ label, before, after }, i) => {
    const x = Number((i * step).toFixed(1))
    const told = `${label}: ${percent(before)} before, ${percent(after)} in this version`
    return `<g><title>${escapeHtml(told)}</title><rect class="before" x="${x + gap / 2}" y="${y(before)}" width="${Math.max(1, step - gap).toFixed(1)}" height="${(height - y(before)).toFixed(1)}"/><rect class="after" x="${x + gap / 2}" y="${y(after)}" width="${Math.max(1, step - gap).toFixed(1)}" height="${(height - y(after)).toFixed(1)}"/></g>`
  })
  const title = `${of}${segment === null ? '' : `, ${segment}`}${against === 'previous' ? '' : `, against ${againstWords[against]}`}`
  const [first, last] = [bins[0]?.label ?? '', bins.at(-1)?.label ?? '']
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><svg class="overlay" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`${title}: shares of rows by value, before and in this version`)}">${bars.join('')}</svg><p class="ends"><span>${escapeHtml(first)}</span><span>${escapeHtml(last)}</span></p></figure>`
}

function rowsByDay(run: BatchRun, plan: PlanDocument, days: readonly Day[]): string {
  const all = [
    ...days
      .slice(0, 27)
      .toReversed()
      .map(({ at, rows }) => ({ at, rows })),
    { at: run.at, rows: plan.rows },
  ]
  const most = Math.max(...all.map(({ rows }) => rows), 1)
  const step = width / all.length
  const bars = all.map(({ at, rows }, i) => {
    const tall = (rows / most) * (height - 8)
    return `<rect class="${i === all.length - 1 ? 'after' : 'before'}" x="${(i * step + 1).toFixed(1)}" y="${(height - tall).toFixed(1)}" width="${Math.max(1, step - 2).toFixed(1)}" height="${tall.toFixed(1)}"><title>${escapeHtml(`${formatInstant(at)}: ${rows.toLocaleString('en-US')} rows`)}</title></rect>`
  })
  return `<svg class="overlay" viewBox="0 0 ${width} ${height}" role="img" aria-label="Rows of the last versions, the newest at the right">${bars.join('')}</svg>`
}

/** How earlier versions did, as far as their outcomes are known. */
function came(realised: Verdict['realised']): string {
  if (realised.length === 0) return ''
  const rows = realised.map(
    ({ version, at, output, measure, examples, value }) =>
      `<tr><td>${version}, as of ${escapeHtml(formatInstant(at))}</td><td>${escapeHtml(output)}</td><td>${measure}</td><td>${figure(value)}</td><td>${examples.toLocaleString('en-US')}</td></tr>`,
  )
  return `<section aria-labelledby="came"><h2 id="came">What came of earlier versions</h2><div class="scroll" tabindex="0" role="group" aria-label="What came of earlier versions"><table><thead><tr><th scope="col">Version</th><th scope="col">Output</th><th scope="col">Measure</th><th scope="col">Value</th><th scope="col">Outcomes</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>
`
}

function inputs(run: BatchRun, { files, newest, rows }: PlanDocument): string {
  const sources = Object.entries(newest).map(
    ([source, last]) =>
      `<tr><td>${escapeHtml(source)}</td><td>${last === null ? 'no event' : `newest event ${escapeHtml(formatInstant(last))}, ${escapeHtml(formatDuration(Math.max(0, Math.round((run.at - last) / 1000) * 1000)))} before the run`}</td></tr>`,
  )
  const read = files
    .slice(0, 50)
    .map(
      ({ path, bytes, rows: n }) =>
        `<tr><td><code>${escapeHtml(path)}</code></td><td>${n.toLocaleString('en-US')} rows, ${figure(bytes / 2 ** 20)} MiB</td></tr>`,
    )
  const told = [...sources, ...read]
  return told.length === 0
    ? `<p>${rows.toLocaleString('en-US')} rows.</p>`
    : `<div class="scroll" tabindex="0" role="group" aria-label="Inputs"><table><tbody>${told.join('')}</tbody></table></div>`
}

const ownStyle = `
.overlay{width:100%;height:auto;display:block}
.overlay .before,.swatch.before{fill:var(--other);background:var(--other);opacity:.45}
.overlay .after{fill:none;stroke:var(--accent);stroke-width:1.5}
.swatch{display:inline-block;width:.8em;height:.8em;vertical-align:-.05em;border:1.5px solid transparent}
.swatch.after{border-color:var(--accent)}
.ends{display:flex;justify-content:space-between;font-size:.8rem;margin:0;color:var(--quiet)}
figure{margin:0}
`
