/** Runs of batches, from their beginning to what is live: the steps put together, each of which can be taken by itself and repeated. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Batch } from '../definition/batch.ts'
import { batchesOf, batchNamed } from '../definition/graph.ts'
import { durationMs } from '../kernel/duration.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import { shorten } from '../kernel/shorten.ts'
import type { BatchHold, BatchRun, LiveBatch } from '../ports/batch-store.ts'
import { backfill } from './backfill.ts'
import type { BatchContext } from './context.ts'
import { askedOf, filesOf, liveOf, ofRun, runOf } from './context.ts'
import type { Cost } from './documents.ts'
import { distanceChecks, withUse } from './gate/index.ts'
import { lineageOf } from './lineage.ts'
import { useOf } from './lookup/use.ts'
import { profilesFrom } from './profile-set.ts'
import { instantAfter } from './schedule/instants.ts'
import { schedulesOf } from './schedule/scheduler.ts'
import type { Batches, BatchStanding, Compared, RunDetail, Watched, Who } from './service.ts'
import { audit } from './steps/audit.ts'
import { begin } from './steps/begin.ts'
import { plan } from './steps/plan.ts'
import { publish } from './steps/publish.ts'
import { retire } from './steps/retire.ts'
import { score } from './steps/score.ts'
import { alignTables } from './steps/table.ts'

export interface BatchesOptions extends BatchContext {
  readonly lookup: Batches['lookup']
}

export function batches({ lookup, ...context }: BatchesOptions): Batches {
  const { platform, store, environment, registry, artifacts } = context

  const detailOf = async (run: BatchRun): Promise<RunDetail> => {
    const [partitions, live, workers, use] = [
      await store.partitions(run.id),
      await liveOf(context, run.batch),
      await store.workers(run.id),
      await store.use(run.id),
    ]
    const holder = workers[0]?.holder ?? null
    return { run, partitions, live: live?.run === run.id, holder, use: useOf(run, use) }
  }
  const detail = async (id: string): Promise<RunDetail> => detailOf(await runOf(context, id))

  const versionOf = async (name: string, text: string): Promise<BatchRun> => {
    batchNamed(platform, name)
    const found = await lookFor(name, text)
    if (found !== null && found.batch === name && found.environment === environment) return found
    if (text === 'live') throw new SixfoldError('SX_NOT_PUBLISHED', `No version of '${name}' has been published.`)
    throw new SixfoldError('SX_UNKNOWN_BATCH_RUN', `'${name}' has no version '${shorten(text)}'.`)
  }
  const lookFor = async (name: string, text: string): Promise<BatchRun | null> => {
    if (text === 'live') {
      const live = await liveOf(context, name)
      return live === null ? null : store.run(live.run)
    }
    if (text === 'latest') return (await store.runs({ batch: name, environment, limit: 1 }))[0] ?? null
    if (/^[1-9]\d{0,8}$/.test(text)) return store.version(name, environment, Number(text))
    return store.run(text)
  }

  /** Does what the run's state asks for, until it is at its end; or up to a state. */
  const drive = async (id: string, watched: Watched): Promise<RunDetail> => {
    for (;;) {
      watched.signal?.throwIfAborted()
      const run = await runOf(context, id)
      if (run.state === 'planning') await plan(context, run, watched)
      else if (run.state === 'scoring') await score(context, run, null, watched)
      else if (run.state === 'auditing') await audit(context, run, watched.signal)
      else if (run.state === 'passed' && (await mayGoLive(run))) {
        const who = { actor: 'sixfold', reason: null, override: false, rollback: false }
        await publish(context, run, { ...who, ...watched })
        await retire(context, run.batch)
      } else return detailOf(run)
    }
  }

  /** Not in the place of one of a later instant, and not while somebody wants what is live to stay. */
  const mayGoLive = async (run: BatchRun): Promise<boolean> => {
    if ((await holdOf(run.batch)) !== null) return false
    const live = await liveOf(context, run.batch)
    const now = live === null ? null : await store.run(live.run)
    return now === null || now.at <= run.at
  }

  const holdOf = async (name: string): Promise<BatchHold | null> => holdIn(await store.holds(environment), name)

  const holding = async (kind: 'batch.held' | 'batch.released', name: string, who: Who): Promise<BatchStanding> => {
    const batch = batchNamed(platform, name)
    const [newest] = await store.runs({ batch: name, environment, brief: true, limit: 1 })
    if (newest === undefined)
      throw new SixfoldError('SX_BATCH_STATE', `'${name}' never ran: there is nothing to hold.`, {
        fix: `Run it first: sixfold batch run ${name}.`,
      })
    if (kind === 'batch.released' && (await holdOf(name)) === null)
      throw new SixfoldError('SX_BATCH_STATE', `'${name}' is not held.`, { fix: 'There is nothing to do.' })
    const by = { id: randomBytes(16).toString('hex'), ...who, at: context.now() }
    await registry.change({ kind, ...ofRun(newest) }, by)
    return standing(batch, await store.live(environment), await store.holds(environment))
  }

  /** Somebody works on what is only written down. */
  const keeperIsThere = async (): Promise<void> => {
    if ((await store.holder(schedulesOf(environment))) === null)
      throw new SixfoldError('SX_BATCH_STATE', `No server works on the batches of '${environment}' now.`, {
        fix: 'Let one of them keep the schedules: batch.schedule of its configuration must not be false. Or run it by hand: sixfold batch run.',
      })
  }

  const compare = async (name: string, before: string, after: string): Promise<Compared> => {
    const [one, other] = [await versionOf(name, before), await versionOf(name, after)]
    const batch = batchNamed(platform, name)
    const [a, b] = [await profilesOf(one), await profilesOf(other)]
    const earlier = {
      version: one.version,
      at: one.at,
      definition: one.definition,
      plan: one.plan as never,
      profiles: a,
    }
    const { checks, overlays } = await distanceChecks(batch, b, [['previous', earlier]], [], other.at)
    const rows = await context.rows.compare(
      { paths: await filesOf(context, one) },
      { paths: await filesOf(context, other) },
      askedOf(batch),
    )
    return { before: one.version, after: other.version, rows, checks, overlays }
  }
  const profilesOf = async (run: BatchRun) => profilesFrom(JSON.parse(await kept(run, 'profile')))
  const kept = async (run: BatchRun, name: string): Promise<string> => {
    const stored = run.artifacts[name]
    if (run.retired || stored === undefined)
      throw new SixfoldError(
        'SX_BATCH_STATE',
        `Version ${run.version} of '${run.batch}' is ${run.retired ? 'not kept any more' : run.state}: it has no ${name}.`,
        {
          fix: run.retired ? 'Run it again.' : 'Let the gate look at it first.',
        },
      )
    return readFileSync(await artifacts.open(stored), 'utf8')
  }

  const rollback = async (name: string, to: number | null, who: Who): Promise<RunDetail> => {
    const batch = batchNamed(platform, name)
    const live = await liveOf(context, name)
    const wanted = to ?? live?.previous ?? null
    const run = wanted === null ? null : await store.version(name, environment, wanted)
    if (to !== null && run === null)
      throw new SixfoldError('SX_UNKNOWN_BATCH_RUN', `'${batch.name}' has no version ${to}.`)
    if (run === null || run.publishedAt === null || run.id === live?.run)
      throw new SixfoldError(
        'SX_NOTHING_TO_ROLL_BACK',
        run === null
          ? `No version of '${name}' was live before.`
          : run.id === live?.run
            ? `Version ${run.version} of '${name}' is live already.`
            : `Version ${run.version} of '${name}' was never live.`,
      )
    await publish(context, run, { ...who, override: false, rollback: true })
    return detail(run.id)
  }

  const service: Batches = {
    standings: async () => {
      const [live, holds] = [await store.live(environment), await store.holds(environment)]
      return Promise.all(batchesOf(platform).map((batch) => standing(batch, live, holds)))
    },
    runs: async (name, query) => {
      batchNamed(platform, name)
      return store.runs({ batch: name, environment, brief: true, ...query })
    },
    show: async (name, version) => detailOf(await versionOf(name, version)),
    begin: (name, options) => begin(context, name, options),
    plan: async (id, watched = {}) => {
      const run = await runOf(context, id)
      if (run.state === 'planning') await plan(context, run, watched)
      return detail(id)
    },
    score: async (id, partition, watched = {}) => {
      const found = await runOf(context, id)
      const run = watched.again && found.state === 'failed' ? await store.again(id) : found
      if (run.state === 'scoring') await score(context, run, partition, watched)
      else if (run.state === 'planning' || run.state === 'failed' || run.state === 'cancelled')
        throw inState(
          run,
          run.state === 'planning' ? 'Plan it first: sixfold batch plan.' : 'Resume it: sixfold batch resume.',
        )
      return detail(id)
    },
    audit: async (id) => {
      const run = await runOf(context, id)
      if (run.state === 'auditing') await audit(context, run)
      else if (!['passed', 'refused', 'published'].includes(run.state)) throw inState(run, 'Score it first.')
      return detail(id)
    },
    publish: async (id, { override = false, ...who }) => {
      const run = await runOf(context, id)
      await publish(context, run, { ...who, override, rollback: false })
      await retire(context, run.batch)
      return detail(id)
    },
    run: (id, watched = {}) => drive(id, watched),
    resume: async (id, watched = {}) => {
      const run = await runOf(context, id)
      if (['planning', 'scoring', 'failed', 'cancelled'].includes(run.state)) await store.again(id)
      return drive(id, watched)
    },
    cancel: async (id, who) => {
      const run = await runOf(context, id)
      if (['published', 'cancelled'].includes(run.state)) throw inState(run, 'Nothing needs to be done.')
      const by = { id: randomBytes(16).toString('hex'), ...who, at: context.now() }
      await registry.change({ kind: 'batch.cancelled', ...ofRun(run) }, by)
      return detail(id)
    },
    ask: async (name, options) => {
      batchNamed(platform, name)
      await keeperIsThere()
      return begin(context, name, { ...options, reason: 'request' })
    },
    askAgain: async (id) => {
      const run = await runOf(context, id)
      if (['passed', 'refused', 'published'].includes(run.state))
        throw inState(run, 'There is nothing left to go on with.')
      await keeperIsThere()
      return store.again(id, true)
    },
    hold: (name, who) => holding('batch.held', name, who),
    release: (name, who) => holding('batch.released', name, who),
    backfill: (name, options) => backfill(context, service, name, options),
    rollback,
    compare,
    report: async (name, version) => {
      const run = await versionOf(name, version)
      return withUse(await kept(run, 'report'), run.cost as Cost, useOf(run, await store.use(run.id)))
    },
    lineage: async (name, version) => {
      const run = await versionOf(name, version)
      return lineageOf({
        batch: batchNamed(platform, name),
        run,
        partitions: await store.partitions(run.id),
        version: context.release,
      })
    },
    files: async (name, version) => filesOf(context, await versionOf(name, version)),
    align: (signal) => alignTables(context, signal),
    lookup,
  }

  async function standing(
    batch: Batch,
    all: readonly LiveBatch[],
    holds: readonly BatchHold[],
  ): Promise<BatchStanding> {
    const { schedule, publish: told } = batch
    const live = all.find((one) => one.batch === batch.name) ?? null
    const run = live === null ? null : await store.run(live.run)
    const next = schedule === null ? null : instantAfter(schedule, context.now())
    return {
      batch: batch.name,
      model: batch.model.name,
      schedule: schedule === null || next === null ? null : { cron: schedule.cron, zone: schedule.zone, next },
      live,
      stale: run !== null && told.promise !== null && context.now() - run.at > durationMs(told.promise),
      latest: (await store.runs({ batch: batch.name, environment, brief: true, limit: 1 }))[0] ?? null,
      hold: holdIn(holds, batch.name),
    }
  }
  return service
}

const holdIn = (holds: readonly BatchHold[], name: string): BatchHold | null =>
  holds.find(({ batch }) => batch === name) ?? null

const inState = (run: BatchRun, fix: string): SixfoldError =>
  new SixfoldError(
    'SX_BATCH_STATE',
    `Run ${run.version} of '${run.batch}' for ${formatInstant(run.at)} is ${run.state}.`,
    { fix },
  )
