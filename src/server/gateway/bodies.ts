/** Bodies of JSON: unpacked where they come compressed, within the limit, and read. */
import type { FastifyInstance } from 'fastify'
import { parseJson } from '../json.ts'
import { unpacked } from './encoding.ts'

/** For all routes of this scope; whatever is declared as something else is refused. */
export function takeJson(
  app: FastifyInstance,
  { bodyBytes, bodyDepth }: { readonly bodyBytes: number; readonly bodyDepth: number },
): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding']
    const read = (bytes: Buffer): void => {
      let value: unknown
      try {
        value = parseJson(bytes, bodyDepth)
      } catch (error) {
        done(error as Error)
        return
      }
      done(null, value)
    }
    if (encoding === undefined) return read(body as Buffer)
    unpacked(body as Buffer, encoding, bodyBytes).then(read, done)
  })
}
