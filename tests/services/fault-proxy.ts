/**
 * A network that fails, between a client and a service: slow, broken off, or silent. What it holds for a slow or stopped reader is
 * bounded, as TCP's buffers are.
 */
import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { freePort } from './port.ts'

export interface FaultProxy {
  readonly port: number
  /** Bytes of each direction arrive this much later, in their order: a round trip takes twice as long. */
  latency(ms: number): void
  /** Breaks all connections off (RST), and refuses new ones until `heal`. */
  reset(): void
  /**
   * Keeps connections and answers none, old or new; neither side learns that the other has left. What is sent meanwhile is lost, so
   * that a connection on which anything was sent stays silent after `heal` as well: whoever has it must give it up by itself.
   */
  halfOpen(): void
  /** No fault from here on. */
  heal(): void
  /** Clients that are connected and have not left. */
  readonly connections: number
  close(): Promise<void>
}

interface Connection {
  readonly client: Socket
  readonly target: Socket | null
  /** Something that was sent on it did not arrive. */
  lost: boolean
}

interface Fault {
  silent: boolean
  latencyMs: number
}

const heldBytes = 1024 * 1024

export async function faultProxy(targetPort: number): Promise<FaultProxy> {
  const port = await freePort()
  const fault: Fault = { silent: false, latencyMs: 0 }
  const connections = new Set<Connection>()

  const accept = (client: Socket): void => {
    const target = fault.silent
      ? null
      : connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const connection: Connection = { client, target, lost: fault.silent }
    connections.add(connection)
    carry(client, target, connection, fault)
    if (target !== null) carry(target, client, connection, fault)
    const leave = (): void => {
      if (client.destroyed && (target?.destroyed ?? true)) connections.delete(connection)
    }
    client.once('close', leave)
    target?.once('close', leave)
  }
  const listen = (): Server => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
    return server.listen(port, '127.0.0.1')
  }
  const breakOff = (): void => {
    server?.close()
    server = null
    for (const { client, target } of connections) {
      client.resetAndDestroy()
      target?.destroy()
    }
  }
  const heal = (): void => {
    fault.silent = false
    fault.latencyMs = 0
    server ??= listen()
    for (const connection of connections) if (connection.lost) endLost(connection)
  }

  let server: Server | null = listen()
  await once(server, 'listening')
  return {
    port,
    heal,
    latency: (ms) => {
      fault.latencyMs = ms
    },
    reset: () => {
      fault.silent = false
      breakOff()
    },
    halfOpen: () => {
      fault.silent = true
    },
    get connections() {
      return [...connections].filter(({ client }) => !hasLeft(client)).length
    },
    close: async () => {
      const closed = server === null ? null : once(server, 'close')
      breakOff()
      await closed
    },
  }
}

/** One direction. It reads no further than `heldBytes` ahead of what the other side has taken. */
function carry(from: Socket, to: Socket | null, connection: Connection, fault: Fault): void {
  const waiting: { readonly due: number; readonly bytes: Buffer | null }[] = []
  let held = 0
  let timer: NodeJS.Timeout | null = null
  let full = false

  const deliver = (): void => {
    timer = null
    while (waiting.length > 0 && !full) {
      const { due, bytes } = waiting[0]!
      const early = due - performance.now()
      if (early > 0) {
        timer = setTimeout(deliver, early)
        return
      }
      waiting.shift()
      held -= bytes?.length ?? 0
      if (fault.silent || connection.lost || to === null) connection.lost = true
      else if (bytes === null) to.end()
      else full = !to.write(bytes)
    }
    if (held < heldBytes) from.resume()
  }
  const add = (bytes: Buffer | null): void => {
    waiting.push({ due: performance.now() + fault.latencyMs, bytes })
    held += bytes?.length ?? 0
    if (held >= heldBytes) from.pause()
    if (timer === null) deliver()
  }
  const broken = (): void => {
    if (timer !== null) clearTimeout(timer)
    if (fault.silent) connection.lost = true
    if (!connection.lost) to?.resetAndDestroy()
    else if (!fault.silent) endLost(connection)
  }

  from.on('data', add)
  from.on('end', () => {
    if (connection.lost && !fault.silent) endLost(connection)
    else add(null)
  })
  from.on('error', broken)
  from.on('close', () => {
    // What it sent before it ended in order may still be on its way.
    if (!from.readableEnded) broken()
  })
  to?.on('drain', () => {
    full = false
    if (timer === null) deliver()
  })
}

/** Lets go of what one side of a lost connection has left. The service learns of it only now. */
function endLost({ client, target }: Connection): void {
  if (!hasLeft(client)) return
  client.destroy()
  target?.destroy()
}

const hasLeft = (socket: Socket): boolean => socket.readableEnded || socket.destroyed
