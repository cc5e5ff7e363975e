/** What the editor says of a mistake names what was misspelt or missing, and not only the types behind it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, expect, test } from 'vitest'

const folder = import.meta.dirname
const config = join(folder, '../../tsconfig.json')
const files = ['questions.test-d.ts', 'definitions.test-d.ts']

/** The messages of the compiler for the type tests as they would be without the lines that expect an error. */
let messages: readonly { readonly line: string; readonly text: string }[]
beforeAll(() => {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    ts.sys,
    join(folder, '../..'),
  )
  const host = ts.createCompilerHost(options)
  const read = host.readFile
  const bare = (path: string): string | undefined =>
    files.some((file) => path.endsWith(file))
      ? readFileSync(path, 'utf8').replaceAll('// @ts-expect-error', '// expected:')
      : read(path)
  const program = ts.createProgram(
    files.map((file) => join(folder, file)),
    options,
    {
      ...host,
      readFile: bare,
      getSourceFile: (path, language) => {
        const text = bare(path)
        return text === undefined ? undefined : ts.createSourceFile(path, text, language)
      },
    },
  )
  messages = files.flatMap((file) => {
    const source = program.getSourceFile(join(folder, file))!
    const lines = source.text.split('\n')
    return program.getSemanticDiagnostics(source).map(({ start, messageText }) => {
      // The reason stands on the nearest line above that gives one.
      let line = source.getLineAndCharacterOfPosition(start!).line
      while (!lines[line]!.includes('// expected:')) line--
      return { line: lines[line]!.split('// expected: ')[1]!, text: ts.flattenDiagnosticMessageText(messageText, '\n') }
    })
  })
}, 120_000)

test.each([
  ['a misspelt model', "'etaa'"],
  ['a misspelt model', '"etaa"'],
  ['a missing key', "'city' is missing"],
  ['a misspelt key', "'curier'"],
  ['a key of another type', "'string' is not assignable to type 'number"],
  ['a misspelt request field', "'kmm'"],
  ['a missing request field', "'pickup' is missing"],
  ['a text where a number is wanted', "'string' is not assignable to type 'number'"],
  ['an instant is a Date, never a bare number', "'number' is not assignable to type 'Date'"],
  ['a misspelt output', "'minuts'"],
  ['a misspelt view', "'paces'"],
  ['a misspelt feature', "'mean_2d'"],
  ['a misspelt field', "'minuts'"],
  ['a misspelt type', '"flot64"'],
  ['the time column is misspelt', '"deliverd"'],
  ['a misspelt column', "'minuts'"],
  ['a misspelt request field', "'kmm'"],
  ['an aggregate without its window', 'Aggregate'],
  ['a value at a moment mixed with one of an event', `"event"' is not assignable to type '"moment"'`],
  ['two views with a key of one name and two types', 'views disagree on the type of the key'],
  ['the fallback gives a label that the model has not', '"wait"'],
  ["the platform's type is wanted, and not that of a definition", 'Platform'],
])('%s: the message says %s', (line, says) => {
  const told = messages.filter((message) => message.line.startsWith(line)).map(({ text }) => text)
  expect(told.join('\n')).toContain(says)
})

test('each mistake is told once or twice, in a few lines', () => {
  expect(messages.length).toBeGreaterThan(60)
  for (const { line, text } of messages) expect(text.split('\n').length, `${line}\n${text}`).toBeLessThan(14)
})
