/** Taking in whatever comes into the log, of all sources, as one of the servers that share the work. */
import type { EventLog, Following } from '../ports/event-log.ts'
import type { Lane } from './lane.ts'
import type { Stream } from './stream.ts'

export interface Followed {
  readonly name: string
  /** Of what is pushed. */
  readonly lanes: readonly Lane[]
  readonly stream: Stream | null
}

/** A topic of others may come to exist later. */
const lookForTopicsMs = 5_000

export async function followAll(sources: readonly Followed[], log: EventLog): Promise<Following> {
  const followings: Following[] = []
  const follow = async (lanes: readonly Lane[], group: string): Promise<void> => {
    const topics = [...new Set(lanes.map(({ place }) => place.topic))]
    const take = async (topic: string, partition: number): Promise<number> => {
      const lane = lanes.find(({ place }) => place.topic === topic && place.partition === partition)!
      await lane.catchUp()
      return lane.position()
    }
    if (topics.length > 0) followings.push(await log.follow(topics, group, take))
  }
  await follow(
    sources.flatMap(({ lanes }) => lanes),
    'state',
  )
  let waiting = sources.flatMap(({ name, stream }) => (stream === null ? [] : [{ name, stream }]))
  const look = async (): Promise<void> => {
    for (const one of waiting) {
      if (!(await one.stream.open())) continue
      await follow(one.stream.lanes, `stream.${one.name}`)
      waiting = waiting.filter((other) => other !== one)
    }
  }
  let looking = look().catch(() => {})
  const timer = setInterval(() => {
    looking = looking.then(look).catch(() => {})
  }, lookForTopicsMs)
  timer.unref()
  return {
    get assigned() {
      return followings.flatMap(({ assigned }) => assigned)
    },
    close: async () => {
      clearInterval(timer)
      await looking
      await Promise.all(followings.map((one) => one.close()))
    },
  }
}
