/** The routes that are asked most: predictions, features, events, outcomes. They read JSON and write it, and decide nothing. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Caller, Right, Services } from '../api/index.ts'
import { modelsOf } from '../definition/graph.ts'
import type { Prediction } from '../inference/index.ts'
import { parseId } from '../inference/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import { toMicroseconds } from '../kernel/milliseconds.ts'
import { shorten } from '../kernel/shorten.ts'
import { demand } from './access.ts'
import type { Answer } from './answer.ts'
import { jsonType, sendAnswer } from './answer.ts'
import type { DirectRoute } from './direct.ts'
import { urgencyOf } from './gateway/timing.ts'
import { parseJson, toJson } from './json.ts'
import { instantOf, listOf, objectOf, oneOf, queryOf } from './request.ts'
import type { Routes } from './routes.ts'
import type { UnderWay } from './under-way.ts'

export type AnswerPrediction = (
  model: string,
  body: unknown,
  asked: { readonly headers: IncomingHttpHeaders; readonly arrived: number },
) => Promise<Answer>

/** Gives how a prediction is answered. What is wrong with a question is thrown or rejected with. */
export function questionRoutes(routes: Routes, services: Services, work: UnderWay): AnswerPrediction {
  const answer: AnswerPrediction = (model, given, asked) => {
    const body = objectOf(given)
    const { arrived, timeoutMs, priority, carrier } = urgencyOf(asked)
    const at = instantOf(body['at'], 'at')
    const question = { keys: body['keys'], request: body['request'], at, arrived, timeoutMs, priority, carrier }
    work.begin()
    return services.predict(model, question).then(
      (prediction) => {
        work.end()
        const [header, times] = timesOf(prediction)
        return {
          status: 200,
          headers: ['server-timing', header, ...jsonType],
          body: writePrediction(prediction, times),
        }
      },
      (error: unknown) => {
        work.end()
        throw error
      },
    )
  }
  routes.post(predictRoute, 'predict', async (request, reply) =>
    sendAnswer(reply, await answer((request.params as { model: string }).model, request.body, request)),
  )
  routes.post('/v1/views/:view/read', { right: 'predict', everywhere: true }, async (request) => {
    const { view } = request.params as { view: string }
    const body = objectOf(request.body)
    const { at, newest, ...rest } = await services.readFeatures(view, body['keys'], instantOf(body['at'], 'at'))
    return toJson({ ...rest, at: formatInstant(at), newest: newest === null ? null : formatInstant(newest) })
  })
  routes.post('/v1/events/:source', { right: 'write', everywhere: true }, async (request) => {
    const { source } = request.params as { source: string }
    const events = listOf(objectOf(request.body), 'events')
    work.begin()
    try {
      return await services.push(source, events)
    } finally {
      work.end()
    }
  })
  routes.post('/v1/outcomes', 'write', async (request) => {
    const body = objectOf(request.body)
    const single = body['outcomes'] === undefined
    const given = single ? [body] : listOf(body, 'outcomes')
    for (const one of given) demandPrediction(request.caller, 'write', (one as { readonly id?: unknown } | null)?.id)
    const result = await services.recordOutcomes(given)
    if (single && result.unknown.length > 0)
      throw new SixfoldError(
        'SX_UNKNOWN_PREDICTION',
        `There is no prediction '${shorten(String(body['id']))}' in the log.`,
      )
    if (single && result.conflicts.length > 0)
      throw new SixfoldError(
        'SX_OUTCOME_CONFLICT',
        `The prediction '${String(body['id'])}' has a different outcome already.`,
      )
    return result
  })
  routes.get('/v1/predictions/:id', 'read', async (request) => {
    const { id } = request.params as { id: string }
    demandPrediction(request.caller, 'read', id)
    const { attributions } = queryOf(request, ['attributions'])
    if (attributions === undefined) return toJson(await services.explain(id))
    const wanted = oneOf(attributions, 'attributions', ['true', 'false']) === 'true'
    return toJson(await services.explain(id, { attributions: wanted }))
  })
  return answer
}

const predictRoute = '/v1/models/:model/predict'

/** Of every model, for those who ask as nearly all do. */
export const directPredictions = (
  { platform, limits }: Services,
  answer: AnswerPrediction,
  refuse: DirectRoute['refuse'],
): readonly DirectRoute[] =>
  modelsOf(platform).map(({ name }) => ({
    path: predictRoute.replace(':model', name),
    route: predictRoute,
    needs: { right: 'predict' },
    model: name,
    takesType: (type) => type === 'application/json',
    answer: (body, headers, arrived) => answer(name, parseJson(body, limits.bodyDepth), { headers, arrived }),
    refuse,
  }))

/** The model of a prediction stands in its id. What is no id is refused later, by whoever knows more of it. */
function demandPrediction(caller: Caller, right: Right, id: unknown): void {
  const model = typeof id === 'string' ? parseId(id)?.model : undefined
  if (model !== undefined) demand(caller, right, model)
}

/** How long the stages took, as the header says it and as the body does. */
function timesOf({ milliseconds: ms }: Prediction): readonly [header: string, body: string] {
  const gateway = toMicroseconds(ms.gateway)
  const features = toMicroseconds(ms.features)
  const assembly = toMicroseconds(ms.assembly)
  const queue = toMicroseconds(ms.queue)
  const inference = toMicroseconds(ms.inference)
  const post = toMicroseconds(ms.post)
  const total = toMicroseconds(ms.total)
  return [
    `gateway;dur=${gateway}, features;dur=${features}, assembly;dur=${assembly}, queue;dur=${queue}, inference;dur=${inference}, post;dur=${post}, total;dur=${total}`,
    `{"gateway":${gateway},"features":${features},"assembly":${assembly},"queue":${queue},"inference":${inference},"post":${post},"total":${total}}`,
  ]
}

/** Written by hand: this is the answer that matters for speed, and its form is fixed. */
function writePrediction({ id, model, version, at, outputs, degraded }: Prediction, times: string): string {
  let values = ''
  for (const name in outputs) {
    const value = outputs[name]!
    values += `${values === '' ? '' : ','}"${name}":${typeof value === 'number' ? value : JSON.stringify(value)}`
  }
  const quoted = (text: string | null): string => (text === null ? 'null' : `"${text}"`)
  return `{"prediction":{${values}},"model":"${model}","version":${quoted(version)},"id":${quoted(id)},"at":"${formatInstant(at)}","degraded":${degraded.length === 0 ? '[]' : JSON.stringify(degraded)},"milliseconds":${times}}`
}
