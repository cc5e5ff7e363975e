/** Where webhooks are sent, and where not: no name, no redirect and no answer leads the server to a place within. */
import type { LookupAddress } from 'node:dns'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { webhookSender } from '../../src/adapters/http/webhook-sender.ts'
import { isSixfoldError } from '../../src/kernel/errors.ts'
import type { Receiver } from './receiver.ts'
import { receiver } from './receiver.ts'

let here: Receiver
beforeAll(async () => {
  here = await receiver()
})
afterAll(() => here.close())
beforeEach(() => {
  here.received.length = 0
  here.reply = 200
})

const senders: ReturnType<typeof webhookSender>[] = []
const sender = (options: Partial<Parameters<typeof webhookSender>[0]> = {}) => {
  const one = webhookSender({ allowPrivate: false, allowLoopback: false, timeoutMs: 500, ...options })
  senders.push(one)
  return one
}
afterEach(() => {
  for (const one of senders.splice(0)) one.close()
})
const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).not.toBeNull()
  if (isSixfoldError(error)) expect(error.code).toBe('SX_WEBHOOK_INVALID')
  else expect((error as Error).name).toBe('NotSent')
  return (error as Error).message
}

const within = [
  '127.0.0.1',
  '127.8.8.8',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '169.254.169.254',
  '168.63.129.16',
  '224.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[fc00::1]',
  '[64:ff9b::7f00:1]',
  // As browsers and curl read them.
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '127.1',
]

describe.each(within)('%s', (host) => {
  test('is refused when a webhook is made', async () => {
    await refusalOf(sender().check(`https://${host}/`))
  })
  test('is refused when it is sent to', async () => {
    await refusalOf(sender().post(`https://${host}/`, {}, '{}'))
  })
  test('is refused when a name stands for it', async () => {
    const bare = new URL(`http://${host}/`).hostname.replace(/^\[(.*)\]$/, '$1')
    const lookup = async (): Promise<LookupAddress[]> => [
      { address: '8.8.8.8', family: 4 },
      { address: bare, family: bare.includes(':') ? 6 : 4 },
    ]
    await refusalOf(sender({ lookup }).check('https://receiver.example/'))
    await refusalOf(sender({ lookup }).post('https://receiver.example/', {}, '{}'))
  })
})

test('a name whose address changed after the webhook was made is not connected to', async () => {
  let address = '93.184.216.34'
  const lookup = async (): Promise<LookupAddress[]> => [{ address, family: 4 }]
  const one = sender({ lookup })
  await one.check('https://receiver.example/')
  address = '127.0.0.1'
  expect(await refusalOf(one.post(`http://receiver.example:${here.port}/`, {}, '{}'))).toContain('this machine itself')
  expect(here.received).toEqual([])
})

test('a redirect is an answer, and leads nowhere', async () => {
  const other = await receiver()
  here.reply = (response) => response.writeHead(307, { location: other.url }).end()
  const { status } = await sender({ allowLoopback: true }).post(here.url, {}, '{}')
  expect(status).toBe(307)
  expect(other.received).toEqual([])
  await other.close()
})

test('private networks and this machine are sent to where that is allowed, and each by itself', async () => {
  const at = (address: string) => async (): Promise<LookupAddress[]> => [{ address, family: 4 }]
  await sender({ allowPrivate: true, lookup: at('10.0.0.7') }).check('http://receiver.internal/')
  await refusalOf(sender({ allowPrivate: true, lookup: at('127.0.0.1') }).check('http://receiver.internal/'))
  await refusalOf(sender({ allowPrivate: true, lookup: at('169.254.169.254') }).check('http://receiver.internal/'))
  await refusalOf(sender({ allowLoopback: true, lookup: at('10.0.0.7') }).check('http://receiver.internal/'))
  await sender({ allowLoopback: true }).check(here.url)
  expect((await sender({ allowLoopback: true }).post(here.url, { 'x-a': 'b' }, '{"c":1}')).text).toBe('noted')
  expect(here.received[0]).toMatchObject({ headers: { 'x-a': 'b' }, json: { c: 1 } })
})

test('over the internet only https is sent to', async () => {
  const lookup = async (): Promise<LookupAddress[]> => [{ address: '93.184.216.34', family: 4 }]
  await sender({ lookup }).check('https://receiver.example/')
  expect(await refusalOf(sender({ lookup }).check('http://receiver.example/'))).toContain('https')
  expect(await refusalOf(sender({ lookup }).post('http://receiver.example/', {}, '{}'))).toContain('https')
})

test.each([
  '',
  'receiver.example',
  'ftp://receiver.example/',
  'file:///etc/passwd',
  'https://',
  `https://x/${'a'.repeat(3_000)}`,
])('%j is no URL of a webhook', async (url) => {
  expect(await refusalOf(sender().check(url))).toContain('URL')
})
test('a password in the URL is refused, and not repeated', async () => {
  expect(await refusalOf(sender().check('https://u:hunter2@receiver.example/'))).not.toContain('hunter2')
})
test('a name without an address', async () => {
  const lookup = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
  expect(await refusalOf(sender({ lookup }).check('https://receiver.example/'))).toContain('ENOTFOUND')
  expect(await refusalOf(sender({ lookup }).post('https://receiver.example/', {}, '{}'))).toContain('ENOTFOUND')
  expect(await refusalOf(sender({ lookup: async () => [] }).check('https://receiver.example/'))).toContain('no address')
})

describe('a receiver that', () => {
  test('is not there', async () => {
    const gone = await receiver()
    await gone.close()
    expect(await refusalOf(sender({ allowLoopback: true }).post(gone.url, {}, '{}'))).toContain('ECONNREFUSED')
  })
  test('says nothing is left in time', async () => {
    here.reply = () => {}
    const began = performance.now()
    expect(await refusalOf(sender({ allowLoopback: true }).post(here.url, {}, '{}'))).toContain('within 0.5 s')
    expect(performance.now() - began).toBeLessThan(2_000)
  })
  test('never ends its answer is left in time, or when it said enough', async () => {
    here.reply = (response) => void response.writeHead(200).write('slowly')
    expect(await refusalOf(sender({ allowLoopback: true }).post(here.url, {}, '{}'))).toContain('within')
    let sent = 0
    here.reply = (response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && sent < 1e9 && response.write('x'.repeat(65_536))) sent += 65_536
      }
      response.on('drain', more)
      more()
    }
    const { status, text } = await sender({ allowLoopback: true }).post(here.url, {}, '{}')
    expect([status, text.length]).toEqual([200, 4_096])
    expect(sent).toBeLessThan(50e6)
  })
  test('speaks no HTTP', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const why = await refusalOf(sender({ allowLoopback: true }).post(`http://127.0.0.1:${port}/`, {}, '{}'))
    expect(why).toContain('could not be told')
    server.close()
  })
  test('is asked for when the server ends', async () => {
    here.reply = () => {}
    const one = sender({ allowLoopback: true, timeoutMs: 60_000 })
    const sending = refusalOf(one.post(here.url, {}, '{}'))
    await here.until(1)
    one.close()
    expect(await sending).toContain('could not be told')
  })
})
