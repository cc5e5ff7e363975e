/** doctor: whether a server would run here, and what is wrong if not. */
import type { Examination } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { factLines, problemLines, problemsOf, storeTable } from '../stores.ts'
import { count } from '../text.ts'

export const doctor = defineCommand<Examination>({
  name: 'doctor',
  summary: 'Look at the configuration, the machine and every store, measure, and say what is wrong and what to do.',
  examples: ['sixfold doctor', 'sixfold doctor --json'],
  run: async ({ tools, project, progress }) => {
    const bar = progress('Asking the stores')
    try {
      return await tools.examine(project)
    } finally {
      bar.end()
    }
  },
  render: ({ facts, stores, problems }) => {
    const all = [...problems, ...problemsOf(stores)]
    const widest = Math.max(...facts.map(({ name }) => name.length))
    return [
      facts.map(({ name, value }) => `${name.padEnd(widest)}  ${value}`).join('\n'),
      ...(stores.length === 0 ? [] : [storeTable(stores), factLines(stores).join('\n')]),
      ...(all.length === 0 ? [] : [problemLines(all).join('\n')]),
      verdict(all),
    ]
      .filter((part) => part !== '')
      .join('\n\n')
  },
})

function verdict(problems: readonly { readonly severity: 'error' | 'warning' }[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const warnings = problems.length - errors
  if (problems.length === 0) return 'All is well.'
  const told = [...(errors > 0 ? [count(errors, 'error')] : []), ...(warnings > 0 ? [count(warnings, 'warning')] : [])]
  return `${told.join(', ')}.`
}
