/**
 * A process of its own in which model files are looked at and called: what a bad file can do, it does to this one. Answers the messages
 * of `process.ts`, one after another.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { bounds } from '../../kernel/limits.ts'
import type { LoadedModel, Tensor } from '../../ports/model-runtime.ts'
import type { FileFacts } from './file.ts'
import { readFacts, readModel } from './file.ts'
import type { Answer, Question } from './messages.ts'
import { loadHere, loadSession, onnxruntime } from './session.ts'
import { agrees } from './structure/check.ts'
import { structureOf } from './structure/structure.ts'

/** An answer goes to another process whole. */
const mostOutputBytes = 256 * 1024 * 1024
const longestName = 1_000

let loaded: LoadedModel | null = null
let emptyBytes = 0

async function answer(question: Question): Promise<unknown> {
  switch (question.do) {
    case 'load': {
      await unload()
      const facts = readFacts(question.path)
      resetPeak()
      emptyBytes = process.memoryUsage.rss()
      loaded = await loadHere(question.path, question.providers)
      checkNames(loaded)
      return inspectionOf(loaded, facts)
    }
    case 'run':
      return sendable(await present().run(question.inputs, question.outputs))
    case 'measure': {
      const milliseconds: number[] = []
      let peak = process.memoryUsage.rss()
      for (let call = 0; call < question.calls; call++) {
        const began = performance.now()
        await present().run(question.inputs, question.outputs)
        milliseconds.push(performance.now() - began)
        peak = Math.max(peak, process.memoryUsage.rss())
      }
      return { milliseconds, memoryBytes: Math.max(0, Math.max(peak, peakBytes()) - emptyBytes) }
    }
    case 'structure': {
      await unload()
      const structure = structureOf(readModel(question.path))
      if (structure === null) return null
      loaded = await loadSession(question.path)
      const answered = (await agrees(structure, loaded)) ? structure : null
      await unload()
      return answered
    }
    case 'unload':
      await unload()
      return null
  }
}

function present(): LoadedModel {
  if (loaded === null) throw new SixfoldError('SX_ARTIFACT_INVALID', 'no model is loaded')
  return loaded
}

async function unload(): Promise<void> {
  const before = loaded
  loaded = null
  await before?.close()
}

const inspectionOf = ({ inputs, outputs }: LoadedModel, facts: FileFacts): object => ({ inputs, outputs, ...facts })

/** They end in the registry, in messages and on pages. */
function checkNames({ inputs, outputs }: LoadedModel): void {
  const all = [...inputs, ...outputs]
  if (all.length > bounds.entriesPerVector)
    throw new SixfoldError('SX_ARTIFACT_INVALID', `it has ${all.length} inputs and outputs`)
  if (all.some(({ name, shape }) => name.length > longestName || shape.length > 100))
    throw new SixfoldError('SX_ARTIFACT_INVALID', 'an input or output has a name or a shape longer than any')
}

function sendable(outputs: { readonly [name: string]: Tensor }): { readonly [name: string]: Tensor } {
  let bytes = 0
  const all = Object.entries(outputs).map(([name, { type, data, shape }]) => {
    bytes += 'byteLength' in data ? data.byteLength : (data as readonly string[]).reduce((n, s) => n + 2 * s.length, 0)
    return [name, { type, shape: [...shape], data }] as const
  })
  if (bytes > mostOutputBytes)
    throw new SixfoldError('SX_ARTIFACT_INVALID', `it answers one call with ${bytes.toLocaleString('en')} bytes`)
  return Object.fromEntries(all)
}

/** The high-water mark of memory, where the system keeps one that can be set back; elsewhere samples do. */
const linux = process.platform === 'linux'
function resetPeak(): void {
  try {
    if (linux) writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // The mark of the process's whole life is then its mark: more than was needed, never less.
  }
}
function peakBytes(): number {
  if (!linux) return 0
  const [, kilobytes = '0'] = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** The runtime's own words, without the path, which whoever asked knows, and the place in its sources. */
const plain = (message: string): string =>
  message
    .split('\n')[0]!
    .replace(/^Load model from .* failed:\s*/, '')
    .replace(/^\S+\.(cc|h):\d+ .*\) /, '')
    .replace(/[.\s]+$/, '')
    .slice(0, 1_000)

function problemOf(error: unknown): NonNullable<Answer['error']> {
  // Of what the runtime says of a file its own words are wanted; all else says what is meant by itself.
  const ofFile = isSixfoldError(error) && error.code === 'SX_ARTIFACT_INVALID'
  const told = ofFile && error.cause instanceof Error ? error.cause : error
  return {
    message: plain(told instanceof Error ? told.message : String(told)),
    code: isSixfoldError(error) ? error.code : 'SX_ARTIFACT_INVALID',
    fix: isSixfoldError(error) ? error.fix : null,
  }
}

/** While the runtime computes, this thread hears nothing: another one sees to it that this process does not outlive its parent. */
function endWithParent(): void {
  process.on('disconnect', () => process.exit(0))
  const watch = `const parent = process.ppid
    setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 500)`
  new Worker(watch, { eval: true }).unref()
}

/** Where memory runs out, it is this process that the system ends. */
function goFirst(): void {
  try {
    if (linux) writeFileSync('/proc/self/oom_score_adj', '1000')
  } catch {
    // Not every container lets one say so.
  }
}

endWithParent()
goFirst()
let last: Promise<void> = Promise.resolve()
process.on('message', (question: Question) => {
  last = last.then(async () => {
    const reply: Answer = await answer(question).then(
      (ok) => ({ id: question.id, ok }),
      (error: unknown) => ({ id: question.id, error: problemOf(error) }),
    )
    process.send?.(reply)
  })
})
await onnxruntime().catch(() => null)
process.send?.({ id: 0, ok: null } satisfies Answer)
