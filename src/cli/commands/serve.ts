/** serve and dev: the platform behind HTTP, until it is told to end. */
import { SixfoldError } from '../../kernel/errors.ts'
import { parseInstant } from '../../kernel/instant.ts'
import type { Context } from '../command.ts'
import { defineCommand } from '../command.ts'
import { problemOf, textOf, writeJson } from '../report.ts'
import type { ServeOptions, Serving } from '../tools.ts'

const options = [
  { flags: '--port <port>', description: 'by default that of the configuration, or 6006' },
  { flags: '--host <host>', description: 'by default that of the configuration, or 127.0.0.1' },
  {
    flags: '--grpc-port <port>',
    description: "of gRPC, or 'off'; by default that of the configuration, or the one after --port",
  },
  {
    flags: '--clock <clock>',
    description: "'system', or an instant at which a clock stands that is moved with POST /v1/clock, for replays",
  },
  { flags: '--verbose', description: 'log more' },
]

/** Throws SX_USAGE. */
function portOf(flag: string, given: unknown): number {
  const port = Number(given)
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port
  throw new SixfoldError('SX_USAGE', `${flag} '${String(given)}' is no port.`)
}

function serveOptions(given: Readonly<Record<string, unknown>>, apply: boolean): ServeOptions {
  const port = given['port'] === undefined ? null : portOf('--port', given['port'])
  const grpc = given['grpcPort']
  const grpcPort = grpc === 'off' ? null : grpc === undefined ? undefined : portOf('--grpc-port', grpc)
  const clock =
    given['clock'] === undefined || given['clock'] === 'system' ? null : parseInstant(String(given['clock']))
  if (clock === null && given['clock'] !== undefined && given['clock'] !== 'system')
    throw new SixfoldError('SX_USAGE', `--clock '${String(given['clock'])}' is neither 'system' nor an instant.`, {
      fix: 'Write ISO 8601 with a zone: 2013-06-01T00:00:00Z.',
    })
  return {
    port,
    host: given['host'] === undefined ? null : String(given['host']),
    ...(grpcPort === undefined ? {} : { grpcPort }),
    clock,
    apply,
    verbose: given['verbose'] === true,
  }
}

const greet = ({ json, note }: Context, { url, grpc, data, models }: Serving): void => {
  if (json) writeJson({ url, grpc, models })
  note(`Sixfold is at ${url}`)
  for (const { model, version } of models)
    note(
      `  POST ${url}/v1/models/${model}/predict  ${version === null ? 'no version: the fallback answers' : `version ${version}`}`,
    )
  if (grpc !== null) note(`  gRPC at ${grpc}`)
  note(`  data in ${data}`)
}

interface Ended {
  /** Null where nothing answered when it ended. */
  readonly url: string | null
  readonly endedBy: string
}

export const serve = defineCommand<Ended>({
  name: 'serve',
  summary: 'Serve the platform over HTTP.',
  options,
  examples: ['sixfold serve --port 8080'],
  run: async (context, _, given) => {
    const { ended } = context
    const serving = await context.tools.serve(context.project, serveOptions(given, false))
    greet(context, serving)
    const endedBy = await ended
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
    const { tools, project, json, note } = context
    const { ended } = context
    const wanted = serveOptions(given, true)
    let serving: Serving | null = null
    let over = false
    const start = async (): Promise<void> => {
      if (over) return
      try {
        // What was sound goes on answering until the definitions are sound again.
        await tools.load(project)
        await serving?.close()
        serving = null
        serving = await tools.serve(project, wanted)
        greet(context, serving)
      } catch (error) {
        // A definition half written is no reason to end: the next change may mend it.
        if (json) writeJson(problemOf(error))
        note(textOf(error))
        note(serving === null ? 'Waiting for a change.' : 'The definitions before go on answering.')
      }
    }
    let turn: Promise<void> = Promise.resolve()
    const stop = await tools.watch(project, (file) => {
      note(`${file} changed.`)
      turn = turn.then(start)
    })
    turn = turn.then(start)
    const endedBy = await ended
    over = true
    stop()
    await turn
    const last = serving as Serving | null
    if (last !== null) note('Answering what is under way …')
    await last?.close()
    return { url: last?.url ?? null, endedBy }
  },
  render: () => '',
})
