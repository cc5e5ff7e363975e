/** serve and dev: the platform behind HTTP, until it is told to end. */
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { parseInstant } from '../../kernel/instant.ts'
import type { Context } from '../command.ts'
import { defineCommand } from '../command.ts'
import type { ServeOptions, Serving } from '../tools.ts'

const options = [
  { flags: '--port <port>', description: 'by default that of the configuration, or 6006' },
  { flags: '--host <host>', description: 'by default that of the configuration, or 127.0.0.1' },
  {
    flags: '--clock <clock>',
    description: "'system', or an instant at which a clock stands that is moved with POST /v1/clock, for replays",
  },
  { flags: '--verbose', description: 'log more' },
]

function serveOptions(given: Readonly<Record<string, unknown>>, apply: boolean): ServeOptions {
  const port = given['port'] === undefined ? null : Number(given['port'])
  if (port !== null && !(Number.isInteger(port) && port >= 0 && port <= 65535))
    throw new SixfoldError('SX_USAGE', `--port '${String(given['port'])}' is no port.`)
  const clock =
    given['clock'] === undefined || given['clock'] === 'system' ? null : parseInstant(String(given['clock']))
  if (clock === null && given['clock'] !== undefined && given['clock'] !== 'system')
    throw new SixfoldError('SX_USAGE', `--clock '${String(given['clock'])}' is neither 'system' nor an instant.`, {
      fix: 'Write ISO 8601 with a zone: 2013-06-01T00:00:00Z.',
    })
  return {
    port,
    host: given['host'] === undefined ? null : String(given['host']),
    clock,
    apply,
    verbose: given['verbose'] === true,
  }
}

const greet = ({ note }: Context, { url, data, models }: Serving): void => {
  note(`Sixfold is at ${url}`)
  for (const { model, version } of models)
    note(
      `  POST ${url}/v1/models/${model}/predict  ${version === null ? 'no version: the fallback answers' : `version ${version}`}`,
    )
  note(`  data in ${data}`)
}

interface Ended {
  readonly url: string
  readonly endedBy: string
}

export const serve = defineCommand<Ended>({
  name: 'serve',
  summary: 'Serve the platform over HTTP.',
  options,
  examples: ['sixfold serve --port 8080'],
  run: async (context, _, given) => {
    const serving = await context.tools.serve(context.project, serveOptions(given, false))
    if (context.json) process.stdout.write(`${JSON.stringify({ url: serving.url, models: serving.models })}\n`)
    else greet(context, serving)
    const endedBy = await context.ended
    context.note('Answering what is under way …')
    await serving.close()
    return { url: serving.url, endedBy }
  },
  render: () => '',
})

export const dev = defineCommand<Ended>({
  name: 'dev',
  summary: 'Serve the platform, and start over whenever its definitions change.',
  options,
  run: async (context, _, given) => {
    let serving: Serving | null = null
    let ended = false
    let turn: Promise<void> = Promise.resolve()
    const start = async (): Promise<void> => {
      if (serving !== null) await serving.close()
      serving = null
      if (ended) return
      try {
        serving = await context.tools.serve(context.project, serveOptions(given, true))
        greet(context, serving)
      } catch (error) {
        // A definition half written is no reason to end: the next change may mend it.
        if (!isSixfoldError(error)) throw error
        context.note(`${error.code}: ${error.message}\n  → ${error.fix}`)
      }
    }
    await start()
    const stop = await context.tools.watch(context.project, (file) => {
      context.note(`${file} changed.`)
      turn = turn.then(start)
    })
    const endedBy = await context.ended
    ended = true
    stop()
    await turn
    const last = serving as Serving | null
    await last?.close()
    return { url: last?.url ?? '', endedBy }
  },
  render: () => '',
})
