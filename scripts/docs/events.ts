/** docs/reference/events.md, from the kinds of changes, and what they are called in MLflow's webhooks. */
import { changeKinds, mlflowEvents } from '../../src/ports/webhook-events.ts'
import { header, table } from './markdown.ts'

const kinds = Object.entries(changeKinds) as [keyof typeof changeKinds, string][]

export const events =
  (): string => `${header('Events', 'src/ports/webhook-events.ts')}Every change of the registry has one of these names, in the audit and to [webhooks](../how-to/webhooks.md). A webhook names those that it
is told of, all that begin alike (\`version.*\`), or all (\`*\`).

${table(
  ['Event', 'What happened'],
  kinds.map(([kind, words]) => [`\`${kind}\``, words]),
)}

## What MLflow calls them

A webhook that is made through MLflow's API is told in its form, of what it knows. A prompt is a model with the tag
\`mlflow.prompt.is_prompt\`. Changes of stages and evidence have no name there.

${table(
  ['Event', 'Of a model', 'Of a prompt'],
  kinds.flatMap(([kind]) => {
    const names = mlflowEvents[kind]
    if (names === undefined) return []
    const [ofModel, ofPrompt] = names
    return [[`\`${kind}\``, ofModel === null ? '–' : `\`${ofModel}\``, `\`${ofPrompt}\``]]
  }),
)}
`
