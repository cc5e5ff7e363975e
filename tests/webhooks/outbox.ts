/** The part of a registry's memory that deliveries lie in, as its laws say, in memory. */
import { randomBytes } from 'node:crypto'
import type {
  AuditEntry,
  Change,
  Delivery,
  RegisteredModel,
  RegistryStore,
  Webhook,
} from '../../src/ports/registry-store.ts'
import { noEntry } from '../../src/ports/registry-store.ts'
import { concerns } from '../../src/ports/webhook-events.ts'

export interface Outbox
  extends Pick<RegistryStore, 'takeDeliveries' | 'settleDelivery' | 'deliveries' | 'webhooks' | 'model'> {
  readonly hooks: Webhook[]
  readonly all: Delivery[]
  readonly models: Map<string, RegisteredModel>
  change(action: Change['kind'], entry?: Partial<AuditEntry>): AuditEntry
}

export const webhook = (url: string, more: Partial<Webhook> = {}): Webhook => ({
  id: `wh-${randomBytes(4).toString('hex')}`,
  name: 'ci',
  url,
  events: ['*'],
  models: [],
  secret: null,
  description: null,
  active: true,
  createdAt: 0,
  updatedAt: 0,
  form: 'sixfold',
  ...more,
})

export function outbox(now: () => number): Outbox {
  const leases = new Map<number, number>()
  let number = 0
  const self: Outbox = {
    hooks: [],
    all: [],
    models: new Map(),
    change: (action, more = {}) => {
      const entry: AuditEntry = {
        ...{ number: ++number, id: randomBytes(16).toString('hex'), at: now(), actor: 'key:ana', action },
        ...{
          model: 'late',
          version: 3,
          environment: null,
          reason: null,
          details: {},
          previous: noEntry,
          hash: noEntry,
        },
        ...more,
      }
      for (const hook of self.hooks)
        if (concerns(hook, entry))
          self.all.push({
            ...{ id: self.all.length + 1, webhook: hook, entry, attempts: 0, state: 'waiting' as const },
            ...{ error: null, nextAt: now(), settledAt: null },
          })
      return entry
    },
    takeDeliveries: async (limit, at, leaseMs) => {
      const oldest = new Map<string, Delivery>()
      for (const one of self.all)
        if (one.state === 'waiting' && !oldest.has(one.webhook.id)) oldest.set(one.webhook.id, one)
      const due = [...oldest.values()].filter(({ id, nextAt }) => nextAt! <= at && (leases.get(id) ?? 0) <= at)
      for (const { id } of due.slice(0, limit)) leases.set(id, at + leaseMs)
      return due.slice(0, limit)
    },
    settleDelivery: async (id, { error, next }, at) => {
      const i = self.all.findIndex((one) => one.id === id)
      leases.delete(id)
      const state = next !== null ? 'waiting' : error === null ? 'delivered' : 'given up'
      const attempts = self.all[i]!.attempts + 1
      self.all[i] = { ...self.all[i]!, attempts, error, nextAt: next, state, settledAt: next === null ? at : null }
    },
    deliveries: async ({ webhook: id, limit }) =>
      self.all
        .filter((one) => one.webhook.id === id)
        .reverse()
        .slice(0, limit),
    webhooks: async () => self.hooks,
    model: async (name) => self.models.get(name) ?? null,
  }
  return self
}
