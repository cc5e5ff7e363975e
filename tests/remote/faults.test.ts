/** A server that is slow, lies, breaks off or says nothing: every call ends by its deadline, and the server is left alone until it is back. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LoadedModel } from '../../src/ports/model-runtime.ts'
import type { FaultProxy } from '../services/index.ts'
import { faultProxy } from '../services/index.ts'
import type { Answering, LinearServer } from './server.ts'
import { linearServer, rightly } from './server.ts'
import { outcomeOf, rightFrom, rowsFrom, sessionWith } from './session.ts'

vi.setConfig({ testTimeout: 60_000 })

let server: LinearServer
let proxy: FaultProxy
let session: LoadedModel
beforeEach(async () => {
  server = await linearServer()
  proxy = await faultProxy(server.port)
  session = await sessionWith(server.url, proxy.port)
})
afterEach(async () => {
  session.abandon()
  await proxy.close()
  await server.close()
})

/** Promised to callers; a machine that does something else for a moment is told apart by the least of several. */
const keptMs = 10
const deadlineKept = async (timeoutMs: number): Promise<void> => {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 4; i++) {
    const { code, milliseconds } = await outcomeOf(session, rowsFrom(1), timeoutMs)
    expect(code).toBe('SX_DEADLINE_EXCEEDED')
    expect(milliseconds).toBeGreaterThanOrEqual(timeoutMs - 1.5)
    least = Math.min(least, milliseconds - timeoutMs)
  }
  expect(least).toBeLessThan(keptMs)
}
const answers = async (): Promise<void> => {
  expect(await outcomeOf(session, rowsFrom(3, 4), 2_000)).toMatchObject({ code: null, values: rightFrom(3, 4) })
}
const afterMs =
  (milliseconds: number): Answering =>
  ({ right }, answer) =>
    void setTimeout(answer, milliseconds, right)

describe('deadlines', () => {
  test('of a network that is slower than the caller has time', async () => {
    await answers()
    proxy.latency(200)
    await deadlineKept(50)
    proxy.heal()
    await answers()
  })
  test('of a server that takes the question and says nothing', async () => {
    server.answering = () => {}
    await deadlineKept(60)
    server.answering = rightly
    await answers()
  })
  test('of a network in which everything is lost', async () => {
    await answers()
    proxy.halfOpen()
    await deadlineKept(60)
  })
  test('of an answer that comes a byte at a time', async () => {
    server.answering = (_, __, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      const timer = setInterval(() => response.write(' '), 5)
      response.once('close', () => clearInterval(timer))
    }
    await deadlineKept(60)
  })
  test('one that has passed is not asked about', async () => {
    const { code } = await outcomeOf(session, rowsFrom(1), 0)
    expect({ code, asked: server.asked }).toEqual({ code: 'SX_DEADLINE_EXCEEDED', asked: 0 })
  })
  test('the server is told what remains', async () => {
    let told: unknown
    server.answering = ({ head, json, right }, answer) => {
      told = [head['x-request-timeout-ms'], (json['parameters'] as { readonly timeout: number }).timeout]
      answer(right)
    }
    await outcomeOf(session, rowsFrom(1), 80)
    const [milliseconds, microseconds] = told as [string, number]
    expect(Number(milliseconds)).toBeGreaterThan(50)
    expect(Number(milliseconds)).toBeLessThanOrEqual(80)
    expect(microseconds).toBeGreaterThan(50_000)
    expect(microseconds).toBeLessThanOrEqual(80_000)
  })
  test('a server whose caller has left learns of it', async () => {
    server.answering = () => {}
    await outcomeOf(session, rowsFrom(1), 30)
    await expect.poll(() => server.left).toBe(1)
  })
})

