/** OpenAPI: what can be asked of this server, for people, clients and tests that are generated from it. */
import type { FastifyInstance } from 'fastify'
import { routesOn } from '../routes.ts'
import type { OpenApiOptions } from './document.ts'
import { openApi } from './document.ts'

export type { OpenApiDocument, OpenApiOptions } from './document.ts'
export { documentedElsewhere, openApi, operations } from './document.ts'

export function openApiRoutes(app: FastifyInstance, options: OpenApiOptions): void {
  /** Definitions do not change while a server runs. */
  let text: string | null = null
  const routes = routesOn(app)
  routes.get('/openapi.json', 'read', async (_, reply) => {
    text ??= JSON.stringify(openApi(options))
    return reply.type('application/json').send(text)
  })
  routes.end()
}
