/** The project's own modules: its configuration and its definitions, as they are on disk now. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createJiti } from 'jiti'
import type { Platform } from '../definition/graph.ts'
import { isSixfoldError, SixfoldError } from '../kernel/errors.ts'

/** Definitions are TypeScript, which this Node may not read by itself. Modules of the package stay the package's own. */
export async function load(
  file: string,
  code: 'SX_CONFIG_INVALID' | 'SX_DEFINITION_INVALID',
): Promise<Record<string, unknown>> {
  const jiti = createJiti(pathToFileURL(file).href, {
    moduleCache: true,
    interopDefault: false,
    nativeModules: ['sixfold'],
  })
  try {
    return (await jiti.import(file)) as Record<string, unknown>
  } catch (error) {
    throw inFile(error, file, code)
  }
}

/** What a project's own modules throw is the project's to mend: it is told with the place that it came from. */
function inFile(error: unknown, file: string, code: 'SX_CONFIG_INVALID' | 'SX_DEFINITION_INVALID'): SixfoldError {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  if (isSixfoldError(error)) {
    const place = placeIn(stack, file)
    return place === null
      ? error
      : new SixfoldError(error.code, `${place}: ${error.message}`, {
          fix: error.fix,
          details: error.details,
          cause: error,
        })
  }
  const said = message.split('\nRequire stack:')[0]!.replace(/\s*\n\s*/g, ' ')
  return new SixfoldError(code, `${placeIn(stack, file) ?? file}: ${said}`, {
    fix: 'Correct that file.',
    cause: error,
  })
}

/** The uppermost place of a stack that lies in the project and not in a package. */
function placeIn(stack: string, file: string): string | null {
  const folder = dirname(file)
  for (const [, path, line] of stack.matchAll(/\(?(?:file:\/\/)?(\/[^():\n]+|[A-Za-z]:[^():\n]+):(\d+):\d+\)?/g))
    if (path!.startsWith(folder) && !path!.includes('node_modules')) return `${path}:${line}`
  return null
}

/** The platform that a module exports. Throws SX_CONFIG_INVALID where there is none. */
export async function loadPlatform(file: string, config: string): Promise<Platform> {
  if (!existsSync(file))
    throw new SixfoldError('SX_CONFIG_INVALID', `${config}: 'platform' names '${file}', which does not exist.`)
  const module = await load(file, 'SX_DEFINITION_INVALID')
  const found = [module['default'], module['platform'], ...Object.values(module)].find(
    (value): value is Platform => (value as Platform | null)?.kind === 'platform',
  )
  if (found === undefined)
    throw new SixfoldError('SX_CONFIG_INVALID', `'${file}' exports no platform.`, {
      fix: 'export default platform({ … })',
    })
  return found
}

/** Modules that were loaded before are read again: they may have changed. Packages are not. */
export function forget(): void {
  const { cache } = createRequire(import.meta.url)
  for (const path of Object.keys(cache)) if (!/[\\/]node_modules[\\/]/.test(path)) delete cache[path]
}
