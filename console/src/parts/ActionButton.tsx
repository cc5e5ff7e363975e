/** A button that says why it cannot be pressed. It can still be reached, so that this is heard and seen. */
import type { ReactNode } from 'react'
import { useId } from 'react'

interface Props {
  /** Null: nothing hinders. */
  readonly hindered: string | null
  readonly onPress: () => void
  readonly kind?: 'primary' | 'danger' | 'plain'
  readonly children: ReactNode
}

export function ActionButton({ hindered, onPress, kind = 'plain', children }: Props) {
  const id = useId()
  return (
    <>
      <button
        type="button"
        className={`button ${kind}`}
        aria-disabled={hindered !== null}
        aria-describedby={hindered === null ? undefined : id}
        title={hindered ?? undefined}
        onClick={() => {
          if (hindered === null) onPress()
        }}
      >
        {children}
      </button>
      {hindered !== null && (
        <span id={id} className="unseen">
          {hindered}
        </span>
      )}
    </>
  )
}
