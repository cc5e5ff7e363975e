/** deploy/compose.yaml: held against the Compose specification by its own program, and against what Sixfold itself reads. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { limits } from '../../src/kernel/limits.ts'
import { describeWith } from '../services/index.ts'
import { problemsOf } from './environment.ts'
import { changed, check, deploy, root } from './run.ts'

// biome-ignore lint/suspicious/noExplicitAny: a file whose form is what is checked
type Compose = any

const file = readFileSync(join(deploy, 'compose.yaml'), 'utf8')
/** With a value for each variable; the program reads none. */
const filled = (text: string): string =>
  text.replace(/\$\{\w+:\?[^}]*\}/g, 'secret'.repeat(6)).replace(/\$\{\w+:-([^}]*)\}/g, '$1')

describeWith(['validators'], 'deploy/compose.yaml', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sixfold-compose-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const conforms = (text: string) => {
    writeFileSync(join(folder, 'compose.yaml'), filled(text))
    return check('compose', join(folder, 'compose.yaml'))
  }

  test('is what Compose takes', () => {
    const { code, out } = conforms(file)
    expect(code, out).toBe(0)
    expect(Object.keys(parse(out).services).sort()).toEqual(
      ['apply', 'bucket', 'kafka', 'nginx', 'postgres', 'redis', 's3', 'sixfold'].sort(),
    )
  })

  test.each([
    ['service_healthy', 'service_helthy'],
    ['read_only', 'readonly'],
    ['replicas: ', 'replicas: x'],
    ['command: [apply]', 'command: 1'],
    ['ports: [', 'port: ['],
  ])('with %s as %s it is refused', (from, to) => {
    expect(conforms(changed(file, from, to)).code).toBe(1)
  })
})

const compose: Compose = parse(file, { merge: true })
const services = Object.entries<Compose>(compose.services)

test('what is named by name is there', () => {
  for (const [, { networks = [], volumes = [], depends_on = {} }] of services) {
    for (const network of networks) expect(compose.networks).toHaveProperty(network)
    for (const [other] of Object.entries(depends_on)) expect(compose.services).toHaveProperty(other)
    for (const volume of volumes as string[]) {
      const [source] = volume.split(':')
      if (source!.startsWith('./')) expect(readFileSync(join(deploy, source!), 'utf8')).not.toBe('')
      else if (!source!.startsWith('/')) expect(compose.volumes).toHaveProperty(source!)
    }
  }
  const { dockerfile, args } = compose.services.sixfold.build
  expect(readFileSync(join(root, dockerfile), 'utf8')).toContain('ENTRYPOINT')
  expect(readFileSync(join(root, args.PROJECT, 'sixfold.config.ts'), 'utf8')).toContain('platform')
})

test('every service that goes on has limits, a check of its health and time to end; each image has a version', () => {
  for (const [name, service] of services) {
    expect(service.deploy.resources.limits, name).toEqual({ cpus: expect.any(String), memory: expect.any(String) })
    if (service.build === undefined) expect(service.image, name).toMatch(/:v?\d+\.\d+[.\w-]*$|^postgres:17-alpine$/)
    if (service.restart === 'no') continue
    expect(service.restart, name).toBe('unless-stopped')
    expect(service.stop_grace_period, name).toMatch(/^\d+[sm]$/)
    // That of the servers is the image's.
    if (name !== 'sixfold') expect(service.healthcheck.test.length, name).toBeGreaterThan(1)
  }
  expect(Number.parseInt(compose.services.sixfold.stop_grace_period, 10)).toBeGreaterThan(limits.drainMs / 1000 + 10)
})

test('who waits for whom to be healthy waits for a service that says so', () => {
  for (const [, { depends_on = {} }] of services)
    for (const [other, { condition }] of Object.entries<Compose>(depends_on))
      expect(condition).toBe(
        compose.services[other].restart === 'no' ? 'service_completed_successfully' : 'service_healthy',
      )
})

test('Sixfold takes the environment, and each port has a shared store that is one of the services', () => {
  for (const name of ['sixfold', 'apply']) {
    const environment = compose.services[name].environment as { readonly [name: string]: string }
    expect(
      problemsOf(Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, filled(value)]))),
    ).toEqual([])
    const hosts = ['ONLINE', 'LOG', 'METADATA'].map((port) => new URL(environment[`SIXFOLD_${port}_URL`]!).hostname)
    const s3 = new URLSearchParams(environment['SIXFOLD_ARTIFACTS_URL']!.split('?')[1]).get('endpoint')!
    for (const host of [...hosts, new URL(s3).hostname]) expect(compose.services).toHaveProperty(host)
  }
})

test('secrets are asked for by name, and are in no file', () => {
  const asked = [...file.matchAll(/\$\{(\w+):[?-]/g)].map(([, name]) => name!)
  const example = readFileSync(join(deploy, '.env.example'), 'utf8')
  const named = [...example.matchAll(/^(\w+)=(.*)$/gm)]
  expect(new Set(named.map(([, name]) => name))).toEqual(new Set(asked))
  for (const [, name, value] of named) if (/PASSWORD|KEY/.test(name!)) expect(value).toBe('')
  for (const [, service] of services)
    for (const [name, value] of Object.entries<string>(service.environment ?? {}))
      if (/PASSWORD|_KEY$|KEY_ID$|AUTH$/.test(name)) expect(value, name).toMatch(/^\$\{\w+:\?.+\}$/)
})

test('servers that listen on every address have a key to begin with', () => {
  expect(readFileSync(join(deploy, 'Dockerfile'), 'utf8')).toContain('SIXFOLD_HOST=0.0.0.0')
  for (const name of ['sixfold', 'apply']) {
    const { SIXFOLD_ADMIN_KEY: key } = compose.services[name].environment
    expect(problemsOf({ SIXFOLD_ADMIN_KEY: 'too short' }).join()).toContain('SIXFOLD_ADMIN_KEY')
    expect(key).toMatch(/^\$\{ADMIN_KEY:\?/)
  }
})
