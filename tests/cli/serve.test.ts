/** serve, the commands beside a running server, and explain. */
import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Project, Started } from './project.ts'
import { platformText, post, project } from './project.ts'

let p: Project
let server: Started
let url: string
beforeAll(async () => {
  p = await project()
  await p.history(100)
  server = p.start('serve')
  url = (await server.says(/Sixfold is at (\S+)\n[\s\S]*data in .*\n/))[1]!
})
afterAll(() => p.dispose())

interface Answer {
  readonly id: string
  readonly prediction: { readonly minutes: number }
  readonly version: string | null
}
const ask = async (): Promise<Answer> =>
  (await post(`${url}/v1/models/eta/predict`, { keys: { courier: 'ann' }, request: { km: 3 } })) as Answer
/** The answer that the server comes to give, within the two seconds in which it looks for what is new. */
async function until(wanted: (answer: Answer) => boolean): Promise<Answer> {
  const end = Date.now() + 2_500
  for (;;) {
    const answer = await ask()
    if (wanted(answer) || Date.now() > end) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('it greets on standard error: where it is, what answers, where its data lies', () => {
  expect(server.said()).toMatch(
    /^Sixfold is at (http:\/\/127\.0\.0\.1:\d+)\n {2}POST \1\/v1\/models\/eta\/predict {2}no version: the fallback answers\n {2}gRPC at 127\.0\.0\.1:\d+\n {2}data in .*\.sixfold\n$/,
  )
})

describe('beside the server', () => {
  test('a second one is refused, with the process that holds the data', async () => {
    const { code, out, err } = await p.run('serve')
    expect({ code, out }).toEqual({ code: 5, out: '' })
    expect(err).toBe(
      `SX_STORE_LOCKED: The data folder '${p.path('.sixfold/log')}' is in use by process ${server.child.pid}. Its log can have one server.\n  → Stop that process, or use another data folder. For several servers name shared stores under 'stores' in sixfold.config.ts.\n`,
    )
    const json = await p.run('serve', '--json')
    expect(json).toMatchObject({ code: 5, err: '' })
    expect(JSON.parse(json.out)).toMatchObject({ error: { code: 'SX_STORE_LOCKED', retry: true } })
  })

  test('materialize builds what the server answers from', async () => {
    expect((await ask()).prediction.minutes).toBe(30)
    expect((await p.run('materialize')).out).toMatch(/^pace +built +100 /m)
    expect((await until(({ prediction }) => prediction.minutes !== 30)).prediction.minutes).toBe(49)
    const { code, out } = await p.run('features', 'get', 'pace', '-k', 'courier=ann')
    expect(code).toBe(0)
    expect(out).toContain('  mean_ever  49\n')
  })

  test('a version that is added answers soon after', async () => {
    expect((await p.run('model', 'add', 'eta', 'eta.onnx')).code).toBe(0)
    const answer = await until(({ version }) => version !== null)
    // One of the mean, two of the way, and a half.
    expect(answer).toMatchObject({ version: '1', prediction: { minutes: 55.5 } })
  })

  test('what is pushed is read at once', async () => {
    const began = new Date(Date.now() - 1_000).toISOString()
    await post(`${url}/v1/events/shifts`, { events: [{ courier: 'ann', began }] })
    const { out } = await p.run('features', 'get', 'work', '-k', 'courier=ann', '--json')
    expect(JSON.parse(out)).toMatchObject({ entity: 'known', newest: Date.parse(began), features: { shifts_1d: 1 } })
  })

  test('explain tells what an answer was made of, and what came of it', async () => {
    const { id } = await ask()
    const soon = await p.run('explain', id)
    expect(soon.code).toBe(0)
    expect(soon.out).toMatch(
      new RegExp(
        [
          `^${id}: minutes 55\\.5`,
          '  asked at 20\\S+Z about courier ann',
          '  answered by eta version 1 in [\\d.]+ ms \\(features [\\d.]+, assembly [\\d.]+, inference [\\d.]+, post [\\d.]+\\)',
          '  request: km 3',
          '  pace, newest event \\d+d( \\d+h)? old: mean_ever 49, deliveries_ever 50',
          '  vector: mean_ever 49, km 3',
          '  no outcome yet\n$',
        ].join('\n'),
      ),
    )
    await post(`${url}/v1/outcomes`, { id, outcome: { minutes: 57 } })
    expect((await p.run('explain', id)).out).toMatch(/\n {2}outcome, at 20\S+Z: minutes 57\n$/)
    expect(JSON.parse((await p.run('explain', id, '--json')).out)).toMatchObject({
      id,
      model: 'eta',
      version: '1',
      keys: { courier: 'ann' },
      vector: { mean_ever: 49, km: 3 },
      degraded: [],
      outcome: { values: { minutes: 57 } },
      attributions: null,
    })
  })

  test('explain --attributions tells what each entry added, with a bar for each', async () => {
    const { id } = await ask()
    const body = { keys: { courier: 'nobody' }, request: { km: 5 } }
    await post(`${url}/v1/models/eta/predict`, body)
    const { code, out } = await p.run('explain', id, '--attributions')
    expect(code).toBe(0)
    expect(out).toMatch(/\n {2}minutes\[0\], compared with \d+ other vectors?: [\d.]+ on average, here 55\.5\n/)
    expect(out).toMatch(/\n {4}mean_ever +\+[\d.]+ +│█+\n {4}km +-[\d.]+ +█+│\n/)
    const { attributions } = JSON.parse((await p.run('explain', id, '--attributions', '--json')).out)
    expect(attributions).toMatchObject({ output: 'minutes', link: 'identity', margin: 55.5 })
    const { base, entries } = attributions
    expect(base + entries.mean_ever + entries.km).toBeCloseTo(55.5, 9)
  })

  test.each(['eta.zz.00000000', 'nonsense', 'etta.1.00000000'])('explain %s finds nothing', async (id) => {
    const { code, out, err } = await p.run('explain', id)
    expect({ code, out }).toEqual({ code: 4, out: '' })
    expect(err).toMatch(
      /^SX_UNKNOWN_PREDICTION: There is no prediction '.*' in the log\.\n {2}→ Use the id that predict answered/,
    )
  })

  test('definitions that were changed are not served before they are applied', async () => {
    await p.write('platform.ts', platformText.replace('deliveries_ever:', 'all_deliveries:'))
    expect((await p.run('apply')).code).toBe(0)
    await p.write('platform.ts', platformText)
    await server.end()
    const refused = await p.run('serve')
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(
      /(^|\n)SX_NOT_APPLIED: 2 definitions differ from those that were applied: view pace, model eta\.\n {2}→ Look at them with `sixfold plan`/,
    )
    await p.run('apply')
    server = p.start('serve')
    url = (await server.says(/Sixfold is at (\S+)\n/))[1]!
  })
})

describe('the end', () => {
  test('a port that is taken is named', async () => {
    const other = await project()
    const { code, err } = await other.run('serve', '--port', new URL(url).port)
    expect(code).toBe(1)
    expect(err).toBe(
      `SX_CONFIG_INVALID: Port ${new URL(url).port} on 127.0.0.1 is in use.\n  → Name another with --port, or stop what listens there.\n`,
    )
    await other.dispose()
  })

  test.each([
    ['--port', 'abc', "SX_USAGE: --port 'abc' is no port."],
    ['--port', '70000', "SX_USAGE: --port '70000' is no port."],
    ['--clock', 'noon', "SX_USAGE: --clock 'noon' is neither 'system' nor an instant."],
  ])('%s %s is refused', async (option, text, said) => {
    const { code, err } = await p.run('serve', option, text)
    expect(code).toBe(2)
    expect(err).toMatch(new RegExp(`^${said}\n  → `))
  })

  test('SIGTERM cuts off no request, and ends with 0', async () => {
    const half = request(`${url}/v1/models/eta/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    const answered = once(half, 'response')
    half.write('{"keys": {"courier": "ann"}, ')
    await ask()
    const ended = server.end('SIGTERM')
    await server.says(/Answering what is under way …/)
    half.end('"request": {"km": 3}}')
    const [response] = (await answered) as [{ readonly statusCode: number; resume(): void }]
    response.resume()
    // It was not whole when the end began: it may be answered, or sent elsewhere.
    expect([200, 503]).toContain(response.statusCode)
    expect(await ended).toMatchObject({ code: 0, out: '' })
    await expect(fetch(url)).rejects.toThrow()
  })

  test('--json says where it is on a line, and how it ended on another; SIGINT ends it as well', async () => {
    const quiet = p.start('serve', '--json')
    await quiet.says(/\n/)
    const { code, out, err } = await quiet.end('SIGINT')
    expect(code).toBe(0)
    // Its log, a line of JSON each.
    for (const line of err.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg')
    const lines = out.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        url: expect.stringMatching(/^http:/),
        grpc: expect.stringMatching(/:\d+$/),
        models: [{ model: 'eta', version: '1' }],
      },
      { url: expect.stringMatching(/^http:/), endedBy: 'SIGINT' },
    ])
  })
})
