/** Following a log that only this process writes: it looks, some times a second, whether there is more than was taken. */
import type { EventLog, Following, Take } from '../../ports/event-log.ts'

const lookMs = 250

export function followByLooking(log: EventLog, topics: readonly string[], take: Take): Following {
  const taken = new Map<string, number>()
  let looking: Promise<void> | null = null
  const look = async (): Promise<void> => {
    for (const topic of topics) {
      const [end] = await log.ends(topic)
      if (taken.has(topic) && taken.get(topic)! >= end!) continue
      try {
        taken.set(topic, await take(topic, 0))
      } catch {
        // It is taken again the next time; whoever takes knows why it failed.
      }
    }
  }
  const begin = (): void => {
    looking ??= look().finally(() => {
      looking = null
    })
  }
  const timer = setInterval(begin, lookMs)
  timer.unref()
  begin()
  return {
    assigned: topics.map((topic) => ({ topic, partition: 0 })),
    close: async () => {
      clearInterval(timer)
      if (looking !== null) await looking
    },
  }
}
