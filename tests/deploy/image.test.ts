/** deploy/Dockerfile by hadolint, and by what it copies; deploy/nginx by nginx itself. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { program } from '../../scripts/installed.mjs'
import { describeWith } from '../services/index.ts'
import { changed, check, deploy, root, run } from './run.ts'

const dockerfile = readFileSync(join(deploy, 'Dockerfile'), 'utf8')
const scratch = <T>(use: (folder: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-image-'))
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describeWith(['validators'], 'deploy/Dockerfile', () => {
  const lint = (text: string) =>
    scratch((folder) => {
      writeFileSync(join(folder, 'Dockerfile'), text)
      return check('hadolint', '--no-color', join(folder, 'Dockerfile'))
    })

  test('has nothing that hadolint would have otherwise', () => {
    expect(lint(dockerfile)).toEqual({ code: 0, out: '' })
  })

  test.each([
    ['node:20.20-slim\nARG', 'node\nARG', 'DL3006'],
    ['RUN npm run build', 'RUN cd console && npm run build', 'DL3003'],
    ['EXPOSE 6006', 'EXPOSE 606006', 'DL3011'],
    ['STOPSIGNAL', 'STOPSIGNALS', 'missing whitespace'],
  ])('with %s as %s it says %s', (from, to, said) => {
    const { code, out } = lint(changed(dockerfile, from, to))
    expect(code).toBe(1)
    expect(out).toContain(said)
  })
})

test('what the image copies is in the repository, and is not kept from it', () => {
  const ignored = readFileSync(join(deploy, 'Dockerfile.dockerignore'), 'utf8').split('\n')
  const kept = ignored.flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
  const [, project] = /^ARG PROJECT=(.+)$/m.exec(dockerfile)!
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)]
    .flatMap(([, words]) => words!.split(' ').slice(0, -1))
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Docker's
    .map((path) => path.replace('${PROJECT}', project!))
    .filter((path) => path !== '.')
  expect(copied.length).toBeGreaterThan(3)
  for (const path of copied) {
    expect(existsSync(join(root, path)), path).toBe(true)
    expect(
      kept.some((name) => path === name || path.startsWith(`${name}/`)),
      path,
    ).toBe(true)
  }
  // What builds the package reads nothing else.
  for (const path of kept) expect(existsSync(join(root, path)), path).toBe(true)
})

describeWith(['nginx'], 'deploy/nginx', () => {
  const list = 'zone sixfold 256k;\nserver 127.0.0.1:6006 max_fails=1 fail_timeout=1s;\n'
  const tried = (text: string) =>
    scratch((folder) => {
      writeFileSync(join(folder, 'servers.conf'), list)
      const own = changed(text, '/etc/nginx/sixfold-servers.conf', join(folder, 'servers.conf'))
      writeFileSync(join(folder, 'nginx.conf'), changed(own, '/dev/stdout', join(folder, 'access.log')))
      const main = `pid ${join(folder, 'nginx.pid')};`
      return run(program('nginx')!, '-t', '-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf'), '-g', main)
    })
  const nginx = readFileSync(join(deploy, 'nginx/nginx.conf'), 'utf8')

  test('is what nginx takes', () => {
    const { code, out } = tried(nginx)
    expect(out).toContain('test is successful')
    expect(code).toBe(0)
  })

  test.each([
    ['least_conn', 'least_conns'],
    ['non_idempotent;', 'non_idempotents;'],
    ['http://sixfold;', 'http://sixfolds;'],
  ])('with %s as %s it is refused', (from, to) => {
    expect(tried(changed(nginx, from, to)).code).toBe(1)
  })
})
