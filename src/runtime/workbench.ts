/** The platform for a command: opened beside a server or without one. */
import type { Workbench } from '../api/index.ts'
import { hashOfDefinition } from '../definition/describe.ts'
import { modelNamed, sourceNamed, viewNamed } from '../definition/graph.ts'
import { convert } from './convert.ts'
import type { Opened } from './open.ts'
import { applyPlatform, planFor } from './plan.ts'
import { reproduceVersion, trainModel } from './training.ts'

/** Paths on a command line start from the working folder. */
export function workbench(opened: Opened): Workbench {
  const { platform, stores, servers, clock } = opened
  return {
    platform,
    registry: opened.registry,
    batches: opened.batches,
    plan: () => planFor(platform, stores.metadata),
    apply: async () => {
      const { applied, dropped, kept } = await applyPlatform(platform, stores, servers, clock.now())
      return { at: applied.at, dropped, kept }
    },
    inspect: (source) => stores.offline.summarize(sourceNamed(platform, source)),
    materialize: opened.materialize,
    trainingSet: async ({ labels, at, zone, out, model, views, period }, progress) => {
      const definition = model === null ? null : modelNamed(platform, model)
      return stores.offline.trainingSet(
        {
          labels,
          at,
          zone,
          out,
          ...(period && { period }),
          model: definition,
          views: views.map((name) => ({ group: name, view: viewNamed(platform, name) })),
          metadata: {
            'sixfold.platform': platform.hash,
            ...(definition === null
              ? {}
              : { 'sixfold.model': definition.name, 'sixfold.definition': hashOfDefinition(definition) }),
            ...Object.fromEntries(
              views.map((name) => [`sixfold.view.${name}`, hashOfDefinition(viewNamed(platform, name))]),
            ),
          },
        },
        progress,
      )
    },
    readFeatures: opened.readFeatures,
    convert: (model, asked) => convert(modelNamed(platform, model), asked),
    describeRemote: opened.describeRemote,
    explain: opened.explain,
    train: (model, asked, watching) => trainModel(opened, model, asked, watching),
    reproduce: (model, which, asked, watching) => reproduceVersion(opened, model, which, asked, watching),
    close: opened.close,
  }
}
