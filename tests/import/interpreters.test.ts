/** Pythons that are none, or that break off, hang, or write without end: each is told as what it is, and nothing of it is left running. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Converted } from '../../src/api/index.ts'
import type { Model } from '../../src/index.ts'
import { model } from '../../src/index.ts'
import { convert } from '../../src/runtime/convert.ts'
import { amount, likely, which } from './definitions.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-interpreters-test-'))
const out = join(folder, 'out')
mkdirSync(out)
const file = join(folder, 'model.txt')
writeFileSync(file, 'tree\n')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const reply = {
  ...{ framework: 'lightgbm', packages: ['lightgbm==4.7.0'], language: 'Python 3.11.7', opsets: { 'ai.onnx': 15 } },
  ...{ classes: null, rows: [[1, 2, 3]], answers: { numbers: [5] }, unanswered: 0 },
}
const answer = (said: object = reply): string => `touch '${join(out, 'model.onnx')}'\necho '${JSON.stringify(said)}'\n`

let scripts = 0
function script(text: string): string {
  const path = join(folder, `python-${++scripts}`)
  writeFileSync(path, `#!/bin/sh\n${text}`, { mode: 0o755 })
  return path
}
const converted = (python: string, options: object = {}, definition: Model = amount): Promise<Converted> => {
  rmSync(join(out, 'model.onnx'), { force: true })
  return convert(definition, {
    ...{ path: file, python, framework: null, sample: null, trust: false, patienceMs: 60_000, folder: out },
    ...options,
  })
}
const refused = (python: string, options: object = {}, definition: Model = amount): Promise<string> =>
  converted(python, options, definition).then(
    () => 'converted',
    ({ code, message, fix }: { code: string; message: string; fix: string }) => `${code}: ${message} ${fix}`,
  )

const notExecutable = join(folder, 'not-executable')
writeFileSync(notExecutable, '#!/bin/sh\n')
const noProgram = join(folder, 'no-program')
writeFileSync(noProgram, 'no program', { mode: 0o755 })

test.each([
  [
    'a name that is not there',
    'no-such-python',
    /^SX_IMPORT_PYTHON: There is no program 'no-such-python'\. .*--python/,
  ],
  ['a path that is not there', join(folder, 'absent/python'), /^SX_IMPORT_PYTHON: There is no program/],
  ['a folder', folder, /^SX_IMPORT_PYTHON: '.*' cannot be started: it may not be executed/],
  ['a file that is not executable', notExecutable, /^SX_IMPORT_PYTHON: '.*' cannot be started: it may not be executed/],
  ['an executable file that is no program', noProgram, /^SX_IMPORT_PYTHON: '.*' (cannot be started|ended with)/],
  ['a path through a file', `${file}/python`, /^SX_IMPORT_PYTHON: '.*' cannot be started: .* no folder/],
  ['nothing', '', /^SX_IMPORT_PYTHON: '' cannot be started: that is no name/],
  ['what can be no name', 'py\0thon', /^SX_IMPORT_PYTHON: '.*' cannot be started: that is no name/],
  ['a name too long', 'p'.repeat(100_000), /^SX_IMPORT_PYTHON: 'p{79}…' cannot be started: no name is that long/],
])('a Python that is %s', async (_, python, words) => {
  expect(await refused(python)).toMatch(words)
})

test.each([
  ['says nothing', 'cat >/dev/null', /^SX_IMPORT_PYTHON: .* ended with 0, and said nothing of the model/],
  ['fails', 'echo "No module named json" >&2; exit 3', /ended with 3, .* Its last words: No module named json/],
  ['dies', 'kill -SEGV $$', /was ended by SIGSEGV, and said nothing/],
  ['is killed', 'kill -KILL $$', /was ended by SIGKILL, as systems do where memory runs out, and said nothing/],
  ['says rubbish', 'echo tree; echo "}{"', /ended with 0, and said nothing/],
  ['says what is no object', 'echo 42', /said nothing/],
  ['says null', 'echo null', /said nothing/],
  ['says too little', `echo '{"framework":"x"}'`, /said nothing/],
  ['says an error that is none', `echo '{"error":"no"}'`, /said nothing/],
  ['says rows of nothing', answer({ ...reply, rows: [] }), /said nothing/],
  ['says fewer answers than rows', answer({ ...reply, answers: { numbers: [] } }), /said nothing/],
  ['says numbers for rows', answer({ ...reply, rows: [1] }), /said nothing/],
  ['writes no file', `echo '${JSON.stringify(reply)}'`, /^SX_IMPORT_PYTHON: .* wrote no file/],
  [
    'refuses by a code of its own',
    `echo '{"error":{"code":"SX_NONE","message":"So it is.","fix":null}}'`,
    /^SX_IMPORT_INVALID: So it is\./,
  ],
])('one that %s', async (_, text, words) => {
  expect(await refused(script(text))).toMatch(words)
})

test('one that writes rubbish before its last line, and empty lines after it, is understood', async () => {
  const text = `echo '{"framework":"another"}'; printf 'no end of line\\n\\n'\n${answer()}echo; echo; kill -SEGV $$`
  expect(await converted(script(text))).toMatchObject({ framework: 'lightgbm', rows: 1, outputs: ['y'] })
})

test('one that writes 100 MB before its last line is understood', async () => {
  const python = script(`head -c 100000000 /dev/zero | tr '\\0' 'x' | fold -w 1000\necho\n${answer()}`)
  expect(await converted(python)).toMatchObject({ framework: 'lightgbm' })
})

test('one that writes a line without end is stopped', async () => {
  expect(await refused(script(`yes | tr -d '\\n'`))).toMatch(
    /^SX_IMPORT_PYTHON: .* wrote a line of more than 256.0 MiB/,
  )
})

test('one that hangs is stopped, and what it started with it', async () => {
  const ids = join(folder, 'ids')
  const python = script(`sleep 600 &\necho $! > '${ids}'\necho $$ >> '${ids}'\nwait`)
  expect(await refused(python, { patienceMs: 700 })).toMatch(/had not ended after 700ms, and was stopped\. .*--timeout/)
  for (const id of readFileSync(ids, 'utf8').trim().split('\n')) expect(stateOf(id)).toMatch(/^Z?$/)
})

test('one that leaves something running that holds its output open is not waited for', async () => {
  const began = Date.now()
  expect(await converted(script(`sleep 600 &\n${answer()}`))).toMatchObject({ framework: 'lightgbm' })
  expect(Date.now() - began).toBeLessThan(20_000)
})

/** As ps has it; empty where there is no such process. */
function stateOf(id: string): string {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', id], { encoding: 'utf8' }).trim().slice(0, 1)
  } catch {
    return ''
  }
}

