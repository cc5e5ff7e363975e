import type { Explanation } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { age, instant, value } from '../text.ts'

export const explain = defineCommand<Explanation>({
  name: 'explain',
  summary: 'Why a prediction was what it was: features and their ages, version, what was degraded, what came of it.',
  arguments: [{ name: '<prediction>', description: 'the id that predict answered' }],
  run: async ({ tools, project }, [id]) => {
    const workbench = await tools.open(project)
    try {
      return await workbench.explain(id!)
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
    for (const { stage, by, reason } of e.degraded) lines.push(`  degraded: ${stage}, ${by}: ${reason}`)
    lines.push(
      e.outcome === null ? '  no outcome yet' : `  outcome, at ${instant(e.outcome.at)}: ${pairs(e.outcome.values)}`,
    )
    return lines.join('\n')
  },
})
