/**
 * A model on another server, as a session like any other. A call ends by its deadline, whatever the server does; it is not made while the
 * server is known to fail; and where it takes longer than most did, a second one is sent, of which the first answer counts.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import type { LoadedModel, Tensors } from '../../ports/model-runtime.ts'
import { breaker } from './breaker.ts'
import { checkAnswer } from './check.ts'
import type { Answer } from './connection.ts'
import { connection } from './connection.ts'
import { capital, invalid, nameOf, networkWord, noOutput, refusalOf, unavailable } from './errors.ts'
import { hedging } from './hedging.ts'
import { Unexpected } from './json.ts'
import { protocolsByName } from './protocols.ts'
import type { RemoteFile } from './remote-file.ts'
import { inParts, noRows, rowsOf } from './rows.ts'

/** Calls at once. More wait for a connection. */
const concurrency = 16
/** Second requests need connections too. */
const connections = 20
/** Where nobody said how long it may take. */
const longestMs = 60_000

export function remoteSession(file: RemoteFile): LoadedModel {
  const protocol = protocolsByName[file.protocol]
  const net = connection(new URL(file.url).origin, connections)
  const state = breaker(() => performance.now())
  const hedges = hedging()
  const counts = { calls: 0, failures: 0, refused: 0, hedges: 0, hedgesWon: 0 }
  let ended = false
  let closing: Promise<void> | null = null
  /** Ends what is under way. */
  const underWay = new Set<(error: SixfoldError) => void>()

  const lost = (): SixfoldError => new SixfoldError('SX_RUNTIME_LOST', `The session with ${nameOf(file)} was ended.`)

  const call = (inputs: Tensors, outputs: readonly string[], deadline: number): Promise<Tensors> => {
    if (ended) return Promise.reject(lost())
    const began = performance.now()
    const timeoutMs = deadline - began
    if (!(timeoutMs > 0)) return Promise.reject(late(timeoutMs))
    if (!state.enter()) {
      counts.refused++
      const again = Math.ceil(state.waitMs)
      return Promise.reject(unavailable(file, `failed again and again, and is not asked for the next ${again} ms`))
    }
    counts.calls++
    hedges.called()
    const request = protocol.write(file, inputs, outputs, timeoutMs)
    return new Promise((resolve, reject) => {
      const sent: (() => void)[] = []
      let pending = 0
      let over = false
      let hedge: NodeJS.Timeout | undefined
      const end = (): void => {
        over = true
        clearTimeout(timer)
        clearTimeout(hedge)
        underWay.delete(abandoned)
        for (const giveUp of sent) giveUp()
      }
      const abandoned = (error: SixfoldError): void => {
        end()
        state.left()
        reject(error)
      }
      /** It answered, if only that these rows are wrong. */
      const settle = (settled: () => void): void => {
        end()
        state.succeeded()
        settled()
      }
      const fail = (error: Error): void => {
        // The other may still answer.
        if (pending > 0) return
        end()
        counts.failures++
        state.failed()
        reject(error)
      }
      const answered = (answer: Answer, second: boolean): void => {
        pending--
        if (over) return
        if (answer.status !== 200) {
          const error = refusalOf(file, answer)
          if (error.code === 'SX_MODEL_FAILED') settle(() => reject(error))
          else fail(error)
          return
        }
        let tensors: Tensors
        try {
          tensors = protocol.read(file, answer, outputs)
          checkAnswer(file, inputs, outputs, tensors)
        } catch (error) {
          fail(error instanceof Unexpected ? invalid(file, error.message) : (error as Error))
          return
        }
        hedges.answered(performance.now() - began)
        if (second) counts.hedgesWon++
        settle(() => resolve(tensors))
      }
      const send = (second: boolean): void => {
        pending++
        const giveUp = net.send(
          request,
          (answer) => answered(answer, second),
          (error) => {
            pending--
            if (!over) fail(unavailable(file, `does not answer (${networkWord(error)})`, error))
          },
        )
        if (over) giveUp()
        else sent.push(giveUp)
      }
      const timer = setTimeout(() => {
        const { p95Ms } = hedges
        end()
        counts.failures++
        // A caller who has no time says nothing of the server.
        if (p95Ms === null || timeoutMs >= p95Ms) state.failed()
        else state.left()
        reject(late(timeoutMs))
      }, timeoutMs)
      underWay.add(abandoned)
      send(false)
      const after = protocol.pure ? hedges.afterMs : null
      if (after !== null && after < timeoutMs && state.state === 'closed')
        hedge = setTimeout(() => {
          if (!hedges.take()) return
          counts.hedges++
          send(true)
        }, after)
    })
  }
  const late = (timeoutMs: number): SixfoldError =>
    new SixfoldError(
      'SX_DEADLINE_EXCEEDED',
      `${capital(nameOf(file))} did not answer within ${Math.max(0, Math.round(timeoutMs))} ms.`,
    )

  return {
    place: 'remote',
    concurrency,
    inputs: file.inputs,
    outputs: file.outputs,
    run: (inputs, outputs, timeoutMs = longestMs) => {
      const unknown = outputs.find((name) => !file.outputs.some((one) => one.name === name))
      if (unknown !== undefined) return Promise.reject(noOutput(file, unknown))
      // Servers differ over calls without a row, of which there is nothing to compute.
      if (rowsOf(inputs) === 0 && !ended) return Promise.resolve(noRows(file, outputs))
      const deadline = performance.now() + timeoutMs
      return rowsOf(inputs) <= file.rows
        ? call(inputs, outputs, deadline)
        : inParts(inputs, file.rows, (part) => call(part, outputs, deadline))
    },
    close: async () => {
      ended = true
      closing ??= net.close()
      await closing
    },
    abandon: () => {
      ended = true
      closing ??= Promise.resolve()
      for (const end of [...underWay]) end(lost())
      net.destroy()
    },
    remote: () => ({ url: file.url, breaker: state.state, ...counts, p95Ms: hedges.p95Ms }),
  }
}
