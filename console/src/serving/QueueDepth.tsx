/** Rows that waited and ran, each time the server was asked since this page was opened. */
import { useEffect, useState } from 'react'
import type { ModelStatus } from '../data/wire.ts'
import { count } from '../format.ts'
import { Sparkline } from '../parts/Sparkline.tsx'

interface Sample {
  readonly at: number
  readonly waiting: number
  readonly running: number
}

const kept = 600
/** Between two rows the axis has no figure. */
const rows = (n: number): string => (Number.isInteger(n) ? count(n) : '')

export function QueueDepth({ status, at }: { readonly status: ModelStatus; readonly at: number }) {
  const [samples, setSamples] = useState<readonly Sample[]>([])
  const sum = (of: (one: ModelStatus['scheduling'][number]['snapshot']) => number): number =>
    status.scheduling.reduce((all, { snapshot }) => all + of(snapshot), 0)
  const waiting = sum(({ queuedRows }) => queuedRows)
  const running = sum(({ runningRows }) => runningRows)
  useEffect(() => {
    setSamples((before) => (before.at(-1)?.at === at ? before : [...before.slice(1 - kept), { at, waiting, running }]))
  }, [at, waiting, running])
  const most = samples.reduce((all, one) => Math.max(all, one.waiting), 0)
  return (
    <section aria-labelledby="depth-title" className="card padded">
      <h3 id="depth-title">
        Queue <span className="aside">rows, each second since this page was opened; at most {count(most)} waited</span>
      </h3>
      <Sparkline
        label={`Rows of ${status.model} that wait and run`}
        x={samples.map((one) => one.at)}
        lines={[
          { name: 'waiting', values: samples.map((one) => one.waiting) },
          { name: 'running', values: samples.map((one) => one.running), dashed: true },
        ]}
        fromZero
        formatX={(ms) => new Date(ms).toLocaleTimeString('en-GB')}
        formatY={rows}
        empty={samples.length < 2 ? 'A line needs two seconds.' : null}
      />
    </section>
  )
}
