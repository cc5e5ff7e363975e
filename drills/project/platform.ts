/** What the drills run: payments of accounts, with every kind of state that must survive. */
import { count, distinct, entity, last, model, parquet, platform, source, sum, view } from 'sixfold'

const account = entity('account', { key: { account: 'string' } })

const payments = source('payments', {
  fields: { id: 'string', account: 'string', amount: 'int64', shop: 'string', at: 'timestamp' },
  time: 'at',
  id: 'id',
  history: parquet(process.env['DRILL_HISTORY'] ?? 'history.parquet'),
})

const spending = view('spending', {
  entity: account,
  source: payments,
  features: ({ amount, shop }) => ({
    payments: count().ever(),
    total: sum(amount).ever(),
    shops: distinct(shop).ever(),
    latest: last(amount).ever(),
    payments_1h: count().over('1h'),
    total_1d: sum(amount).over('1d'),
  }),
})

const risky = model('risky', {
  inputs: { spending },
  vector: ({ spending: { payments, total } }) => ({ payments, total }),
  output: { risky: 'probability' },
  fallback: ({ spending: { payments } }) => ({ risky: payments.gt(100).choose(0.9, 0.1) }),
})

export default platform({ account, payments, spending, risky })
