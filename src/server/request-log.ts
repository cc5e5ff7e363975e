/**
 * Lines in the log of what was asked: each at the level debug; at warn what was answered by something else or not at all, once in a while
 * for each reason, with how many were alike since, since thousands a second tell no more than one.
 */
import type { Logger } from 'pino'
import type { Prediction, TensorAnswer } from '../inference/index.ts'
import { isSixfoldError, toProblem } from '../kernel/errors.ts'

/** Null: the caller gave none, and nothing records. */
export type TraceId = () => string | null

export interface RequestLog {
  predicted(prediction: Prediction, trace: TraceId): void
  inferred(model: string, answer: TensorAnswer, trace: TraceId): void
  failed(asked: 'predict' | 'infer', model: string, error: unknown, trace: TraceId): void
}

const apartMs = 10_000

export function requestLog(logger: Logger): RequestLog {
  const said = new Map<string, { at: number; alike: number }>()

  /** How many like it were not said since the last one that was; null: nor is this one. */
  const turn = (key: string): number | null => {
    const now = performance.now()
    const last = said.get(key)
    if (last !== undefined && now - last.at < apartMs) {
      last.alike++
      return null
    }
    said.set(key, { at: now, alike: 0 })
    return last?.alike ?? 0
  }
  const every = (): boolean => logger.isLevelEnabled('debug')
  const troubles = (): boolean => logger.isLevelEnabled('warn')

  return {
    predicted: ({ id, model, version, degraded, milliseconds }, trace) => {
      if (degraded.length > 0 && troubles())
        for (const { stage, by, reason } of degraded) {
          const alike = turn(`${model} ${stage} ${by} ${reason}`)
          if (alike === null) continue
          const about = { prediction: id, traceId: trace(), model, version, stage, by, reason, milliseconds, alike }
          logger.warn(about, 'A prediction was degraded.')
        }
      if (every())
        logger.debug({ prediction: id, traceId: trace(), model, version, degraded, milliseconds }, 'A prediction.')
    },
    inferred: (model, { version, queued, computed }, trace) => {
      if (!every()) return
      logger.debug(
        { traceId: trace(), model, version, milliseconds: { queue: queued, inference: computed } },
        'Tensors.',
      )
    },
    failed: (asked, model, error, trace) => {
      // Of what is nobody's known error, whoever answers says more.
      if (!isSixfoldError(error) || !troubles()) return
      const { status, code, detail } = toProblem(error)
      // An unknown name of a model is the caller's own text.
      if (status < 500) {
        if (every()) logger.debug({ traceId: trace(), asked, code }, 'A request was refused.')
        return
      }
      const alike = turn(`${asked} ${model} ${code}`)
      if (alike !== null)
        logger.warn({ traceId: trace(), asked, model, code, detail, alike }, 'A request was not answered.')
    },
  }
}
