/** Spark, as the configuration says that it is started, for the engine that asks it. */
import { isAbsolute, resolve } from 'node:path'
import { sparkJob } from '../adapters/spark/job.ts'
import type { SparkSettings } from '../adapters/spark/submit.ts'
import { submitJob } from '../adapters/spark/submit.ts'
import type { SparkRunner } from '../batch/index.ts'

/** Paths of definitions start from the project's folder, but for those that lead to other machines. */
export const sparkRunner = (settings: SparkSettings, project: string): SparkRunner => ({
  run: (work, folder, signal) =>
    submitJob(
      sparkJob({
        ...work,
        resolve: (path) => [/^[a-z][a-z0-9]*:\/\//i.test(path) || isAbsolute(path) ? path : resolve(project, path)],
      }),
      settings,
      folder,
      signal,
    ),
})
