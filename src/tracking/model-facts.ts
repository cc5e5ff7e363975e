/** What a run and a logged model know of the version that is made of them. */
import type { Facts } from '../ports/registry-store.ts'
import type { LoggedModel, Metric, Run } from '../ports/tracking-store.ts'
import type { MlModel } from '../registry/index.ts'
import { dependenciesIn } from '../registry/index.ts'
import { factsOfRun, measuredIn } from '../training/index.ts'

const seed = /(^|[._ -])(seed|random_?state|random_?seed)($|[._ -])/i

export function factsKnown(
  run: Run | null,
  model: LoggedModel | null,
  mlmodel: MlModel | null,
  requirements: string | null,
): Partial<Facts> {
  const ofRun = run === null ? null : factsOfRun(run)
  const parameters = { ...ofRun?.configuration?.parameters, ...model?.parameters }
  const configuration = ofRun?.configuration ?? null
  return {
    ...(ofRun?.data == null ? {} : { data: ofRun.data }),
    ...(configuration === null && Object.keys(parameters).length === 0
      ? {}
      : {
          configuration: {
            hardware: configuration?.hardware ?? null,
            command: configuration?.command ?? null,
            commit: configuration?.commit ?? null,
            dirty: configuration?.dirty ?? null,
            parameters,
            seeds: { ...seedsIn(parameters), ...configuration?.seeds },
          },
        }),
    evaluation: evaluationOf(ofRun?.evaluation ?? [], model?.metrics ?? []),
    ...(mlmodel === null && requirements === null
      ? {}
      : { dependencies: dependenciesIn({ language: mlmodel?.language ?? null }, requirements) }),
  }
}

const seedsIn = (parameters: { readonly [name: string]: string }): { readonly [name: string]: string } =>
  Object.fromEntries(Object.entries(parameters).filter(([name, value]) => seed.test(name) && value !== 'None'))

/** Of one metric on the same data, what was measured of the model itself counts before what its run says. */
function evaluationOf(ofRun: Facts['evaluation'], ofModel: readonly Metric[]): Facts['evaluation'] {
  const measured = measuredIn(ofModel)
  const known = new Set(measured.map(({ metric }) => metric))
  return [...measured, ...ofRun.filter(({ metric }) => !known.has(metric))].sort((a, b) =>
    a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : 0,
  )
}
