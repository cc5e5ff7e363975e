/** The console's files, read once: they are few, and part of the package. */

import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'

export type ConsoleFiles = ReadonlyMap<
  string,
  { readonly type: string; readonly bytes: Buffer; readonly immutable: boolean }
>

const types: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
}

/** Null where the console was not built. */
export function readConsole(folder: string): ConsoleFiles | null {
  const files = new Map<string, { type: string; bytes: Buffer; immutable: boolean }>()
  const walk = (path: string, at: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) walk(join(path, entry.name), `${at}${entry.name}/`)
      else
        files.set(`${at}${entry.name}`, {
          type: types[extname(entry.name)] ?? 'application/octet-stream',
          bytes: readFileSync(join(path, entry.name)),
          immutable: at.startsWith('/assets/'),
        })
    }
  }
  try {
    walk(folder, '/')
  } catch {
    return null
  }
  const index = files.get('/index.html')
  if (index === undefined) return null
  return files.set('/', index)
}

export function serveConsole(app: FastifyInstance, files: ConsoleFiles): void {
  for (const [path, { type, bytes, immutable }] of files)
    app.get(path, { config: { needs: 'nothing' } }, async (_, reply) =>
      reply
        .type(type)
        .header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
        .header(
          'content-security-policy',
          "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
        )
        .header('x-content-type-options', 'nosniff')
        .send(bytes),
    )
}