describe('answers that are none', () => {
  const lies: readonly (readonly [what: string, answering: Answering, words: RegExp])[] = [
    ['no JSON', (_, __, response) => void response.writeHead(200).end('<html>'), /no JSON/],
    ['no outputs', (_, __, response) => void response.writeHead(200).end('{}'), /'outputs'/],
    ['too few rows', (_, answer) => answer([1]), /1 rows, and was asked for 4/],
    ['too many rows', ({ right }, answer) => answer([...right, 1]), /5 rows/],
    [
      'a head longer than all',
      (_, __, response) => void response.writeHead(200, { 'inference-header-content-length': '99' }).end('{}'),
      /longer than itself/,
    ],
    [
      'fewer bytes than said',
      (_, __, response) => {
        const head = JSON.stringify({
          outputs: [{ name: 'y', datatype: 'FP32', shape: [4, 1], parameters: { binary_data_size: 16 } }],
        })
        response.writeHead(200, { 'inference-header-content-length': String(head.length) }).end(`${head}abc`)
      },
      /fewer bytes/,
    ],
    [
      'another type',
      (_, __, response) =>
        void response
          .writeHead(200)
          .end(JSON.stringify({ outputs: [{ name: 'y', datatype: 'INT32', shape: [4, 1], data: [1, 2, 3, 4] }] })),
      /int32, and was registered as float32/,
    ],
    [
      'another shape',
      (_, __, response) =>
        void response
          .writeHead(200)
          .end(JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP32', shape: [4, 2], data: Array(8).fill(1) }] })),
      /\[4, 2\], and was registered with \[-1, 1\]/,
    ],
    [
      'another output',
      (_, __, response) =>
        void response
          .writeHead(200)
          .end(JSON.stringify({ outputs: [{ name: 'z', datatype: 'FP32', shape: [4, 1], data: [1, 2, 3, 4] }] })),
      /no output 'y'/,
    ],
    [
      'lists in lists without an end in sight',
      (_, __, response) => {
        const deep = 20_000
        const data = `${'['.repeat(deep)}1${']'.repeat(deep)}`
        response.writeHead(200).end(`{"outputs":[{"name":"y","datatype":"FP32","shape":[4,1],"data":${data}}]}`)
      },
      /cannot be read|no JSON/,
    ],
    [
      'outputs that are nothing',
      (_, __, response) => void response.writeHead(200).end('{"outputs":[null,7,"y"]}'),
      /no name/,
    ],
    [
      'a shape that no memory holds',
      (_, __, response) =>
        void response
          .writeHead(200)
          .end('{"outputs":[{"name":"y","datatype":"FP32","shape":[4,9007199254740991],"data":[1,2,3,4]}]}'),
      /was registered with/,
    ],
    [
      'a redirect',
      (_, __, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /redirect \(302\), which is not followed/,
    ],
  ]
  test.each(lies)('%s', async (_, answering, words) => {
    server.answering = answering
    const { code, message } = await outcomeOf(session, rowsFrom(1, 4), 1_000)
    expect(code).toBe('SX_REMOTE_INVALID')
    expect(message).toMatch(words)
    server.answering = rightly
    await answers()
  })

  test('garbage in place of HTTP, and a connection that ends in mid-answer', async () => {
    server.answering = (_, __, response) => void response.socket!.end('not HTTP at all\r\n\r\n')
    expect(await outcomeOf(session, rowsFrom(1), 1_000)).toMatchObject({ code: 'SX_REMOTE_UNAVAILABLE' })
    server.answering = (_, __, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"outputs":')
      setTimeout(() => response.socket!.destroy(), 5)
    }
    expect(await outcomeOf(session, rowsFrom(1), 1_000)).toMatchObject({ code: 'SX_REMOTE_UNAVAILABLE' })
    server.answering = rightly
    await answers()
  })

  test('one that does not end is not read to its end', async () => {
    let sent = 0
    server.answering = (_, __, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, 32))) sent += 64 * 1024
      }
      response.on('drain', more)
      more()
    }
    const { code, message } = await outcomeOf(session, rowsFrom(1), 20_000)
    expect(code).toBe('SX_REMOTE_UNAVAILABLE')
    // One row of one number: no answer to that is large.
    expect(message).toContain('its answer is larger than 64')
    expect(sent).toBeLessThan(16 * 1024 * 1024)
  })

  const refusals = [
    [400, 'SX_MODEL_FAILED'],
    [422, 'SX_MODEL_FAILED'],
    [401, 'SX_REMOTE_UNAVAILABLE'],
    [404, 'SX_REMOTE_UNAVAILABLE'],
    [429, 'SX_REMOTE_UNAVAILABLE'],
    [500, 'SX_REMOTE_UNAVAILABLE'],
    [503, 'SX_REMOTE_UNAVAILABLE'],
    [504, 'SX_DEADLINE_EXCEEDED'],
  ] as const
  test.each(refusals)('the status %i is %s, with its words', async (status, code) => {
    server.answering = (_, __, response) => void response.writeHead(status).end('{"error":"not with these"}')
    const outcome = await outcomeOf(session, rowsFrom(1), 1_000)
    expect(outcome.code).toBe(code)
    expect(outcome.message).toContain('not with these')
  })
})

