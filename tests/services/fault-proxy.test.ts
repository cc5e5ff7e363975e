import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FaultProxy } from './index.ts'
import { faultProxy } from './index.ts'

let server: Server
let served: Socket[]
let proxy: FaultProxy
let clients: Socket[]

/** A service that says what it is told. */
beforeEach(async () => {
  served = []
  clients = []
  server = createServer((socket) => {
    served.push(socket)
    socket.on('error', () => {})
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await faultProxy((server.address() as { readonly port: number }).port)
})

afterEach(async () => {
  for (const socket of [...clients, ...served]) socket.destroy()
  await proxy.close()
  server.close()
})

async function client(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1')
  clients.push(socket)
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

async function echo(socket: Socket, text: string): Promise<string> {
  let heard = ''
  const whole = new Promise<string>((resolve, reject) => {
    socket.on('data', function hear(bytes) {
      heard += bytes
      if (heard.length < text.length) return
      socket.off('data', hear)
      resolve(heard)
    })
    socket.once('close', () => reject(new Error('closed')))
  })
  socket.write(text)
  return whole
}

const silence = (socket: Socket, text: string): Promise<string> =>
  Promise.race([echo(socket, text).catch((error: Error) => error.message), sleep(150, 'silence')])

const ending = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    socket.once('end', () => resolve('end'))
  })

test('without a fault everything arrives, and the end as well', async () => {
  const socket = await client()
  expect(await echo(socket, 'a'.repeat(3_000_000))).toBe('a'.repeat(3_000_000))
  expect(proxy.connections).toBe(1)
  const ended = ending(socket)
  socket.end()
  expect(await ended).toBe('end')
  await expect.poll(() => proxy.connections).toBe(0)
})

test('what was sent before the end arrives before the end, at a slow reader as well', async () => {
  const socket = await client()
  const told = ending(socket)
  let heard = 0
  socket.on('data', async (bytes) => {
    heard += bytes.length
    socket.pause()
    await sleep(1)
    socket.resume()
  })
  socket.end(Buffer.alloc(16_000_000))
  expect(await told).toBe('end')
  expect(heard).toBe(16_000_000)
})

test('latency delays each direction, keeps the order, and ends with heal', async () => {
  const socket = await client()
  await echo(socket, 'at once')
  proxy.latency(150)
  const began = performance.now()
  const text = Array.from({ length: 400_000 }, (_, i) => `${i},`).join('')
  expect((await echo(socket, text)) === text).toBe(true)
  const took = performance.now() - began
  expect(took).toBeGreaterThanOrEqual(299)
  // A delay, not a pause after each of some fifty chunks.
  expect(took).toBeLessThan(5_000)
  proxy.heal()
  const healed = performance.now()
  await echo(socket, 'at once')
  expect(performance.now() - healed).toBeLessThan(299)
})

test('latency holds back the end as well as what comes before it', async () => {
  const socket = await client()
  proxy.latency(60)
  const told = ending(socket)
  let heard = ''
  socket.on('data', (bytes) => {
    heard += bytes
  })
  socket.end('all of it')
  expect(await told).toBe('end')
  expect(heard).toBe('all of it')
})

test('reset breaks connections off, refuses new ones until heal, and the service learns of it', async () => {
  const socket = await client()
  await echo(socket, 'before')
  const [broken, told] = [ending(socket), once(served[0]!, 'close')]
  proxy.reset()
  expect(await broken).toBe('ECONNRESET')
  await told
  await expect(client()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  proxy.heal()
  expect(await echo(await client(), 'after')).toBe('after')
})

test('half open: old and new connections stay, and say nothing; after heal only untouched ones go on', async () => {
  const [used, untouched] = [await client(), await client()]
  await echo(used, 'before')
  await echo(untouched, 'before')
  proxy.halfOpen()
  expect(await silence(used, 'during')).toBe('silence')
  const late = await client()
  expect(await silence(late, 'during')).toBe('silence')
  expect(proxy.connections).toBe(3)
  expect(served).toHaveLength(2)

  proxy.heal()
  expect(await silence(used, 'after')).toBe('silence')
  expect(await silence(late, 'after')).toBe('silence')
  expect(await echo(untouched, 'after')).toBe('after')
  expect(await echo(await client(), 'after')).toBe('after')
})

test('half open: neither side learns that the other has left, until heal', async () => {
  const [left, leaving] = [await client(), await client()]
  await echo(left, 'before')
  await echo(leaving, 'before')
  proxy.halfOpen()
  const closed = [false, false]
  served[1]!.once('close', () => {
    closed[0] = true
  })
  left.once('close', () => {
    closed[1] = true
  })
  served[0]!.resetAndDestroy()
  leaving.destroy()
  await sleep(100)
  expect(closed).toEqual([false, false])
  expect(proxy.connections).toBe(1)
  proxy.heal()
  await expect.poll(() => closed[0]).toBe(true)
  expect(await silence(left, 'after')).toBe('silence')
})

test('a reader that stops holds the writer up, rather than fill memory', async () => {
  const socket = await client()
  await echo(socket, 'before')
  served[0]!.unpipe()
  served[0]!.pause()
  const bytes = Buffer.alloc(1024 * 1024)
  let written = 0
  while (written < 64 && socket.write(bytes)) written++
  for (let calm = 0; calm < 5 && written < 64; written++) {
    socket.write(bytes)
    await sleep(20)
    calm = socket.writableLength > 8 * bytes.length ? calm + 1 : 0
  }
  // Eight megabytes wait with the writer: the systems' buffers and the proxy took no more.
  expect(written).toBeLessThan(64)
})

test('where the service is away, a connection is broken off', async () => {
  server.close()
  const socket = await client()
  expect(await ending(socket)).toBe('ECONNRESET')
})

test('close ends whatever the fault is', async () => {
  const socket = await client()
  await echo(socket, 'before')
  proxy.halfOpen()
  const [late, broken] = [await client(), ending(socket)]
  const lateBroken = ending(late)
  await proxy.close()
  expect(await Promise.all([broken, lateBroken])).toEqual(['ECONNRESET', 'ECONNRESET'])
})
