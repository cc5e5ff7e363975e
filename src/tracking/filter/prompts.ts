/**
 * MLflow keeps prompts as registered models with a tag of their own. Models are searched without them unless the filter asks for prompts,
 * and a model has no such tag: so what is said of the tag is taken as what is meant by it.
 */
import type { Condition } from '../../ports/search.ts'

const tag = 'mlflow.prompt.is_prompt'
const isOfPrompts = ({ of, key }: Condition): boolean => of === 'tag' && key === tag

export function prompts(conditions: readonly Condition[]): readonly Condition[] {
  const asked = conditions.find(isOfPrompts)
  const value = String(asked?.value).toLowerCase()
  if (asked && ((asked.operator === '=' && value === 'true') || (asked.operator === '!=' && value === 'false')))
    return conditions
  return [
    ...conditions.filter((one) => !isOfPrompts(one)),
    { of: 'tag', key: tag, operator: '!=', value: 'true', orAbsent: true },
  ]
}
