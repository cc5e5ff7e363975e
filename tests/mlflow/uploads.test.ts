/** Files over MLflow's API: of any size in constant memory, whole or not at all, and nowhere but where they belong. */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TrackingServer } from './server.ts'
import { trackingServer } from './server.ts'

let server: TrackingServer
const route = '/api/2.0/mlflow-artifacts/artifacts'
beforeAll(async () => {
  server = await trackingServer()
})
afterAll(() => server.close())

const put = (path: string, body: string | Uint8Array): Promise<Response> =>
  fetch(`${server.url}${route}/${path}`, { method: 'PUT', body: body as string })
const get = (path: string): Promise<Response> => fetch(`${server.url}${route}/${path}`)
const names = async (folder: string): Promise<readonly string[]> => {
  const { files = [] } = (await (await get(`?path=${folder}`)).json()) as { files?: { path: string }[] }
  return files.map(({ path }) => path)
}
/** Answers as the client reads them: status and code. */
const answered = async (response: Response): Promise<string> =>
  `${response.status} ${((await response.json()) as { error_code?: string }).error_code ?? ''}`

/** The path as it is: fetch would tidy it up first. */
function raw(method: string, path: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
      ),
    )
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => (text += chunk))
    socket.on('end', () => resolve(`${text.split(' ')[1]} ${/"error_code":"(\w+)"/.exec(text)?.[1] ?? ''}`))
    socket.on('error', reject)
  })
}

test('two gigabytes go up and come down in constant memory', { timeout: 600_000 }, async () => {
  // Once, so that what the first request loads does not count.
  await put('1/warm/artifacts/a', 'a')
  await (await get('1/warm/artifacts/a')).text()
  const before = (await server.memory()).now
  const chunk = Buffer.alloc(1024 * 1024)
  const chunks = 2 * 1024
  const sent = createHash('sha256')
  function* contents(): Generator<Buffer> {
    for (let i = 0; i < chunks; i++) {
      chunk.writeUInt32LE(i)
      sent.update(chunk)
      yield Buffer.from(chunk)
    }
  }
  const status = await new Promise<number>((resolve, reject) => {
    const sending = request(`${server.url}${route}/1/big/artifacts/model.bin`, { method: 'PUT' }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode!))
    })
    sending.on('error', reject)
    Readable.from(contents(), { objectMode: false, highWaterMark: 1024 * 1024 }).pipe(sending)
  })
  expect(status).toBe(200)
  const up = (await server.memory()).most - before
  const got = createHash('sha256')
  let bytes = 0
  for await (const part of (await get('1/big/artifacts/model.bin')).body!) {
    got.update(part as Uint8Array)
    bytes += (part as Uint8Array).length
  }
  expect(bytes).toBe(2 * 1024 ** 3)
  expect(got.digest('hex')).toBe(sent.digest('hex'))
  const down = (await server.memory()).most - before
  process.stderr.write(
    `2 GiB: memory grew by ${Math.round(up / 1024 ** 2)} MiB up, ${Math.round(down / 1024 ** 2)} MiB in all\n`,
  )
  expect(Math.max(up, down)).toBeLessThan(150 * 1024 ** 2)
  expect(await answered(await fetch(`${server.url}${route}/1/big`, { method: 'DELETE' }))).toBe('200 ')
})

test('an upload that is broken off leaves nothing', async () => {
  const { hostname, port } = new URL(server.url)
  for (let i = 0; i < 20; i++)
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `PUT ${route}/1/broken/artifacts/${i}.bin HTTP/1.1\r\nHost: x.localhost\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1000 * i)}`,
          () => setTimeout(() => socket.destroy(), 5 * i),
        )
      })
      socket.on('close', () => resolve())
    })
  await expect.poll(() => readdir(join(server.folder, '.sixfold/uploads')), { timeout: 10_000 }).toEqual([])
  expect(await names('1/broken')).toEqual([])
  expect(server.alive()).toBe(true)
})

test('a path leads nowhere but below the folder of everything', async () => {
  const bad = [
    '../x',
    'a/../../x',
    '1/a/..',
    '%2e%2e/x',
    '1/%2e%2e/%2e%2e/etc/passwd',
    '%252e%252e/x',
    '%25252e%25252e/x',
    '1/%2e/x',
    '%2fetc%2fpasswd',
    '//etc/passwd',
    'a//b',
    '1%5c..%5cx',
    'a%5cb',
    '%255c..%255cx',
    'C:/windows',
    'c%3a%5cwindows',
    'a%00b',
    'a%0ab',
    'file:%2f%2fetc/passwd',
    's3://bucket/x',
    `1/${'x'.repeat(300)}`,
    `${'a/'.repeat(600)}b`,
    'versions/late/1/model.onnx',
  ]
  for (const path of bad) {
    expect.soft(await raw('PUT', `${route}/${path}`), `PUT ${path.slice(0, 60)}`).toBe('400 INVALID_PARAMETER_VALUE')
    if (!path.startsWith('versions'))
      expect.soft(await raw('GET', `${route}/${path}`), `GET ${path.slice(0, 60)}`).toBe('400 INVALID_PARAMETER_VALUE')
    expect
      .soft(await raw('DELETE', `${route}/${path}`), `DELETE ${path.slice(0, 60)}`)
      .toBe('400 INVALID_PARAMETER_VALUE')
  }
  for (const path of ['..', '../..', '%252e%252e', '/etc', 'a/../b', 'C:', 'a\\b', 'x\0'])
    expect
      .soft(await answered(await get(`?path=${encodeURIComponent(path)}`)), `list ${path}`)
      .toBe('400 INVALID_PARAMETER_VALUE')
  expect(await names('')).not.toContain('x')
})

test('names that only look strange are names', async () => {
  for (const name of ['..a', 'a..', '...', '100%', 'ü b', 'a b&c=d', '%41', "it's", 'x'.repeat(200)]) {
    expect((await put(`2/run/artifacts/${encodeURIComponent(name)}`, name)).status).toBe(200)
    expect(await (await get(`2/run/artifacts/${encodeURIComponent(name)}`)).text()).toBe(name)
    expect(await names('2/run/artifacts')).toContain(name)
  }
})

test('a file is no folder, and a folder no file', async () => {
  expect((await put('3/run/artifacts/a/b', 'x')).status).toBe(200)
  expect(await answered(await put('3/run/artifacts/a', 'x'))).toBe('400 INVALID_PARAMETER_VALUE')
  expect(await answered(await put('3/run/artifacts/a/b/c', 'x'))).toBe('400 INVALID_PARAMETER_VALUE')
  expect((await put('3/run/artifacts/empty', '')).status).toBe(200)
  expect(await (await get('3/run/artifacts/empty')).text()).toBe('')
  expect((await put('3/run/artifacts/a/b', 'again')).status).toBe(200)
  expect(await (await get('3/run/artifacts/a/b')).text()).toBe('again')
})

test('a type by which a browser would run it is none', async () => {
  await put('4/run/artifacts/page.html', '<script>alert(1)</script>')
  const { headers } = await get('4/run/artifacts/page.html')
  expect(headers.get('content-disposition')).toBe('attachment; filename="page.html"')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toContain('sandbox')
})
