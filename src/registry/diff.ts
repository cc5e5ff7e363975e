/** Two versions side by side, fact by fact: what changed, and in words what that means. */
import type { FactName } from '../definition/gate.ts'
import { factNames } from '../definition/gate.ts'
import { canonicalJson } from '../kernel/hash.ts'
import { formatInstant } from '../kernel/instant.ts'
import { formatBytes } from '../kernel/size.ts'
import type { Facts, ModelVersion, SchemaEntry } from '../ports/registry-store.ts'
import type { FactDiff, VersionDiff } from './registry.ts'

type Change = FactDiff['changes'][number]

export const diffOf = (a: ModelVersion, b: ModelVersion): VersionDiff => ({
  model: a.model,
  a: a.version,
  b: b.version,
  facts: factNames.map((fact) => {
    const changes = fact === 'artifact' ? artifacts(a, b) : comparers[fact](a.facts, b.facts)
    return { fact, equal: changes.length === 0, changes }
  }),
})

const same = (a: unknown, b: unknown): boolean => canonicalJson(a ?? null) === canonicalJson(b ?? null)

const shown = (value: unknown): string =>
  value === null || value === undefined
    ? 'nothing'
    : typeof value === 'string'
      ? value
      : typeof value === 'number'
        ? String(Number(value.toPrecision(6)))
        : JSON.stringify(value)

const changed = (path: string, a: unknown, b: unknown, words: string): readonly Change[] =>
  same(a, b) ? [] : [{ path, a: a ?? null, b: b ?? null, words }]

const plainly = (path: string, name: string, a: unknown, b: unknown): readonly Change[] =>
  changed(
    path,
    a,
    b,
    a === null || a === undefined
      ? `${name} is now recorded: ${shown(b)}`
      : b === null || b === undefined
        ? `${name} is no longer recorded; it was ${shown(a)}`
        : `${name} ${shown(a)} → ${shown(b)}`,
  )

/** What is there by name, in both or in one. */
function byName<T>(
  a: { readonly [name: string]: T },
  b: { readonly [name: string]: T },
  each: (name: string, a: T | null, b: T | null) => readonly Change[],
): readonly Change[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  const of = (all: { readonly [name: string]: T }, name: string): T | null =>
    Object.hasOwn(all, name) ? all[name]! : null
  return names.flatMap((name) => each(name, of(a, name), of(b, name)))
}

/** A fact that only one of them has is one change; where neither has it, none. */
const both =
  <F extends Exclude<FactName, 'artifact' | 'evaluation'>>(
    fact: F,
    compare: (a: NonNullable<Facts[F]>, b: NonNullable<Facts[F]>) => readonly Change[],
  ) =>
  (a: Facts, b: Facts): readonly Change[] => {
    const [before, now] = [a[fact], b[fact]]
    if (before === null && now === null) return []
    if (before === null) return [{ path: fact, a: null, b: now, words: 'is now recorded' }]
    if (now === null) return [{ path: fact, a: before, b: null, words: 'is no longer recorded' }]
    return compare(before as NonNullable<Facts[F]>, now as NonNullable<Facts[F]>)
  }

function artifacts(a: ModelVersion, b: ModelVersion): readonly Change[] {
  const filesOf = (version: ModelVersion): { readonly [path: string]: ModelVersion['files'][number] } =>
    Object.fromEntries(version.files.map((file) => [file.path, file]))
  return [
    ...plainly('flavor', 'flavour', a.flavor, b.flavor),
    ...plainly('entry', 'the file that is served', a.entry, b.entry),
    ...byName(filesOf(a), filesOf(b), (path, before, now) =>
      changed(
        `files.${path}`,
        before && { sha256: before.sha256, bytes: before.bytes },
        now && { sha256: now.sha256, bytes: now.bytes },
        before === null
          ? `file ${path} is new: ${formatBytes(now!.bytes)}`
          : now === null
            ? `file ${path} is gone`
            : `file ${path} has other contents: ${formatBytes(before.bytes)} → ${formatBytes(now.bytes)}`,
      ),
    ),
  ]
}

const schema = both('schema', (a, b) => {
  const named = (entries: readonly SchemaEntry[]): { readonly [name: string]: SchemaEntry } =>
    Object.fromEntries(entries.map((entry) => [entry.name, entry]))
  const common = (of: readonly SchemaEntry[], other: readonly SchemaEntry[]): readonly string[] =>
    of.map(({ name }) => name).filter((name) => other.some((entry) => entry.name === name))
  const [before, now] = [common(a.entries, b.entries), common(b.entries, a.entries)]
  return [
    ...byName(named(a.entries), named(b.entries), entry),
    ...changed('schema.order', before, now, 'the entries come in another order'),
    ...byName(
      Object.fromEntries(a.outputs.map(({ name, type }) => [name, type])),
      Object.fromEntries(b.outputs.map(({ name, type }) => [name, type])),
      (name, from, to) => plainly(`schema.outputs.${name}`, `output ${name}`, from, to),
    ),
  ]
})

