/** Routes, what each needs beside it, and the refusal of every other method of their paths. */
import type { FastifyInstance, RouteHandlerMethod } from 'fastify'
import type { Right } from '../api/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { Needs } from './access.ts'

/** A right alone is meant of the model that the path names, if it names one. */
type Add = (path: string, needs: Right | Needs | 'nothing', handler: RouteHandlerMethod) => void

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Routes {
  readonly get: Add
  readonly post: Add
  readonly put: Add
  readonly delete: Add
  add(method: Method, ...route: Parameters<Add>): void
  /** After the last: methods that a path does not have are refused. */
  end(): void
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const

/** `streams`: their bodies are as long as they are. */
export function routesOn(app: FastifyInstance, { streams = false } = {}): Routes {
  const served = new Map<string, string[]>()
  const add =
    (method: Method): Add =>
    (url, needs, handler) => {
      app.route({ method, url, handler, config: { needs: needsOf(url, needs), streams } })
      served.set(url, [...(served.get(url) ?? []), ...(method === 'GET' ? ['GET', 'HEAD'] : [method])])
    }
  return {
    get: add('GET'),
    post: add('POST'),
    put: add('PUT'),
    delete: add('DELETE'),
    add: (method, ...route) => add(method)(...route),
    end: () => {
      for (const [path, allowed] of served) refuseOthers(app, path, allowed)
    },
  }
}

const needsOf = (url: string, needs: Right | Needs | 'nothing'): Needs | 'nothing' =>
  typeof needs !== 'string' || needs === 'nothing'
    ? needs
    : { right: needs, ...(url.includes('/:model') ? { model: 'model' } : {}) }

/** Before the body is read: whatever it holds, the method is what is wrong. */
function refuseOthers(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  const list = allowed.join(', ')
  app.route({
    method: methods.filter((method) => !allowed.includes(method)),
    url,
    config: { needs: 'nothing', refuses: true },
    onRequest: (request, reply, done) => {
      reply.header('allow', list)
      done(
        new SixfoldError('SX_METHOD_NOT_ALLOWED', `${request.method} is not allowed at ${shorten(request.url, 200)}.`, {
          fix: `Use ${list}.`,
        }),
      )
    },
    handler: () => null,
  })
}