test('as many rows are asked for as a recording can hold', async () => {
  const asked = join(folder, 'asked.json')
  const rowsFor = async (definition: Model): Promise<unknown> => {
    await refused(script(`cat > '${asked}'`), {}, definition)
    return (JSON.parse(readFileSync(asked, 'utf8')) as { readonly rows: unknown }).rows
  }
  expect(await rowsFor(amount)).toBe(512)
  const wide = (name: string, length: number) =>
    model(name, {
      inputs: { request: { a: 'float64' } },
      vector: ({ request }) => Object.fromEntries(Array.from({ length }, (_, i) => [`entry_${i}`, request.a])),
      output: { y: 'number' },
      fallback: () => ({ y: 0 }),
    })
  expect(await rowsFor(wide('wide', 4_000))).toBe(301)
})

test('what is neither a file nor a folder is not opened', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  symlinkSync(join(folder, 'loop'), join(folder, 'loop'))
  const python = script(answer())
  expect(await refused(python, { path: pipe })).toMatch(/^SX_IMPORT_INVALID: Neither a file nor a folder is '/)
  expect(await refused(python, { path: '/dev/zero' })).toMatch(/^SX_IMPORT_INVALID: Neither a file nor a folder/)
  expect(await refused(python, { path: join(folder, 'absent') })).toMatch(/^SX_IMPORT_INVALID: There is no file/)
  expect(await refused(python, { path: join(folder, 'loop') })).toMatch(/^SX_IMPORT_INVALID: There is no file/)
  expect(await refused(python, { path: 'm\0' })).toMatch(/^SX_IMPORT_INVALID: There is no file/)
  expect(existsSync(join(out, 'model.onnx'))).toBe(false)
})

test('a file that somebody changes while it is converted has no version', async () => {
  const python = script(`echo more >> '${file}'\n${answer()}`)
  expect(await refused(python)).toMatch(/^SX_IMPORT_INVALID: While it was converted, somebody changed/)
})

test('a class that the definition does not name is told', async () => {
  const said = { ...reply, classes: ['low', 'huge'], answers: { labels: ['huge'], probabilities: [[0.1, 0.2, 0.7]] } }
  expect(await refused(script(answer(said)), {}, which)).toMatch(
    /^SX_SIGNATURE_MISMATCH: The model answers the class 'huge', which the definition does not name: low, middle, high/,
  )
})

test('an output that is not among the answers is told', async () => {
  const three = { probabilities: [[0.1, 0.2, 0.7]], labels: ['low'] }
  expect(await refused(script(answer({ ...reply, answers: three })), {}, likely)).toMatch(
    /^SX_SIGNATURE_MISMATCH: .* answers probabilities of 3 classes and labels, of which none is the output 'p', a probability/,
  )
  expect(await refused(script(answer({ ...reply, answers: { numbers: [[1, 2]] } })), {}, which)).toMatch(
    /^SX_SIGNATURE_MISMATCH: .* answers 2 numbers, of which none is the output 'verdict', a label/,
  )
})
