#!/usr/bin/env node
/** The program `sixfold`: the command line, with everything it needs. */
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import type { ServeOptions, Serving, Tools } from '../cli/index.ts'
import { main } from '../cli/index.ts'
import { isLoopbackHost } from '../kernel/addresses.ts'
import { manualClock, systemClock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { openApi } from '../server/index.ts'
import { askRollback, askStatus } from './ask-server.ts'
import { keepSchedules } from './batch-schedule.ts'
import type { Project } from './config.ts'
import { loadProject, projectFolder } from './config.ts'
import { examine } from './doctor.ts'
import { drift } from './drift.ts'
import { writeProject } from './init.ts'
import { listen } from './listen.ts'
import type { OpenOptions } from './open.ts'
import { open } from './open.ts'
import { applyPlatform, planFor } from './plan.ts'
import { reloader, tellReload } from './reload.ts'
import { version } from './version.ts'
import { watchScripts } from './watch.ts'
import { workbench } from './workbench.ts'

const optionsOf = ({
  folder,
  data,
  environment,
  limits,
  sync,
  duckdb,
  stores,
  adminKey,
  models,
  remotes,
  remoteTokens,
  webhooks,
  batch,
  openlineage,
}: Project): OpenOptions => ({
  project: folder,
  data,
  environment,
  limits,
  sync,
  duckdb,
  stores,
  adminKey,
  models,
  remotes,
  remoteTokens,
  webhooks,
  batch: { spark: batch.spark, rates: batch.rates },
  openlineage,
})

const tools: Tools = {
  version,
  load: async (path) => {
    const { file, folder, data, platform } = await loadProject(path)
    return {
      file,
      folder,
      data,
      definitions: Object.values(platform.definitions).map(({ kind, name }) => ({ kind, name })),
    }
  },
  openApi: async (path) => openApi({ platform: (await loadProject(path)).platform, version }),
  open: async (path) => {
    const project = await loadProject(path)
    const opened = await open(project.platform, { ...optionsOf(project), serving: false })
    // A webhook that is made here is told by a server.
    if (!isLoopbackHost(project.server.host)) opened.expose()
    return workbench(opened)
  },
  examine: async (path) => {
    const examination = await examine(path)
    // A connection that never was answered must keep no one waiting. Unless something holds the process, it has ended by then.
    setTimeout(() => process.exit(), 1_000).unref()
    return examination
  },
  drift,
  status: askStatus,
  rollback: askRollback,
  serve,
  watch: async (path, changed) => watchScripts(projectFolder(path), changed),
  init: (folder) => writeProject(folder, version),
}

async function serve(path: string, { port, host, grpcPort, clock, apply, verbose }: ServeOptions): Promise<Serving> {
  const project = await loadProject(path)
  const logger = pino({ level: verbose ? 'debug' : 'info' }, pino.destination(2))
  const opened = await open(project.platform, {
    ...optionsOf(project),
    logger,
    clock: clock === null ? systemClock() : manualClock(clock),
  })
  // Before it tells anybody of changes, which it does from its first second on.
  if (!isLoopbackHost(host ?? project.server.host)) opened.expose()
  try {
    const { changes, appliedAt } = await planFor(project.platform, opened.stores.metadata)
    if (changes.length > 0) {
      // Nothing was ever applied: there is nothing that could be dropped.
      if (!apply && appliedAt !== null)
        throw new SixfoldError(
          'SX_NOT_APPLIED',
          `${changes.length} definitions differ from those that were applied: ${changes.map(({ kind, name }) => `${kind} ${name}`).join(', ')}.`,
          {
            fix: 'Look at them with `sixfold plan`, then run `sixfold apply`.',
          },
        )
      await applyPlatform(project.platform, opened.stores, opened.servers, opened.clock.now())
    }
    const { server } = project
    const listening = await listen(opened, {
      ...server,
      port: port ?? server.port,
      host: host ?? server.host,
      ...(grpcPort === undefined ? {} : { grpcPort }),
    })
    const schedules = project.batch.schedule
      ? keepSchedules({
          ...{ platform: project.platform, environment: project.environment, logger, project: project.file },
          ...{ store: opened.stores.metadata.batches, batches: opened.batches, parallel: project.batch.parallel },
          program: fileURLToPath(import.meta.url),
          now: () => opened.clock.now(),
        })
      : null
    schedules?.start()
    const reload = reloader(path, project, { opened, listening })
    const hangUp = (): void => void tellReload(reload, logger)
    process.on('SIGHUP', hangUp)
    const { models } = await opened.status()
    return {
      url: listening.url,
      grpc: listening.grpc,
      data: project.data,
      models: models.map(({ model, version }) => ({ model, version })),
      close: async () => {
        process.off('SIGHUP', hangUp)
        await schedules?.close()
        await listening.close()
        await opened.close()
      },
    }
  } catch (error) {
    await opened.close()
    throw error
  }
}

// Whoever reads the output may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await main(process.argv.slice(2), tools)
