/**
 * A server of Open Inference v2 whose model is y = x0 + 2 x1 + 0.5, which does wrong what the test says. It counts what it was sent.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Answering = (
  question: Question,
  answer: (values: readonly number[]) => void,
  response: ServerResponse,
) => void

export interface Question {
  /** Of all, from 1 on. */
  readonly number: number
  readonly rows: number
  readonly head: IncomingMessage['headers']
  readonly json: Readonly<Record<string, unknown>>
  readonly right: readonly number[]
}

export interface LinearServer {
  readonly url: string
  readonly port: number
  /** What becomes of questions from now on; by default they are answered. */
  answering: Answering
  /** Questions so far, and those whose caller left before the answer. */
  readonly asked: number
  readonly left: number
  /** Connections now, and ever. */
  readonly connections: number
  readonly connected: number
  close(): Promise<void>
}

export const rightly: Answering = ({ right }, answer) => answer(right)

const extensions = ['binary_tensor_data', 'model_configuration']

export async function linearServer({
  binary = true,
  metadata = {},
  token = null,
}: {
  readonly binary?: boolean
  readonly metadata?: object
  /** Without it nothing is answered. */
  readonly token?: string | null
} = {}): Promise<LinearServer> {
  const sockets = new Set<Socket>()
  let [asked, left, connected] = [0, 0, 0]
  const reply = (response: ServerResponse, value: object, status = 200): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
  const infer = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const length = request.headers['inference-header-content-length']
    const json = JSON.parse(
      (length === undefined ? body : body.subarray(0, Number(length))).toString('utf8'),
    ) as Question['json']
    const [x] = json['inputs'] as readonly { readonly shape: readonly number[]; readonly data?: readonly number[] }[]
    const values =
      length === undefined ? x!.data! : new Float32Array(Uint8Array.from(body.subarray(Number(length))).buffer)
    const rows = x!.shape[0]!
    const right = Array.from({ length: rows }, (_, i) => values[i * 2]! + 2 * values[i * 2 + 1]! + 0.5)
    response.once('close', () => {
      if (!response.writableFinished) left++
    })
    made.answering(
      { number: ++asked, rows, head: request.headers, json, right },
      (given) => {
        const about = { name: 'y', datatype: 'FP32', shape: [given.length, 1] }
        if (!binary) return reply(response, { model_name: 'linear', outputs: [{ ...about, data: given }] })
        const bytes = Buffer.from(Float32Array.from(given).buffer)
        const outputs = [{ ...about, parameters: { binary_data_size: bytes.length } }]
        const head = Buffer.from(JSON.stringify({ model_name: 'linear', outputs }))
        const headers = {
          'content-type': 'application/octet-stream',
          'inference-header-content-length': String(head.length),
        }
        response.writeHead(200, headers).end(Buffer.concat([head, bytes]))
      },
      response,
    )
  }
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (token !== null && request.headers.authorization !== `Bearer ${token}`)
        return reply(response, { error: 'who are you?' }, 401)
      if (request.method === 'POST') return infer(request, response, Buffer.concat(chunks))
      if (request.url === '/v2')
        return reply(response, { name: 'linear', version: '1', extensions: binary ? extensions : [] })
      if (request.url === '/v2/models/linear/config') return reply(response, { max_batch_size: 8 })
      if (request.url === '/v2/health/ready') return response.writeHead(200).end()
      if (request.url !== '/v2/models/linear') return reply(response, { error: 'unknown' }, 404)
      const described = {
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
      }
      return reply(response, { name: 'linear', ...described, ...metadata })
    })
  })
  server.on('connection', (socket: Socket) => {
    connected++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const made: LinearServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    answering: rightly,
    get asked() {
      return asked
    },
    get left() {
      return left
    },
    get connections() {
      return sockets.size
    },
    get connected() {
      return connected
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return made
}
