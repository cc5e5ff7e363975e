/** The routes that are asked most: predictions, features, events, outcomes. They read JSON and write it, and decide nothing. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Caller, Right, Services } from '../api/index.ts'
import { modelsOf } from '../definition/graph.ts'
import type { Prediction } from '../inference/index.ts'
import { parseId } from '../inference/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
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

/** Gives how a prediction is answered. */
export function questionRoutes(routes: Routes, services: Services, work: UnderWay): AnswerPrediction {
  const answer: AnswerPrediction = async (model, given, asked) => {
    const body = objectOf(given)
    work.begin()
    try {
      const { arrived, timeoutMs, priority, carrier } = urgencyOf(asked)
      const prediction = await services.predict(model, {
        keys: body['keys'],
        request: body['request'],
        at: instantOf(body['at'], 'at'),
        arrived,
        timeoutMs,
        priority,
        carrier,
      })
      return {
        status: 200,
        headers: ['server-timing', serverTiming(prediction), ...jsonType],
        body: writePrediction(prediction),
      }
    } finally {
      work.end()
    }
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

const round = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000

function serverTiming({ milliseconds: ms }: Prediction): string {
  return `gateway;dur=${round(ms.gateway)}, features;dur=${round(ms.features)}, assembly;dur=${round(ms.assembly)}, queue;dur=${round(ms.queue)}, inference;dur=${round(ms.inference)}, post;dur=${round(ms.post)}, total;dur=${round(ms.total)}`
}

/** Written by hand: this is the answer that matters for speed, and its form is fixed. */
function writePrediction({ id, model, version, at, outputs, degraded, milliseconds: ms }: Prediction): string {
  let values = ''
  for (const name in outputs) {
    const value = outputs[name]!
    values += `${values === '' ? '' : ','}"${name}":${typeof value === 'number' ? value : JSON.stringify(value)}`
  }
  const times = `{"gateway":${round(ms.gateway)},"features":${round(ms.features)},"assembly":${round(ms.assembly)},"queue":${round(ms.queue)},"inference":${round(ms.inference)},"post":${round(ms.post)},"total":${round(ms.total)}}`
  const quoted = (text: string | null): string => (text === null ? 'null' : `"${text}"`)
  return `{"prediction":{${values}},"model":"${model}","version":${quoted(version)},"id":${quoted(id)},"at":"${formatInstant(at)}","degraded":${degraded.length === 0 ? '[]' : JSON.stringify(degraded)},"milliseconds":${times}}`
}