function entry(name: string, a: SchemaEntry | null, b: SchemaEntry | null): readonly Change[] {
  const path = `schema.entries.${name}`
  if (a === null) return [{ path, a, b, words: `entry ${name} is new: ${b!.type}` }]
  if (b === null) return [{ path, a, b, words: `entry ${name} is gone` }]
  return [
    ...changed(`${path}.type`, a.type, b.type, `entry ${name}: type ${a.type} → ${b.type}`),
    ...changed(
      `${path}.nullable`,
      a.nullable,
      b.nullable,
      b.nullable ? `entry ${name}: now nullable` : `entry ${name}: no longer nullable`,
    ),
    ...changed(`${path}.range`, a.range, b.range, `entry ${name}: range ${rangeOf(a.range)} → ${rangeOf(b.range)}`),
    ...changed(
      `${path}.reads`,
      a.reads,
      b.reads,
      `entry ${name}: reads ${a.reads.join(', ') || 'nothing'} → ${b.reads.join(', ') || 'nothing'}`,
    ),
    ...byName(a.views, b.views, (view, from, to) =>
      changed(
        `${path}.views.${view}`,
        from,
        to,
        from !== null && to !== null
          ? `entry ${name}: another version of view ${view}, ${from.slice(0, 10)} → ${to.slice(0, 10)}`
          : `entry ${name}: ${to === null ? 'no longer' : 'now'} of view ${view}`,
      ),
    ),
  ]
}

const rangeOf = (range: SchemaEntry['range']): string => (range === null ? 'any' : `${range[0]} to ${range[1]}`)

const preprocessing = both('preprocessing', (a, b) => {
  const entries = byName(a.source, b.source, (name, from, to) =>
    changed(
      `preprocessing.source.${name}`,
      from,
      to,
      from === null ? `${name} = ${to}` : to === null ? `${name} is gone` : `${name}: ${from} → ${to}`,
    ),
  )
  return entries.length > 0
    ? entries
    : changed('preprocessing.hash', a.hash, b.hash, 'the definition changed, and the vector reads the same')
})

const data = both('data', (a, b) => [
  ...(a.hash !== null && a.hash === b.hash ? [] : plainly('data.hash', 'hash', a.hash, b.hash)),
  ...plainly('data.pointer', 'pointer', a.pointer, b.pointer),
  ...plainly('data.rows', 'rows', a.rows, b.rows),
  ...plainly('data.from', 'from', instantOf(a.from), instantOf(b.from)),
  ...plainly('data.to', 'to', instantOf(a.to), instantOf(b.to)),
  ...plainly('data.query', 'query', a.query, b.query),
  ...plainly('data.artifact', 'artifact', a.artifact, b.artifact),
])
const instantOf = (at: number | null): string | null => (at === null ? null : formatInstant(at))

const configuration = both('configuration', (a, b) => [
  ...byName(a.parameters, b.parameters, (name, from, to) =>
    plainly(`configuration.parameters.${name}`, `parameter ${name}`, from, to),
  ),
  ...byName(a.seeds, b.seeds, (name, from, to) => plainly(`configuration.seeds.${name}`, `seed ${name}`, from, to)),
  ...plainly('configuration.command', 'command', a.command?.join(' ') ?? null, b.command?.join(' ') ?? null),
  ...plainly('configuration.commit', 'commit', a.commit, b.commit),
  ...changed(
    'configuration.dirty',
    a.dirty,
    b.dirty,
    b.dirty === true ? 'the code has changes that no commit has' : 'the code is that of the commit',
  ),
  ...plainly('configuration.hardware', 'hardware', a.hardware, b.hardware),
])

type Figure = Facts['evaluation'][number]

function evaluation({ evaluation: a }: Facts, { evaluation: b }: Facts): readonly Change[] {
  const named = (all: readonly Figure[]): { readonly [name: string]: Figure } =>
    Object.fromEntries(all.map((one) => [one.slice === null ? one.metric : `${one.metric} (${one.slice})`, one]))
  return byName(named(a), named(b), (name, from, to) =>
    changed(
      `evaluation.${name}`,
      from,
      to,
      from === null
        ? `metric ${name} is new: ${figure(to!)}`
        : to === null
          ? `metric ${name} is no longer measured; it was ${figure(from)}`
          : `metric ${name} ${figure(from)} → ${figure(to)} ${onWhat(from, to)}`,
    ),
  )
}
const figure = ({ value, low, high }: Figure): string =>
  low === null || high === null ? shown(value) : `${shown(value)} (${shown(low)} to ${shown(high)})`
const onWhat = (a: Figure, b: Figure): string =>
  a.data === null || b.data === null
    ? 'on data that is not named'
    : a.data === b.data
      ? 'on the same data'
      : 'on other data, so that they cannot be compared'

const dependencies = both('dependencies', (a, b) => [
  ...plainly('dependencies.opset', 'opset', a.opset, b.opset),
  ...plainly('dependencies.ir', 'form of the file (IR)', a.ir, b.ir),
  ...byName(a.domains, b.domains, (name, from, to) => plainly(`dependencies.domains.${name}`, name, from, to)),
  ...plainly('dependencies.runtime', 'runtime', a.runtime, b.runtime),
  ...plainly('dependencies.language', 'language', a.language, b.language),
  ...byName(packages(a.packages), packages(b.packages), (name, from, to) =>
    changed(
      `dependencies.packages.${name}`,
      from,
      to,
      from === null
        ? `package ${name} ${to} is new`.replace('  ', ' ')
        : to === null
          ? `package ${name} is gone`
          : `package ${name} ${from} → ${to}`,
    ),
  ),
])

/** 'numpy==2.0.1', 'pandas>=2', 'left' */
const packages = (all: readonly string[]): { readonly [name: string]: string } =>
  Object.fromEntries(
    all.map((one) => {
      const [, name = one, version = ''] = /^([A-Za-z0-9._-]+(?:\[[^\]]*\])?)\s*(.*)$/.exec(one) ?? []
      return [name, version.replace(/^==\s*/, '')]
    }),
  )

const comparers: { readonly [F in Exclude<FactName, 'artifact'>]: (a: Facts, b: Facts) => readonly Change[] } = {
  schema,
  preprocessing,
  data,
  configuration,
  evaluation,
  dependencies,
}
