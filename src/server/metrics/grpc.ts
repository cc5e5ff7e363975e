/** Calls over gRPC by method and how they ended, counted as they end; under the names that dashboards of gRPC know. */
import type { Families } from './families.ts'

export interface GrpcCounts {
  /** `path`: '/SERVICE/METHOD'; `code`: the name of the status, as 'NOT_FOUND'. */
  add(path: string, code: string): void
  entries(): Iterable<readonly [path: string, byCode: ReadonlyMap<string, number>]>
}

export function grpcCounts(): GrpcCounts {
  const counts = new Map<string, Map<string, number>>()
  return {
    add: (path, code) => {
      let byCode = counts.get(path)
      if (byCode === undefined) {
        byCode = new Map()
        counts.set(path, byCode)
      }
      byCode.set(code, (byCode.get(code) ?? 0) + 1)
    },
    entries: () => counts.entries(),
  }
}

export function grpcMetrics({ counter }: Families): (counts: GrpcCounts) => void {
  const handled = counter(
    'grpc_server_handled_total',
    'Calls over gRPC that ended, by method and status.',
    ...(['grpc_service', 'grpc_method', 'grpc_code'] as const),
  )
  return (counts) => {
    for (const [path, byCode] of counts.entries()) {
      const [, service = '', method = ''] = path.split('/')
      for (const [code, count] of byCode)
        handled.inc({ grpc_service: service, grpc_method: method, grpc_code: code }, count)
    }
  }
}