describe('the circuit breaker', () => {
  test('opens on failures, answers at once, lets one call try, and closes', async () => {
    await answers()
    proxy.reset()
    for (let i = 0; i < 5; i++)
      expect(await outcomeOf(session, rowsFrom(1), 500)).toMatchObject({ code: 'SX_REMOTE_UNAVAILABLE' })
    expect(session.remote!()).toMatchObject({ breaker: 'open', failures: 5 })
    const quick = await outcomeOf(session, rowsFrom(1), 500)
    expect(quick).toMatchObject({ code: 'SX_REMOTE_UNAVAILABLE', message: expect.stringContaining('is not asked') })
    expect(quick.milliseconds).toBeLessThan(100)
    expect(session.remote!().refused).toBe(1)

    // Still away when it is tried: it stays open, for longer.
    await expect.poll(() => session.remote!().breaker, { timeout: 5_000 }).toBe('half-open')
    expect(await outcomeOf(session, rowsFrom(1), 500)).toMatchObject({ code: 'SX_REMOTE_UNAVAILABLE' })
    expect(session.remote!()).toMatchObject({ breaker: 'open', failures: 6 })

    proxy.heal()
    await expect.poll(() => session.remote!().breaker, { timeout: 5_000 }).toBe('half-open')
    await answers()
    expect(session.remote!()).toMatchObject({ breaker: 'closed' })
    await Promise.all(Array.from({ length: 50 }, answers))
  })

  test('lets one call try and no more, and nobody waits for that one', async () => {
    server.answering = (_, __, response) => void response.writeHead(500).end()
    for (let i = 0; i < 5; i++) await outcomeOf(session, rowsFrom(1), 500)
    await expect.poll(() => session.remote!().breaker, { timeout: 5_000 }).toBe('half-open')
    server.answering = afterMs(300)
    const asked = server.asked
    const all = await Promise.all(Array.from({ length: 20 }, () => outcomeOf(session, rowsFrom(1), 1_000)))
    expect(server.asked - asked).toBe(1)
    expect(all.filter(({ code }) => code === null)).toHaveLength(1)
    for (const { code, milliseconds } of all) if (code !== null) expect(milliseconds).toBeLessThan(100)
    expect(session.remote!().breaker).toBe('closed')
  })

  test('opens where half of many calls fail, though never several one after another', async () => {
    server.answering = ({ number, right }, answer, response) => {
      if (number % 2 === 0) answer(right)
      else response.writeHead(500).end()
    }
    for (let i = 0; i < 20; i++) await outcomeOf(session, rowsFrom(1), 500)
    expect(session.remote!()).toMatchObject({ breaker: 'closed', failures: 10 })
    await outcomeOf(session, rowsFrom(1), 500)
    expect(session.remote!()).toMatchObject({ breaker: 'open', failures: 11 })
  })

  test('stays closed over rows that the model refuses, and over callers who have no time', async () => {
    for (let i = 0; i < 30; i++) await outcomeOf(session, rowsFrom(1), 1_000)
    server.answering = (_, __, response) => void response.writeHead(400).end('{"error":"these rows"}')
    for (let i = 0; i < 30; i++) expect((await outcomeOf(session, rowsFrom(1), 500)).code).toBe('SX_MODEL_FAILED')
    expect(session.remote!()).toMatchObject({ breaker: 'closed', failures: 0 })
    server.answering = afterMs(20)
    for (let i = 0; i < 30; i++) await outcomeOf(session, rowsFrom(1), 500)
    for (let i = 0; i < 10; i++) expect((await outcomeOf(session, rowsFrom(1), 3)).code).toBe('SX_DEADLINE_EXCEEDED')
    expect(session.remote!().breaker).toBe('closed')
  })
})

