/**
 * What every command of the repository needs first: the packages of the lockfile, and the package built. Both are left alone where
 * nothing has changed since. Plain JavaScript without imports from packages, because it runs before there are any.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Runs a command with its output shown; ends this process with its code if it fails. */
export function run(command, args, environment = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
    shell: process.platform === 'win32',
  })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** A program of node_modules/.bin, run by this very Node. */
export function bin(name, ...args) {
  return [join(root, 'node_modules/.bin', process.platform === 'win32' ? `${name}.cmd` : name), args]
}

export function install() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(`Sixfold needs Node 20.19 or newer; this is ${process.versions.node}.\n`)
    process.exit(1)
  }
  const stamp = join(root, 'node_modules/.package-lock.json')
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs) return
  say('Installing the packages')
  run('npm', ['ci', '--loglevel=error'])
  const now = new Date()
  utimesSync(stamp, now, now)
}

export function build() {
  if (newest('src', 'tsconfig.json', 'tsconfig.build.json') > made('dist/.built')) {
    say('Building the package')
    for (const entry of existsSync(join(root, 'dist')) ? readdirSync(join(root, 'dist')) : [])
      if (entry !== 'console') rmSync(join(root, 'dist', entry), { recursive: true })
    run(...bin('tsc', '-p', 'tsconfig.build.json'))
    writeFileSync(join(root, 'dist/.built'), '')
  }
  if (existsSync(join(root, 'console')) && newest('console') > made('dist/console/index.html')) {
    say('Building the console')
    run('npm', ['run', '--silent', 'build:console'])
  }
}

export function say(text) {
  process.stdout.write(`\n— ${text}\n`)
}

function made(path) {
  const full = join(root, path)
  return existsSync(full) ? statSync(full).mtimeMs : 0
}

/** The latest change in these files and folders. */
function newest(...paths) {
  let latest = 0
  for (const path of paths) {
    const full = join(root, path)
    const stats = statSync(full)
    if (!stats.isDirectory()) latest = Math.max(latest, stats.mtimeMs)
    else
      for (const entry of readdirSync(full))
        if (entry !== 'node_modules' && entry !== 'dist') latest = Math.max(latest, newest(join(path, entry)))
  }
  return latest
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  install()
  build()
}
