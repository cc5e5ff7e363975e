/** What Kafka says of itself, and of the topics of one log. */
import { ConfigResourceTypes, describeConfigsV4, metadataV12 } from '@platformatic/kafka'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'
import type { Fact } from '../report.ts'
import { problemOf, roundTripOf } from '../report.ts'
import type { Cluster } from './cluster.ts'
import { lasting, unavailable } from './errors.ts'
import type { FollowedGroup } from './follow.ts'
import type { Topics, TopicsOptions } from './topics.ts'
import { kafkaVersion } from './versions.ts'

const appendBytes = 8 * 1024 * 1024

export async function inspectKafka(
  { cluster, topics }: { readonly cluster: Cluster; readonly topics: Topics },
  { prefix, replication }: TopicsOptions,
  followed: readonly FollowedGroup[],
): Promise<StoreReport> {
  const report = {
    technology: 'Kafka',
    where: `${cluster.where}, topics ${prefix}.*`,
    version: null as string | null,
    roundTripMs: null as number | null,
    facts: [] as Fact[],
    problems: [] as StoreProblem[],
  }
  try {
    report.roundTripMs = await roundTripOf(() => cluster.ask('any', 'inspect', metadataV12.api, [[], false, false]))
    report.version = await kafkaVersion(cluster)
    const names = await topics.all()
    const places = new Map(
      await Promise.all(names.map(async (topic) => [topic, (await cluster.placeOf(topics.nameOf(topic)))!] as const)),
    )
    const all = [...places.values()]
    report.facts.push(
      { name: 'cluster', value: cluster.id },
      { name: 'brokers', value: cluster.brokers.map((broker) => cluster.addressOf(broker)).join(', ') },
      { name: 'topics', value: String(names.length) },
      { name: 'partitions', value: String(all.reduce((sum, { leaders }) => sum + leaders.length, 0)) },
      ...followed.map(({ group, assigned, lag }) => ({
        name: `lag of ${group}`,
        value: `${lag} entries, in ${assigned.length} partitions of this process`,
      })),
    )
    for (const [topic, { leaders, replicas, inSync }] of places) {
      const behind = replicas.filter((count, partition) => inSync[partition]! < count).length
      const few = replicas.filter((count) => count < Math.min(2, cluster.brokers.length)).length
      if (leaders.some((leader) => leader < 0))
        report.problems.push({
          severity: 'error',
          what: `Topic '${prefix}.${topic}' has partitions that no broker leads.`,
          fix: 'Start the brokers that hold them.',
        })
      else if (behind > 0)
        report.problems.push({
          severity: 'warning',
          what: `Topic '${prefix}.${topic}' has ${behind} partitions with fewer replicas in sync than it should have.`,
          fix: 'See why replicas lag: a broker is away, or its disk or network cannot keep up.',
        })
      if (few > 0)
        report.problems.push({
          severity: 'warning',
          what: `Topic '${prefix}.${topic}' has one replica: what is acknowledged is lost with its broker.`,
          fix: 'Configure a replication of 2 or 3, and reassign the partitions of topics that exist.',
        })
    }
    if (cluster.brokers.length < replication)
      report.problems.push({
        // Topics that have so many say that brokers are away.
        severity: all.some(({ replicas }) => replicas.includes(replication)) ? 'warning' : 'error',
        what: `A replication of ${replication} is configured; the cluster has ${cluster.brokers.length} brokers.`,
        fix: 'Start the brokers that are away, or configure a replication that the cluster can hold.',
      })
    const replicated = names.filter((topic) => places.get(topic)!.replicas.every((count) => count >= 3))
    report.problems.push(...(await settingsOf(cluster, prefix, names, replicated)))
    for (const { group, failure } of followed) {
      if (failure === null) continue
      const denied = lasting(failure, cluster.where)
      const why = failure instanceof Error ? failure.message : String(failure)
      // A coordinator that has just started, or is moved, says so for some seconds, and the group is joined after.
      report.problems.push(
        denied === null
          ? {
              severity: 'warning',
              what: `Group '${group}' is not joined at present: ${why}. It is tried again.`,
              fix: 'Nothing, where it is over soon. Otherwise look at the brokers: their coordinator of groups does not answer.',
            }
          : {
              severity: 'error',
              what: `Group '${group}' cannot be joined: ${denied.message}`,
              fix: `Grant this user Read on groups that begin with '${prefix}.'.`,
            },
      )
    }
  } catch (error) {
    const known = lasting(error, cluster.where) ?? unavailable(cluster.where, 'it could not be asked', error)
    report.problems.push(problemOf(known, known.fix))
  }
  return report
}

/** Whether the topics keep what is put into them, and take what may be appended at once. */
async function settingsOf(
  cluster: Cluster,
  prefix: string,
  names: readonly string[],
  replicated: readonly string[],
): Promise<StoreProblem[]> {
  const problems: StoreProblem[] = []
  if (names.length === 0) return problems
  const { results } = await cluster.ask('any', 'inspect', describeConfigsV4.api, [
    names.map((topic) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName: `${prefix}.${topic}`,
      configurationKeys: [
        'retention.ms',
        'retention.bytes',
        'cleanup.policy',
        'max.message.bytes',
        'min.insync.replicas',
      ],
    })),
    false,
    false,
  ])
  for (const { errorCode, resourceName, configs } of results) {
    // Who may not see the settings can use the topic all the same.
    if (errorCode !== 0) continue
    const settings = new Map(configs.map(({ name, value }) => [name, value]))
    const kept = settings.get('retention.ms') === '-1' && settings.get('retention.bytes') === '-1'
    if (!kept || settings.get('cleanup.policy') !== 'delete')
      problems.push({
        severity: 'warning',
        what: `Topic '${resourceName}' forgets (retention.ms ${settings.get('retention.ms')}, retention.bytes ${settings.get('retention.bytes')}, cleanup.policy ${settings.get('cleanup.policy')}): state that is rebuilt lacks what is gone.`,
        fix: `Set retention.ms=-1, retention.bytes=-1 and cleanup.policy=delete for topic '${resourceName}'.`,
      })
    if (settings.get('min.insync.replicas') === '1' && replicated.includes(resourceName.slice(prefix.length + 1)))
      problems.push({
        severity: 'warning',
        what: `Topic '${resourceName}' acknowledges what one replica has while the others lag (min.insync.replicas=1).`,
        fix: `Set min.insync.replicas=2 for topic '${resourceName}'.`,
      })
    const most = Number(settings.get('max.message.bytes'))
    if (most < appendBytes)
      problems.push({
        severity: 'warning',
        what: `Topic '${resourceName}' takes ${most} bytes at once; a request may hold more.`,
        fix: `Set max.message.bytes to ${appendBytes} or more for topic '${resourceName}', or lower limits.bodyBytes.`,
      })
  }
  return problems
}
