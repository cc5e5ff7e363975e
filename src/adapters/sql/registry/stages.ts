/** Where versions stand: compared with what the change takes to be so, and set. */
import { failpoint } from '../../../kernel/failpoint.ts'
import type { Author, ModelVersion, Stage, StageChange } from '../../../ports/registry-store.ts'
import { stageIn } from '../../../ports/registry-store.ts'
import type { Effect, Effects } from './effect.ts'
import { conflict, effect } from './effect.ts'
import { setModel } from './models.ts'
import type { Db, ModelRow, VersionRow } from './rows.ts'
import { both, neededModel, neededVersion, setVersion, standingFrom } from './rows.ts'

export const ofStages: Effects<'stage.changed' | 'rollback.superseded'> = {
  'stage.changed': changeStage,
  'rollback.superseded': async (db, { model: name, version, environment, by }) =>
    effect(await neededModel(db, name), version, { by }, environment),
}

type Places = { [environment: string]: ModelVersion['places'][string] }

async function changeStage(db: Db, change: StageChange, by: Author): Promise<Effect> {
  const { environment, from, to, exclusive, replaces } = change
  const [model, version] = await both(db, change)
  const now = stageIn(standingFrom(version), environment)
  if (now !== from)
    throw conflict(`Version ${version.version} of '${model.name}' is ${now}, not ${from}, in '${environment}'.`, {
      version: version.version,
      stage: now,
    })
  const archived = new Set(change.archives)
  if (to === 'production' && exclusive) {
    const inProduction = await db
      .selectFrom('place')
      .select('version')
      .where('model', '=', model.seq)
      .where('environment', '=', environment)
      .where('stage', '=', 'production')
      .orderBy('at', 'desc')
      .orderBy('version', 'desc')
      .execute()
    const current = inProduction[0]?.version ?? null
    if (current !== replaces)
      throw conflict(
        `${current === null ? 'No version' : `Version ${current}`} of '${model.name}' is in production in '${environment}', not ${replaces === null ? 'none' : `version ${replaces}`}.`,
        { production: current },
      )
    for (const one of inProduction) archived.add(one.version)
  }
  archived.delete(version.version)
  failpoint('change: condition checked')
  const left: number[] = []
  for (const number of archived) {
    const other = await neededVersion(db, model, number)
    if (stageIn(standingFrom(other), environment) !== to) continue
    await placeVersion(db, model, other, environment, 'archived', exclusive, by.at)
    left.push(number)
  }
  await placeVersion(db, model, version, environment, to, exclusive, by.at)
  await setModel(db, model, { updated: by.at })
  const { preconditions, evidence, rollback } = change
  return effect(
    model,
    version.version,
    { from, to, exclusive, replaces, archives: left, evidence, preconditions, rollback },
    environment,
  )
}

const isDefined = ({ document }: VersionRow): boolean =>
  (JSON.parse(document) as Pick<ModelVersion, 'definition'>).definition !== null

async function placeVersion(
  db: Db,
  model: ModelRow,
  version: VersionRow,
  environment: string,
  stage: Stage,
  exclusive: boolean,
  at: number,
): Promise<void> {
  const places = JSON.parse(version.places) as Places
  const wasProduction =
    stage === 'production' || (Object.hasOwn(places, environment) && places[environment]!.wasProduction)
  await setVersion(db, version, {
    places: JSON.stringify({ ...places, [environment]: { stage, at, wasProduction } }),
    updated: at,
    ...(stage === 'validated' ? { validated: 1 } : {}),
  })
  // What a definition stands for is not taken away from staging either.
  const held = exclusive || (stage === 'staging' && isDefined(version))
  const place = { stage, at, exclusive: held ? 1 : 0 }
  await db
    .insertInto('place')
    .values({ model: model.seq, environment, version: version.version, ...place })
    .onConflict((conflict) => conflict.columns(['model', 'environment', 'version']).doUpdateSet(place))
    .execute()
}
