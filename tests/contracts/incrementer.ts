/** A process of its own that adds one to a key of an online store in Redis, again and again: `incrementer.ts URL PREFIX TIMES`. */
import { redisOnlineStore } from '../../src/adapters/redis/online-store.ts'
import { increment, keyOf } from '../../src/testing/online-store-tools.ts'

const [url, prefix, times] = process.argv.slice(2)
const store = await redisOnlineStore({
  ...{ url: url!, username: null, password: null, prefix: prefix! },
  ...{ readMs: 2_000, patienceMs: 30_000 },
})
// Several at once, over keys of which one is shared by all.
const [shared, others] = [keyOf(1), [keyOf(2), keyOf(3), keyOf(4)]]
await Promise.all(
  others.map(async (other) => {
    for (let i = 0; i < Number(times); i++) await increment(store, shared, other)
  }),
)
await store.close()
