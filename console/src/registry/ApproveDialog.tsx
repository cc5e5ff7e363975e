/** A second person says yes to a step that another takes. */
import { useState } from 'react'
import type { Stage } from '../data/registry.ts'
import { at } from '../data/registry.ts'
import { ask, Refusal } from '../data/server.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Refused } from '../parts/Refused.tsx'
import { Reason } from './MoveDialog.tsx'

interface Props {
  readonly model: string
  readonly version: number
  readonly to: Stage
  readonly onClose: () => void
  readonly onDone: () => void
}

export function ApproveDialog({ model, version, to, onClose, onDone }: Props) {
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const [refused, setRefused] = useState<Refusal | null>(null)
  const send = async (): Promise<void> => {
    setSending(true)
    setRefused(null)
    try {
      await ask(`${at.version(model, version)}/approve`, { method: 'POST', body: { to, reason: reason.trim() } })
      onDone()
      onClose()
    } catch (error) {
      setRefused(error instanceof Refusal ? error : new Refusal(0, 'UNKNOWN', String(error), ''))
      setSending(false)
    }
  }
  const ready = reason.trim() !== '' && !sending
  return (
    <Dialog title={`Approve version ${version} of ${model} for ${to}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) void send()
        }}
      >
        {refused !== null && <Refused refusal={refused} />}
        <p>
          Your approval stands in the audit trail. It counts for a step that somebody else takes, and until the version
          is validated anew or has been in {to}. Nothing moves by it.
        </p>
        <Reason value={reason} onChange={setReason} />
        <footer>
          <button type="button" className="button plain" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" aria-disabled={!ready}>
            {sending ? 'Asking …' : 'Approve'}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
