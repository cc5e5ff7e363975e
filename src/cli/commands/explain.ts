import type { Attributions, Explanation } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { age, count, instant, value } from '../text.ts'

export const explain = defineCommand<Explanation>({
  name: 'explain',
  summary: 'Why a prediction was what it was: features and their ages, version, what was degraded, what came of it.',
  arguments: [{ name: '<prediction>', description: 'the id that predict answered' }],
  options: [
    {
      flags: '--attributions',
      description: 'what each entry of the vector added to the answer, of tree ensembles and linear models',
    },
  ],
  run: async ({ tools, project }, [id], { attributions }) => {
    const workbench = await tools.open(project)
    try {
      return await workbench.explain(id!, { attributions: attributions === true })
    } finally {
      await workbench.close()
    }
  },
  render: (e) => {
    const pairs = (values: { readonly [name: string]: unknown }): string =>
      Object.entries(values)
        .map(([name, v]) => `${name} ${value(v)}`)
        .join(', ')
    const lines = [
      `${e.id}: ${pairs(e.outputs)}`,
      `  asked at ${instant(e.at)} about ${pairs(e.keys)}`,
      `  answered by ${e.model} ${e.version === null ? 'fallback: it had no version' : `version ${e.version}`} in ${e.milliseconds.total.toFixed(2)} ms (features ${e.milliseconds.features.toFixed(2)}, assembly ${e.milliseconds.assembly.toFixed(2)}, inference ${e.milliseconds.inference.toFixed(2)}, post ${e.milliseconds.post.toFixed(2)})`,
    ]
    if (Object.keys(e.request).length > 0) lines.push(`  request: ${pairs(e.request)}`)
    for (const { group, view, entity, ageMs, features } of e.groups)
      lines.push(
        `  ${group}${group === view ? '' : ` (${view})`}, ${entity === 'never seen' ? 'never seen' : `newest event ${age(ageMs!)} old`}: ${pairs(features)}`,
      )
    lines.push(e.vector === null ? '  vector: the model is defined otherwise by now' : `  vector: ${pairs(e.vector)}`)
    if (e.attributions !== null) lines.push(...attributed(e.attributions))
    for (const { stage, by, reason } of e.degraded) lines.push(`  degraded: ${stage}, ${by}: ${reason}`)
    lines.push(
      e.outcome === null ? '  no outcome yet' : `  outcome, at ${instant(e.outcome.at)}: ${pairs(e.outcome.values)}`,
    )
    return lines.join('\n')
  },
})

const barWidth = 24

/** The entries by how much they added, each with a bar to the left or to the right of nothing. */
function attributed({ output, place, link, base, margin, answer, background, entries }: Attributions): string[] {
  const all = Object.entries(entries).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
  const most = all.reduce((most, [, share]) => Math.max(most, Math.abs(share)), 0)
  const width = all.reduce((width, [name]) => Math.max(width, name.length), 0)
  const bar = (share: number): string => {
    const length = most === 0 ? 0 : Math.round((Math.abs(share) / most) * barWidth)
    const drawn = '█'.repeat(length)
    return share < 0 ? `${drawn.padStart(barWidth)}│` : `${' '.repeat(barWidth)}│${drawn}`
  }
  const through = link === 'identity' ? '' : `, by the ${link} function ${value(answer)}`
  return [
    `  ${output}[${place}], compared with ${count(background, 'other vector')}: ${value(base)} on average, here ${value(margin)}${through}`,
    ...all.map(([name, share]) => `    ${name.padEnd(width)} ${signed(share).padStart(12)} ${bar(share)}`),
  ]
}
const signed = (share: number): string => `${share < 0 ? '' : '+'}${value(share)}`
