/**
 * A folder in which documents are tried: the built package is installed there as a reader would have it, each page has a folder of
 * its own, and a block is written to the file that the comment before it names, `<!-- file platform.ts -->`, or to one with its line
 * number. Blocks of a page see each other's files, and the data that those before have left.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import type { Block } from './markdown.ts'
import { root } from './markdown.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The file of a block of TypeScript, within its page's folder. */
export const fileOf = ({ comments, line }: Block): string =>
  comments.map((comment) => /^file (.+)$/.exec(comment)?.[1]).find((name) => name !== undefined) ?? `line-${line}.ts`

export class Workplace {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sixfold-docs-'))
  readonly #servers: ChildProcess[] = []

  constructor() {
    const modules = join(this.folder, 'node_modules')
    mkdirSync(modules)
    for (const name of readdirSync(join(root, 'node_modules')))
      if (name !== 'sixfold' && name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(modules, name))
    for (const part of ['package.json', 'dist', 'templates'])
      cpSync(join(root, part), join(modules, 'sixfold', part), { recursive: true })
    writeFileSync(join(this.folder, 'package.json'), '{"type":"module"}')
    mkdirSync(join(this.folder, 'bin'))
    const sixfold = join(modules, 'sixfold/dist/runtime/bin.js')
    const jiti = join(root, 'node_modules/jiti/lib/jiti-cli.mjs')
    // npx looks for programs of the project itself; so does this, in a fraction of the time.
    const npx = `#!/bin/sh\nprogram="$1"; shift\ncase "$program" in\n  sixfold) exec "${process.execPath}" "${sixfold}" "$@";;\n  jiti) exec "${process.execPath}" "${jiti}" "$@";;\n  *) echo "no $program" >&2; exit 127;;\nesac\n`
    writeFileSync(join(this.folder, 'bin/npx'), npx, { mode: 0o755 })
  }

  /** The folder of a page. */
  of(page: string): string {
    const folder = join(this.folder, page.replaceAll('/', '+').replace('.md', ''))
    mkdirSync(folder, { recursive: true })
    return folder
  }

  write(block: Block, code: string = block.code): string {
    const file = join(this.of(block.page), fileOf(block))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${code}\n`)
    return file
  }

  /** What the compiler says of these files, under the options that a new project has. */
  check(files: readonly string[]): readonly string[] {
    const program = ts.createProgram(files, {
      strict: true,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      moduleDetection: ts.ModuleDetectionKind.Force,
      target: ts.ScriptTarget.ES2023,
      lib: ['lib.es2023.d.ts'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      allowImportingTsExtensions: true,
      verbatimModuleSyntax: true,
      skipLibCheck: true,
      noEmit: true,
    })
    return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const place =
        file === undefined
          ? ''
          : `${file.fileName.slice(this.folder.length + 1)}:${file.getLineAndCharacterOfPosition(start!).line + 1}: `
      return place + ts.flattenDiagnosticMessageText(messageText, '\n')
    })
  }

  run(page: string, command: string): Ran {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
      cwd: this.of(page),
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, PATH: `${join(this.folder, 'bin')}:${process.env['PATH']}`, FORCE_COLOR: '0' },
    })
    return { code: status, out: stdout, err: stderr }
  }

  /** Starts a server of the page's project; gives what it has said when it is ready. */
  async serve(page: string, command: string): Promise<string> {
    const child = spawn('sh', ['-c', `exec ${command}`], {
      cwd: this.of(page),
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: `${join(this.folder, 'bin')}:${process.env['PATH']}` },
    })
    this.#servers.push(child)
    let said = ''
    return new Promise((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (/ {2}data in .*\n/.test(said)) resolve(said)
      })
      child.on('exit', (code) => reject(new Error(`'${command}' ended with ${code}: ${said}`)))
    })
  }

  async stopServers(): Promise<void> {
    for (const child of this.#servers.splice(0)) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.removeAllListeners('exit')
      if (child.exitCode !== null || !child.kill('SIGTERM')) continue
      child.once('exit', () => {})
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 5_000))])
      child.kill('SIGKILL')
    }
  }

  async close(): Promise<void> {
    await this.stopServers()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })

/** The Python of the benchmarks' peers, where somebody has set it up. */
export const peersPython: string | null = existsSync(join(root, '.peers/venv/bin/python'))
  ? join(root, '.peers/venv/bin/python')
  : null
