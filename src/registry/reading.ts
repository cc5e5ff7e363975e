/** What the registry shows of models and versions: what its store keeps, with what follows from it. */

import type { Gate, GatedStage } from '../definition/gate.ts'
import { gatedStages } from '../definition/gate.ts'
import { gateOf, modelsOf } from '../definition/graph.ts'
import type { Model } from '../definition/model.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { ModelVersion, RegisteredModel, Stage, VersionStanding } from '../ports/registry-store.ts'
import { stageIn, stages } from '../ports/registry-store.ts'
import type { Page, Search } from '../ports/search.ts'
import { modelChanges } from '../ports/webhook-events.ts'
import type { Moves, MovesOptions } from './lifecycle/move.ts'
import { missingFacts } from './registration/facts.ts'
import { definitionOf } from './registration/register.ts'
import type { ModelDetail, ModelSummary, VersionDetail, VersionSummary } from './registry.ts'

export interface Reading {
  models(search: Search): Promise<Page<ModelSummary>>
  model(name: string): Promise<ModelDetail>
  version(model: string, which: string): Promise<VersionDetail>
  /** Without what is only for show. */
  find(model: string, which: string): Promise<ModelVersion>
}

const longestHistory = 1_000
const mostVersions = 10_000

export function reading({ platform, store, environment, alone }: MovesOptions, moves: Moves): Reading {
  /** `all` are its versions, newest first. */
  const summaryOf = (model: RegisteredModel, all: readonly VersionStanding[]): ModelSummary => {
    const at = (stage: Stage): readonly number[] =>
      all.filter((version) => stageIn(version, environment) === stage).map(({ version }) => version)
    const placed = all
      .filter((version) => stageIn(version, environment) === 'production')
      .sort((a, b) => b.places[environment]!.at - a.places[environment]!.at)
    const definition = definitionOf(platform, model.name)
    return {
      ...model,
      description: model.description ?? definition?.description ?? null,
      defined: definition !== null,
      versions: all.length,
      newest: all[0]?.version ?? null,
      production: placed[0]?.version ?? null,
      staging: at('staging'),
    }
  }
  /** A model that is defined is there before it has a version. */
  const emptyOf = ({ name, description }: Model): RegisteredModel => ({
    name,
    description,
    tags: {},
    aliases: {},
    createdAt: 0,
    updatedAt: 0,
  })
  const modelOf = async (name: string): Promise<RegisteredModel> => {
    const found = await store.model(name)
    if (found !== null) return found
    const defined = definitionOf(platform, name)
    if (defined !== null) return emptyOf(defined)
    const { items } = await store.searchModels({
      where: [],
      order: [{ of: 'attribute', key: 'name', descending: false }],
      limit: 100,
      offset: 0,
    })
    const names = [...new Set([...modelsOf(platform).map((model) => model.name), ...items.map((model) => model.name)])]
    const wanted = shorten(name)
    throw new SixfoldError('SX_UNKNOWN_MODEL', `There is no model '${wanted}'. ${suggestion(name, names)}`, {
      details: { name: wanted },
    })
  }

  const find = async (name: string, which: string): Promise<ModelVersion> => {
    const { aliases } = await modelOf(name)
    const unknown = async (code: 'SX_UNKNOWN_VERSION' | 'SX_UNKNOWN_ALIAS', message: string): Promise<never> => {
      const all = await store.standings([name])
      const known = [...all.slice(0, 10).map(({ version }) => String(version)), ...Object.keys(aliases)]
      throw new SixfoldError(code, message, {
        fix: known.length === 0 ? 'It has no version yet.' : suggestion(which, known),
        details: { model: name, which: shorten(which) },
      })
    }
    if (/^\d{1,15}$/.test(which)) {
      const version = await store.version(name, Number(which))
      return version ?? unknown('SX_UNKNOWN_VERSION', `'${name}' has no version ${which}.`)
    }
    if (which.toLowerCase() === 'latest') {
      const [newest] = await store.standings([name])
      return (
        (newest && (await store.version(name, newest.version))) ??
        unknown('SX_UNKNOWN_VERSION', `'${name}' has no version.`)
      )
    }
    const stage = stages.find((one) => one === which.toLowerCase())
    if (stage !== undefined && !Object.hasOwn(aliases, which)) {
      const at = (await store.standings([name])).find((version) => stageIn(version, environment) === stage)
      return (
        (at && (await store.version(name, at.version))) ??
        unknown('SX_UNKNOWN_VERSION', `'${name}' has no version that is ${stage} in '${environment}'.`)
      )
    }
    const named = Object.hasOwn(aliases, which) ? await store.version(name, aliases[which]!) : null
    return named ?? unknown('SX_UNKNOWN_ALIAS', `'${name}' has no alias '${shorten(which)}'.`)
  }

  /** Models that are defined and of which the store knows nothing yet: they come before the others. */
  const onlyDefined = async (): Promise<readonly RegisteredModel[]> => {
    const known = await Promise.all(modelsOf(platform).map(({ name }) => store.model(name)))
    return modelsOf(platform)
      .filter((_, i) => known[i] === null)
      .map(emptyOf)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  return {
    find,
    models: async (search) => {
      const unregistered = search.where.length === 0 ? await onlyDefined() : []
      const first = unregistered.slice(search.offset, search.offset + search.limit)
      const left = search.limit - first.length
      const offset = Math.max(0, search.offset - unregistered.length)
      // Where the page is full already, one more is asked for to know whether there is any.
      const { items, more } = await store.searchModels({ ...search, limit: Math.max(1, left), offset })
      const shown = [...first, ...items.slice(0, left)]
      const standings = new Map<string, VersionStanding[]>(shown.map(({ name }) => [name, []]))
      for (const one of await store.standings([...standings.keys()])) standings.get(one.model)?.push(one)
      const found = shown.map((model) => summaryOf(model, standings.get(model.name)!))
      const rest = more || items.length > left || search.offset + search.limit < unregistered.length
      // What is all on one page is by name throughout.
      const whole = search.offset === 0 && !rest && first.length > 0
      return { items: whole ? found.sort((a, b) => (a.name < b.name ? -1 : 1)) : found, more: rest }
    },
    model: async (name) => {
      const registered = await modelOf(name)
      const all = await store.versions(name)
      const definition = definitionOf(platform, name)
      const registrars = new Map(
        (await store.audit({ model: name, actions: ['version.registered'], limit: mostVersions })).map((entry) => [
          entry.version,
          entry.actor,
        ]),
      )
      const waiting = alone?.pending(name) ?? null
      return {
        ...summaryOf(registered, all),
        gate: definition === null ? [] : gateWords(gateOf(platform, definition)),
        list: all.map(
          (version): VersionSummary => ({
            version: version.version,
            stage: stageIn(version, environment),
            aliases: version.aliases,
            manifest: version.manifest,
            flavor: version.flavor,
            bytes: version.files.reduce((sum, { bytes }) => sum + bytes, 0),
            at: version.at,
            actor: registrars.get(version.version) ?? 'unknown',
            source: version.source,
            run: version.run,
            description: version.description,
            missing: missingFacts(version.facts),
          }),
        ),
        productions: await moves.productions(name),
        pending: waiting === null ? null : { version: waiting.version, actor: waiting.actor, at: waiting.at },
      }
    },
    version: async (name, which) => {
      const version = await find(name, which)
      const [evidence, approvals, ways, history] = await Promise.all([
        store.evidence(name, version.version),
        store.approvals(name, version.version),
        moves.ways(version),
        store.audit({ model: name, version: version.version, actions: modelChanges, limit: longestHistory }),
      ])
      return {
        ...version,
        stage: stageIn(version, environment),
        missing: missingFacts(version.facts),
        evidence,
        approvals,
        ways,
        history,
      }
    },
  }
}

/** What a gate asks for each stage, in words. */
export function gateWords(gate: Gate): ModelDetail['gate'] {
  const margin = (value: number | string): string => (typeof value === 'number' ? String(value) : `${value} of its own`)
  return gatedStages.map((stage: GatedStage) => {
    const asks: string[] = []
    if (stage === 'validated') {
      asks.push('It loads in a process of its own, and its inputs and outputs fit the definition.')
      for (const name of Object.keys(gate.invariants)) asks.push(`The invariant '${name}' holds.`)
      if (gate.heldOut !== null)
        asks.push(
          `On held-out rows it is no worse than the version in production by more than ${margin(gate.heldOut.noWorseThan)}.`,
        )
      for (const [name, { noWorseThan }] of Object.entries(gate.slices))
        asks.push(`In the slice '${name}' it is no worse by more than ${margin(noWorseThan)}.`)
      asks.push(`99 of 100 calls with ${gate.latency.rows.join(' and ')} rows take at most ${gate.latency.p99Ms} ms.`)
      if (gate.memoryBytes !== null) asks.push(`It takes at most ${gate.memoryBytes.toLocaleString('en')} bytes.`)
      if (gate.operators.opset !== null) asks.push(`Its operator set is ${gate.operators.opset.join(' to ')}.`)
      if (gate.operators.deny.length > 0) asks.push(`It uses none of ${gate.operators.deny.join(', ')}.`)
    } else asks.push('Its validation still stands: of these files, this definition and this gate.')
    if (gate.require[stage].length > 0) asks.push(`These facts are recorded: ${gate.require[stage].join(', ')}.`)
    const others = gate.approvals[stage]
    if (others > 0) asks.push(others === 1 ? 'Another person approves.' : `${others} other people approve.`)
    return { stage, asks }
  })
}
