/** Families of metrics in a registry: those that prom-client has, and histograms that were counted elsewhere. */
import type { Metric } from 'prom-client'
import { Counter, Gauge, type Registry } from 'prom-client'

export interface Families {
  gauge<L extends string>(name: string, help: string, ...labels: L[]): Gauge<L>
  counter<L extends string>(name: string, help: string, ...labels: L[]): Counter<L>
  histogram(name: string, help: string, bounds: readonly number[]): CountedHistogram
}

/** prom-client's own histogram takes value by value; what is counted already is given to this one as it is. */
export interface CountedHistogram {
  /** `counts` by bucket, one more than there are bounds; not yet added up. */
  set(labels: Readonly<Record<string, string>>, counts: readonly number[], sum: number): void
}

export const familiesIn = (registry: Registry): Families => ({
  gauge: (name, help, ...labelNames) => new Gauge({ name, help, labelNames, registers: [registry] }),
  counter: (name, help, ...labelNames) => new Counter({ name, help, labelNames, registers: [registry] }),
  histogram: (name, help, bounds) => countedHistogram(registry, name, help, bounds),
})

interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

function countedHistogram(registry: Registry, name: string, help: string, bounds: readonly number[]): CountedHistogram {
  let samples: Sample[] = []
  const metric = {
    name,
    help,
    reset: () => {
      samples = []
    },
    get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: samples }),
  }
  // What a registry asks of a metric is no more than this; the type also has what its own constructors take.
  registry.registerMetric(metric as unknown as Metric)
  const les = [...bounds.map(String), '+Inf']
  return {
    set: (labels, counts, sum) => {
      let passed = 0
      les.forEach((le, i) => {
        passed += counts[i] ?? 0
        samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: passed })
      })
      samples.push({ metricName: `${name}_sum`, labels, value: sum })
      samples.push({ metricName: `${name}_count`, labels, value: passed })
    },
  }
}
