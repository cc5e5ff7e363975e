/** Every link within the repository leads somewhere: to a file or folder, and where it names one, to a heading. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { anchorsOf, linksOf, pages, root } from './markdown.ts'

test.each(pages)('%s: links resolve', (page) => {
  const broken = linksOf(page)
    .filter((target) => !/^(https?|mailto):/.test(target))
    .filter((target) => {
      const [path, anchor] = target.split('#') as [string, string | undefined]
      const file = path === '' ? page : normalize(join(dirname(page), path))
      if (!existsSync(join(root, file))) return true
      return anchor !== undefined && !(file.endsWith('.md') && anchorsOf(file).has(anchor))
    })
  expect(broken).toEqual([])
})

test('docs/README.md leads to every document', () => {
  const listed = linksOf('docs/README.md').map((target) => normalize(join('docs', target)))
  const records = linksOf('docs/decisions/README.md').map((target) => normalize(join('docs/decisions', target)))
  const documents = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
  expect(documents.filter((page) => ![...listed, ...records].includes(page))).toEqual([])
})

test('documents that the code names exist', () => {
  const files = execFileSync('git', ['ls-files', 'src', 'tests', 'drills', 'benchmarks', 'scripts', 'examples'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => /\.(ts|mjs|py)$/.test(file) && existsSync(join(root, file)))
  const broken = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?<![\w./])docs\/[\w./-]+\.(?:md|svg)/g)]
      .map(([path]) => path)
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${file}: ${path}`),
  )
  expect(broken).toEqual([])
})
