/** Which Kafka this is, and whether it understands what is said to it here: one version of each request, which brokers know since 3.2. */
import {
  apiVersionsV3,
  createTopicsV7,
  describeConfigsV4,
  fetchV12,
  findCoordinatorV4,
  heartbeatV4,
  initProducerIdV4,
  joinGroupV7,
  leaveGroupV4,
  listOffsetsV7,
  metadataV12,
  offsetCommitV8,
  produceV9,
  syncGroupV5,
} from '@platformatic/kafka'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Cluster } from './cluster.ts'

const spoken = [
  ...[createTopicsV7, describeConfigsV4, fetchV12, findCoordinatorV4, heartbeatV4, initProducerIdV4, joinGroupV7],
  ...[leaveGroupV4, listOffsetsV7, metadataV12, offsetCommitV8, produceV9, syncGroupV5],
].map(({ api }) => api)

/** Brokers do not say their version; what they understand tells it: since which one they know a version of a request. */
const since: readonly (readonly [kafka: string, request: number, version: number])[] = [
  ['4.1 or newer', produceV9.api.key, 13],
  ['4.0', produceV9.api.key, 12],
  ['3.9', fetchV12.api.key, 17],
  ['3.7', produceV9.api.key, 10],
  ['3.5', fetchV12.api.key, 15],
  ['3.2', joinGroupV7.api.key, 9],
]

export async function kafkaVersion(cluster: Cluster): Promise<string> {
  const { apiKeys } = await cluster.ask('any', 'control', apiVersionsV3.api, ['sixfold', '1'])
  const known = new Map(apiKeys.map((api) => [api.apiKey, api]))
  const found = since.find(([, request, version]) => (known.get(request)?.maxVersion ?? -1) >= version)
  const kafka = found?.[0] ?? 'older than 3.2'
  for (const { key, version } of spoken) {
    const { minVersion, maxVersion } = known.get(key) ?? { minVersion: 0, maxVersion: -1 }
    if (version < minVersion || version > maxVersion)
      throw new SixfoldError(
        'SX_CONFIG_INVALID',
        `The Kafka at ${cluster.where} (${kafka}) does not know request ${key} in version ${version}.`,
        {
          fix: 'Use Kafka 3.2 or newer.',
        },
      )
  }
  return kafka
}
