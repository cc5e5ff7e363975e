/**
 * Brings what changed to its receivers: at least once, and to each in the order of the changes. What is to be told was written down with the
 * change; each delivery is taken for half a minute, sent, and settled. A process that dies in between has sent it, and another sends it again,
 * with the same id.
 */
import { atMost } from '../../kernel/persist.ts'
import type { Delivery, RegistryStore } from '../../ports/registry-store.ts'
import type { WebhookSender } from '../../ports/webhook-sender.ts'
import { NotSent } from '../../ports/webhook-sender.ts'
import { headersOf, isPrompt, messageOf, mlflowNameOf } from './payload.ts'

export interface WebhookDeliveryOptions {
  readonly store: Pick<RegistryStore, 'takeDeliveries' | 'settleDelivery' | 'model'>
  readonly sender: WebhookSender
  /** Of the machine: receivers compare the time with their own. */
  now(): number
  /** What will not be tried again by itself. */
  gaveUp(delivery: Delivery, error: string): void
}

export interface WebhookDelivery {
  /**
   * Begins to send what is due, and resolves when that is under way: a receiver that is slow keeps nobody else waiting. Rejects with what the
   * store failed with, now or since the last time.
   */
  turn(): Promise<void>
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
  close(): Promise<void>
}

/** At once, to different receivers. */
const most = 32
/** Longer than a receiver and the store may take together: nobody else sends what is under way here. */
const leaseMs = 30_000
const closeMs = 2_000

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000]
const pauses = [5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute]
const longestPause = hour
/** After the pauses above at the earliest: what waited behind others has had none yet. */
const patience = 3 * day

/** Null: it is given up. */
export function pauseAfterAttempt(attempts: number, ageMs: number): number | null {
  if (attempts > pauses.length && ageMs > patience) return null
  return pauses[attempts - 1] ?? longestPause
}

export function webhookDelivery({ store, sender, now, gaveUp }: WebhookDeliveryOptions): WebhookDelivery {
  let sending: Promise<void> | null = null
  const failures: unknown[] = []
  let closed = false

  const deliver = async (delivery: Delivery): Promise<void> => {
    const { id, webhook, entry, attempts } = delivery
    const prompt = webhook.form === 'mlflow' && (await isOfPrompt(store, delivery))
    const name = webhook.form === 'mlflow' ? mlflowNameOf(entry, prompt) : null
    // Told of models, and this is a prompt's, or the other way about.
    if (webhook.form === 'mlflow' && (name === null || !webhook.events.includes(name)))
      return store.settleDelivery(id, { error: null, next: null }, now())
    const message = messageOf(webhook, entry, prompt)
    const failed = await sender.post(webhook.url, headersOf(webhook, message, now()), message.body).then(
      ({ status, retryAfterMs }) =>
        status >= 200 && status < 300 ? null : { error: `The receiver answered with ${status}.`, retryAfterMs },
      (error: unknown) => {
        if (error instanceof NotSent) return { error: `The receiver ${error.message}.`, retryAfterMs: null }
        throw error
      },
    )
    // Whoever ends does not know whether it arrived: it is sent again when the lease is over.
    if (failed !== null && closed) return
    if (failed === null) return store.settleDelivery(id, { error: null, next: null }, now())
    const pause = pauseAfterAttempt(attempts + 1, now() - entry.at)
    const next = pause === null ? null : now() + Math.max(pause, Math.min(failed.retryAfterMs ?? 0, day))
    await store.settleDelivery(id, { error: failed.error, next }, now())
    if (next === null) gaveUp(delivery, failed.error)
  }

  /** As each ends, the next of its webhook can be taken: one that is slow keeps no other waiting. */
  const sendAll = async (begun: () => void): Promise<void> => {
    const flying = new Set<Promise<void>>()
    const failed = (error: unknown): void => void failures.push(error)
    let trusted = true
    for (;;) {
      const room = closed || !trusted ? 0 : most - flying.size
      const taken: readonly Delivery[] =
        room === 0
          ? []
          : await store.takeDeliveries(room, now(), leaseMs).catch((error) => {
              trusted = false
              failed(error)
              return []
            })
      begun()
      for (const one of taken) {
        const flight = deliver(one)
          .catch((error: unknown) => {
            trusted = false
            failed(error)
          })
          .finally(() => flying.delete(flight))
        flying.add(flight)
      }
      if (flying.size === 0) return
      if (taken.length === 0 || flying.size >= most) await Promise.race(flying)
    }
  }
  const tell = (): void => {
    const [first] = failures.splice(0)
    if (first !== undefined) throw first
  }

  return {
    turn: async () => {
      if (sending === null)
        await new Promise<void>((begun) => {
          sending = sendAll(begun).finally(() => {
            sending = null
          })
        })
      tell()
    },
    idle: async () => {
      await sending
      tell()
    },
    close: async () => {
      closed = true
      const last = sending as Promise<void> | null
      if (last === null) return
      await atMost(closeMs, last)
      sender.close()
      await last
    },
  }
}

async function isOfPrompt(store: Pick<RegistryStore, 'model'>, { entry }: Delivery): Promise<boolean> {
  if (entry.action === 'model.created')
    return isPrompt((entry.details['tags'] ?? {}) as { readonly [key: string]: string })
  const model = entry.model === null ? null : await store.model(entry.model)
  return model !== null && isPrompt(model.tags)
}
