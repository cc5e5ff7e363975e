import { expect, test } from 'vitest'
import { entity } from '../definition/entity.ts'
import { model } from '../definition/model.ts'
import { platform } from '../definition/platform.ts'
import { parquet, source } from '../definition/source.ts'
import { view } from '../definition/view.ts'
import { mean, sum } from '../expression/aggregates.ts'
import { graphOf } from './graph.ts'

const account = entity('account', { key: { account: 'string' } })
const payments = source('payments', {
  fields: { holder: 'string', amount: { type: 'float64', range: [0, 100] }, cents: 'int64', at: 'timestamp' },
  time: 'at',
  known: { after: '10m' },
  history: parquet('payments.parquet'),
})
const spending = view('spending', {
  entity: account,
  source: payments,
  on: { account: 'holder' },
  features: ({ amount, cents }) => ({ mean_1h: mean(amount).over('1h'), cents: sum(cents).ever() }),
})
const risky = model('risky', {
  inputs: { spent: spending, request: { hurry: 'boolean' } },
  vector: ({ spent, request }) => ({ mean: spent.mean_1h.orElse(0), hurry: request.hurry }),
  output: { risky: 'probability' },
  fallback: () => ({ risky: 0.1 }),
})
const { nodes, edges } = graphOf(platform({ account, payments, spending, risky }))
const named = (name: string) => nodes.find((node) => node.name === name)!

test('edges lead from sources and entities through views to models', () => {
  expect(edges).toEqual([
    { from: 'source payments', to: 'view spending', label: null },
    { from: 'entity account', to: 'view spending', label: null },
    { from: 'view spending', to: 'model risky', label: 'spent' },
  ])
})

test('a source tells its fields, and when an event counts as known', () => {
  expect(named('payments').facts).toEqual([
    { name: 'Event time', value: 'at' },
    { name: 'Known', value: 'after 10m' },
    { name: 'History', value: 'payments.parquet' },
  ])
  expect(named('payments').parts[0]!.members[1]).toEqual({
    name: 'amount',
    type: 'float64',
    text: '0 to 100',
    equality: null,
  })
})

test('a view tells its features as they were written, with their class of equality', () => {
  expect(named('spending').facts).toContainEqual({ name: 'Entity', value: 'account (account from holder)' })
  expect(named('spending').parts[0]!.members).toEqual([
    { name: 'mean_1h', type: 'float64?', text: "mean(amount).over('1h')", equality: 'bounded' },
    { name: 'cents', type: 'int64?', text: 'sum(cents).ever()', equality: 'identical' },
  ])
})

test('a model tells what it is asked with, its vector, and what answers in its place', () => {
  const { facts, parts } = named('risky')
  expect(facts).toEqual([
    { name: 'Asked with', value: 'account, hurry' },
    { name: 'Reads', value: 'spent (spending)' },
  ])
  expect(parts.map(({ title }) => title)).toEqual(['Outputs', 'Request', 'Vector'])
  expect(parts[0]!.members[0]).toMatchObject({ name: 'risky', type: 'probability', text: 'or else 0.1' })
  expect(parts[2]!.members[0]).toMatchObject({ name: 'mean', type: 'float64', text: 'spent.mean_1h.orElse(0)' })
})
