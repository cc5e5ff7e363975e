/** Versions of models as they read in a terminal: where one stands, what a move would do, what was found. */
import type { Check, Consequence, Precondition, Stage, VersionDetail, VersionDiff } from '../api/index.ts'
import { stages } from '../api/index.ts'

/** ✓ registered ── ✓ validated ── ● staging ── ○ production ── ○ archived */
export function rail(stage: Stage, validated: boolean): string {
  const at = stages.indexOf(stage)
  const passed = (one: Stage, i: number): boolean =>
    stage === 'archived' ? one === 'registered' || (one === 'validated' && validated) : i < at
  return stages.map((one, i) => `${i === at ? '●' : passed(one, i) ? '✓' : '○'} ${one}`).join(' ── ')
}

/** Facts that are there are one line. */
export function findings(all: readonly Precondition[]): readonly string[] {
  const recorded = all
    .filter(({ name, met }) => met && name.startsWith(fact))
    .map(({ name }) => name.slice(fact.length))
  return all.flatMap(({ name, met, words }) => {
    if (!met || !name.startsWith(fact)) return [`  ${met ? '✓' : '✗'} ${name}: ${words}`]
    return name === `${fact}${recorded[0]}` ? [`  ✓ facts: ${recorded.join(', ')}.`] : []
  })
}
const fact = 'fact: '

/** What a move would do, or has done. */
export function consequenceText({ model, version, from, to, allowed, preconditions, effects }: Consequence): string {
  return [
    `${model} version ${version}: ${from} → ${to}${allowed ? '' : ', which its gate refuses'}`,
    ...findings(preconditions),
    ...(allowed ? effects.map((effect) => `  → ${effect}`) : []),
  ].join('\n')
}

/** The ways that lead on, each with what it asks. */
export const wayLines = (ways: VersionDetail['ways']): readonly string[] =>
  ways.flatMap(({ to, allowed, preconditions }) => [
    `${allowed ? '✓' : '✗'} ${to}${allowed ? '' : ': not yet'}`,
    ...findings(preconditions),
  ])

const marks: { readonly [outcome in Check['outcome']]: string } = {
  passed: '✓',
  failed: '✗',
  'not asked': '–',
  'not possible': '!',
}
export const checkLines = (checks: readonly Check[]): readonly string[] =>
  checks.map(({ name, outcome, words }) => `  ${marks[outcome]} ${name}: ${words}`)

export function diffText({ model, a, b, facts }: VersionDiff): string {
  const changed = facts.filter(({ equal }) => !equal)
  const equal = facts.filter((fact) => fact.equal).map(({ fact }) => fact)
  const head = `${model} version ${a} → version ${b}`
  if (changed.length === 0) return `${head}: the same in every fact.`
  return [
    head,
    ...changed.flatMap(({ fact, changes }) => [`${fact}`, ...changes.map(({ words }) => `  ${words}`)]),
    ...(equal.length === 0 ? [] : [`the same: ${equal.join(', ')}`]),
  ].join('\n')
}

export const rows = (pairs: readonly (readonly [name: string, value: string | null])[]): readonly string[] => {
  const shown = pairs.filter((pair): pair is [string, string] => pair[1] !== null)
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}
