/**
 * A model on another server, as a session like any other. A call ends by its deadline, whatever the server does; it is not made while the
 * server is known to fail; and where it takes longer than most did, a second one is sent, of which the first answer counts.
 */
import type { LoadedModel, Tensors } from '../../ports/model-runtime.ts'
import { breaker } from './breaker.ts'
import { checkAnswer, mostBytesOf } from './check.ts'
import type { Answer } from './connection.ts'
import { connection } from './connection.ts'
import { invalid, late, lost, networkWord, noOutput, refusalOf, unavailable } from './errors.ts'
import type { Outcome } from './exchange.ts'
import { exchange } from './exchange.ts'
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

export function remoteSession(file: RemoteFile, token: string | null = null): LoadedModel {
  const protocol = protocolsByName[file.protocol]
  const net = connection(new URL(file.url).origin, connections, token)
  const state = breaker(() => performance.now())
  const hedges = hedging()
  const counts = { calls: 0, failures: 0, refused: 0, hedges: 0, hedgesWon: 0 }
  /** What ends a call that is under way. */
  const underWay = new Set<(error: Error) => void>()
  let ended = false
  let closing: Promise<void> | null = null

  const read = (answer: Answer, inputs: Tensors, outputs: readonly string[]): Tensors => {
    if (answer.status !== 200) throw refusalOf(file, answer)
    try {
      const tensors = protocol.read(file, answer, outputs)
      checkAnswer(file, inputs, outputs, tensors)
      return tensors
    } catch (error) {
      // Whatever a server can write that this cannot read, the server wrote it.
      const why = error instanceof Unexpected ? error.message : `it cannot be read (${(error as Error).message})`
      throw invalid(file, why)
    }
  }

  /** What a call says of the server, to the breaker and to the figures. */
  const learn = (outcome: Outcome, began: number, timeoutMs: number): void => {
    if (outcome.kind === 'answered') {
      hedges.answered(performance.now() - began)
      if (outcome.second) counts.hedgesWon++
    }
    if (outcome.kind === 'answered' || outcome.kind === 'refused') {
      state.succeeded()
      return
    }
    counts.failures++
    // A caller who has no time says nothing of the server.
    const hasty = outcome.kind === 'late' && hedges.p95Ms !== null && timeoutMs < hedges.p95Ms
    if (hasty) state.left()
    else state.failed()
  }

  const call = (inputs: Tensors, outputs: readonly string[], deadline: number): Promise<Tensors> => {
    if (ended) return Promise.reject(lost(file))
    const began = performance.now()
    const timeoutMs = deadline - began
    if (!(timeoutMs > 0)) return Promise.reject(late(file, 0))
    if (!state.enter()) {
      counts.refused++
      const again = Math.ceil(state.waitMs)
      return Promise.reject(unavailable(file, `failed again and again, and is not asked for the next ${again} ms`))
    }
    counts.calls++
    hedges.called()
    const request = protocol.write(file, inputs, outputs, timeoutMs)
    const most = mostBytesOf(file, rowsOf(inputs))
    return new Promise((resolve, reject) => {
      let giveUp = (): void => {}
      const abandoned = (error: Error): void => {
        giveUp()
        reject(error)
      }
      underWay.add(abandoned)
      giveUp = exchange(
        {
          send: (answered, failed) => net.send(request, most, answered, failed),
          read: (answer) => read(answer, inputs, outputs),
          unreachable: (error) => unavailable(file, `does not answer (${networkWord(error)})`, error),
          timeoutMs,
          secondMs: protocol.pure && state.state === 'closed' ? hedges.afterMs : null,
          second: () => {
            const may = hedges.take()
            if (may) counts.hedges++
            return may
          },
        },
        (outcome) => {
          underWay.delete(abandoned)
          learn(outcome, began, timeoutMs)
          if (outcome.kind === 'answered') resolve(outcome.tensors)
          else reject(outcome.kind === 'late' ? late(file, timeoutMs) : outcome.error)
        },
      )
    })
  }

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
      for (const end of underWay) end(lost(file))
      underWay.clear()
      net.destroy()
    },
    remote: () => ({ url: file.url, breaker: state.state, ...counts, p95Ms: hedges.p95Ms }),
  }
}
