/** A step that changes what is live, or ends a run: what it does, and why it is done. */

import type { ReactNode } from 'react'
import { useState } from 'react'
import { ask, Refusal } from '../data/server.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Refused } from '../parts/Refused.tsx'
import { Reason } from '../registry/MoveDialog.tsx'

interface Props {
  readonly title: string
  readonly verb: string
  readonly danger?: boolean
  readonly path: string
  readonly body: object
  readonly children: ReactNode
  readonly onClose: () => void
  readonly onDone: () => void
}

export function StepDialog({ title, verb, danger = false, path, body, children, onClose, onDone }: Props) {
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const [refused, setRefused] = useState<Refusal | null>(null)
  const ready = reason.trim() !== '' && !sending
  const send = async (): Promise<void> => {
    setSending(true)
    setRefused(null)
    try {
      // Filling the cache with a version takes as long as it has rows.
      await ask(path, { method: 'POST', body: { ...body, reason: reason.trim() }, patienceMs: 600_000 })
      onDone()
      onClose()
    } catch (error) {
      setRefused(error instanceof Refusal ? error : new Refusal(0, 'UNKNOWN', String(error), ''))
      setSending(false)
      onDone()
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) void send()
        }}
      >
        {refused !== null && <Refused refusal={refused} />}
        {children}
        <Reason value={reason} onChange={setReason} />
        <footer>
          <button type="button" className="button plain" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className={danger ? 'button danger' : 'button primary'}
            aria-disabled={!ready}
            title={reason.trim() === '' ? 'Say why first.' : undefined}
          >
            {sending ? 'Asking …' : verb}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
