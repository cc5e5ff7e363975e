/** What is defined: the drawing, and beside it what is to be known of the definition that was selected. */
import { useCallback, useState } from 'react'
import type { PlatformDescription, Status } from '../data/wire.ts'
import { Drawing } from './Drawing.tsx'
import { elementId } from './layout.ts'
import { Panel } from './Panel.tsx'

interface Props {
  readonly platform: PlatformDescription
  readonly status: Status
}

export function Definitions({ platform: { graph }, status }: Props) {
  const [selected, setSelected] = useState<string | null>(null)
  const node = graph.nodes.find(({ id }) => id === selected) ?? null
  const close = useCallback(() => {
    setSelected(null)
    if (selected !== null) document.getElementById(elementId(selected))?.focus()
  }, [selected])
  return (
    <section
      aria-labelledby="definitions-title"
      className="definitions"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && selected !== null) close()
      }}
    >
      <h2 id="definitions-title">Definitions</h2>
      <div className="definitions-body">
        <Drawing graph={graph} status={status} selected={node?.id ?? null} onSelect={setSelected} />
        <Panel graph={graph} node={node} status={status} onClose={close} />
      </div>
    </section>
  )
}
