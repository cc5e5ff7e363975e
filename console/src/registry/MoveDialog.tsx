/**
 * Before a step is taken: exactly what it would do, as the server computes it now. The step is asked for with what was shown; where that is
 * no longer so the server refuses, and the new state is shown before it can be asked for again.
 */
import { useState } from 'react'
import type { Consequence, Stage } from '../data/registry.ts'
import { at } from '../data/registry.ts'
import { ask, Refusal } from '../data/server.ts'
import { useAsked } from '../data/useAsked.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Refused } from '../parts/Refused.tsx'
import { ConsequenceView } from './ConsequenceView.tsx'
import { verbOf } from './words.ts'

interface Props {
  readonly model: string
  readonly version: number
  readonly from: Stage
  readonly to: Stage
  /** The platform defines the model: it has one version in production. */
  readonly gated: boolean
  readonly onClose: () => void
  readonly onDone: () => void
}

export function MoveDialog({ model, version, from, to, gated, onClose, onDone }: Props) {
  const question = `${at.version(model, version)}/consider?to=${to}`
  const { value: consequence, refusal, again } = useAsked<Consequence>(question, 4_000)
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const [refused, setRefused] = useState<Refusal | null>(null)
  const verb = verbOf(from, to)
  const ready = consequence?.allowed === true && reason.trim() !== '' && !sending

  const send = async (shown: Consequence): Promise<void> => {
    setSending(true)
    setRefused(null)
    try {
      await ask(`${at.version(model, version)}/move`, {
        method: 'POST',
        body: {
          to,
          reason: reason.trim(),
          expected: { from: shown.from, ...(to === 'production' && gated ? { production: shown.replaces } : {}) },
        },
        patienceMs: 60_000,
      })
      onDone()
      onClose()
    } catch (error) {
      setRefused(error instanceof Refusal ? error : new Refusal(0, 'UNKNOWN', String(error), ''))
      setSending(false)
      again()
      onDone()
    }
  }

  return (
    <Dialog title={`${verb}: version ${version} of ${model}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) void send(consequence)
        }}
      >
        {refused !== null && <RefusedStep refusal={refused} />}
        <ConsequenceView consequence={consequence} refusal={refusal} />
        <Reason value={reason} onChange={setReason} />
        <footer>
          <button type="button" className="button plain" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className={to === 'archived' ? 'button danger' : 'button primary'}
            aria-disabled={!ready}
            title={
              consequence?.allowed === false
                ? 'A precondition is not met.'
                : reason.trim() === ''
                  ? 'Say why first.'
                  : undefined
            }
          >
            {sending ? 'Asking …' : verb}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}

export const RefusedStep = ({ refusal }: { readonly refusal: Refusal }) => (
  <>
    <Refused refusal={refusal} />
    {refusal.code === 'SX_REGISTRY_CONFLICT' && (
      <p className="notice warn">Somebody else was first, and nothing of yours was done. Below is how it stands now.</p>
    )}
  </>
)

interface ReasonProps {
  readonly value: string
  readonly onChange: (reason: string) => void
}

export const Reason = ({ value, onChange }: ReasonProps) => (
  <label className="reason-field">
    <span>
      Why? <span className="calm">It is kept in the audit trail, with your name.</span>
    </span>
    <textarea rows={2} maxLength={1000} required value={value} onChange={({ target }) => onChange(target.value)} />
  </label>
)