describe('a second request', () => {
  const one = async (): Promise<number> => (await outcomeOf(session, rowsFrom(1), 2_000)).milliseconds

  test('is sent where the first takes longer than most, and the first answer counts', async () => {
    let milliseconds = Number.POSITIVE_INFINITY
    let before = session.remote!()
    let { left } = server
    // Where this machine stalls, what calls have earned is spent before it is wanted: then once more.
    for (let attempt = 0; attempt < 5 && session.remote!().hedges === before.hedges; attempt++) {
      server.answering = rightly
      for (let i = 0; i < 100; i++) await one()
      before = session.remote!()
      left = server.left
      // The next question that is asked first hangs.
      let first = true
      server.answering = ({ right }, answer) => {
        setTimeout(answer, first ? 1_500 : 10, right)
        first = false
      }
      milliseconds = await one()
    }
    expect(milliseconds).toBeLessThan(1_000)
    const { hedges, hedgesWon, breaker } = session.remote!()
    expect({ hedges: hedges - before.hedges, won: hedgesWon - before.hedgesWon, breaker }).toEqual({
      hedges: 1,
      won: 1,
      breaker: 'closed',
    })
    // The other was given up.
    await expect.poll(() => server.left).toBe(left + 1)
  })

  test('is sent for at most one call in twenty', async () => {
    server.answering = afterMs(6)
    for (let i = 0; i < 40; i++) await one()
    // All slower than all before: each would have one.
    server.answering = afterMs(250)
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let i = 0; i < 6; i++) await one()
      }),
    )
    const { calls, hedges } = session.remote!()
    expect(calls).toBe(100)
    expect(hedges).toBeGreaterThan(0)
    expect(hedges).toBeLessThanOrEqual(5)
    // One that was sent at the last moment may have been given up before it got there.
    expect(server.asked).toBeGreaterThan(calls)
    expect(server.asked).toBeLessThanOrEqual(calls + hedges)
  })
})

describe('connections', () => {
  test('a thousand calls, some given up, leave none behind', async () => {
    for (let i = 0; i < 40; i++) await outcomeOf(session, rowsFrom(i), 1_000)
    server.answering = ({ number, right }, answer, response) => {
      if (number % 10 === 3) response.socket!.destroy()
      else if (number % 10 !== 7) setTimeout(answer, number % 3, right)
    }
    let done = 0
    const kinds = new Set<string | null>()
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        while (done++ < 1_000) kinds.add((await outcomeOf(session, rowsFrom(done), 60)).code)
      }),
    )
    expect([...kinds]).toEqual(expect.arrayContaining([null, 'SX_DEADLINE_EXCEEDED', 'SX_REMOTE_UNAVAILABLE']))
    // Through the proxy, whose own connections are counted too.
    await expect.poll(() => server.connections, { timeout: 5_000 }).toBeLessThanOrEqual(20)
    await session.close()
    await expect.poll(() => server.connections, { timeout: 5_000 }).toBe(0)
    await expect.poll(() => proxy.connections, { timeout: 5_000 }).toBe(0)
  })

  test('a thousand calls to a server that answers share a few connections', async () => {
    let done = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (done < 1_000) {
          const at = done++
          expect((await outcomeOf(session, rowsFrom(at, 3), 5_000)).values).toEqual(rightFrom(at, 3))
        }
      }),
    )
    // One more asked for the metadata; each second request may cost one.
    expect(server.connected).toBeLessThanOrEqual(21 + 2 * session.remote!().hedges)
  })

  test('one that is ended: what is under way rejects at once, and nothing goes after it', async () => {
    server.answering = () => {}
    const under = outcomeOf(session, rowsFrom(1), 10_000)
    await expect.poll(() => server.asked).toBe(1)
    session.abandon()
    const { code, milliseconds } = await under
    expect(code).toBe('SX_RUNTIME_LOST')
    expect(milliseconds).toBeLessThan(5_000)
    expect((await outcomeOf(session, rowsFrom(1), 100)).code).toBe('SX_RUNTIME_LOST')
    await expect.poll(() => server.connections).toBe(0)
  })

  test('one that is closed lets what is under way end', async () => {
    server.answering = afterMs(100)
    const under = outcomeOf(session, rowsFrom(1), 10_000)
    await expect.poll(() => server.asked).toBe(1)
    await session.close()
    expect((await under).values).toEqual(rightFrom(1))
  })
})

test('more rows than the server takes go in parts, some at once, and come back in their order', async () => {
  const sizes: number[] = []
  let [under, most] = [0, 0]
  server.answering = ({ rows, right, number }, answer) => {
    sizes.push(rows)
    most = Math.max(most, ++under)
    setTimeout(
      () => {
        under--
        answer(right)
      },
      // The first is answered last.
      number % 4 === 1 ? 40 : 5,
    )
  }
  expect((await outcomeOf(session, rowsFrom(0, 84), 5_000)).values).toEqual(rightFrom(0, 84))
  expect(sizes.sort((a, b) => a - b)).toEqual([4, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8])
  expect(most).toBe(4)
})

test('where one part fails the others are not sent', async () => {
  server.answering = (_, __, response) => void response.writeHead(400).end('{"error":"not these"}')
  expect(await outcomeOf(session, rowsFrom(0, 800), 5_000)).toMatchObject({ code: 'SX_MODEL_FAILED' })
  expect(server.asked).toBeLessThanOrEqual(8)
})
