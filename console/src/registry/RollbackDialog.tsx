/** Back to a version that was in production before: which one, and exactly what that does. */
import { useState } from 'react'
import { versionBefore } from '../../../dist/registry/lifecycle/productions.js'
import type { Consequence, Model } from '../data/registry.ts'
import { at } from '../data/registry.ts'
import { ask, Refusal } from '../data/server.ts'
import { useAsked } from '../data/useAsked.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { When } from '../parts/When.tsx'
import { ConsequenceView } from './ConsequenceView.tsx'
import { Reason, RefusedStep } from './MoveDialog.tsx'

interface Props {
  readonly name: string
  /** Null while the metadata store is away: then it goes to the version before. */
  readonly model: Model | null
  /** Chosen from the start. */
  readonly to?: number
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Of each version the newest period, without the version that is in production now. */
export function targetsOf({ productions, production }: Pick<Model, 'productions' | 'production'>) {
  const seen = new Set<number>(production === null ? [] : [production])
  return productions.filter(({ version }) => !seen.has(version) && seen.add(version))
}

/** As the server would choose: rolling back twice goes back twice. */
const before = ({ productions }: Model): number | null =>
  versionBefore(
    productions.map(({ from, until, ...period }) => ({
      ...period,
      from: Date.parse(from),
      until: until === null ? null : Date.parse(until),
    })),
  )

export function RollbackDialog({ name, model, to, onClose, onDone }: Props) {
  const targets = model === null ? [] : targetsOf(model)
  const [chosen, setChosen] = useState(to ?? (model === null ? null : before(model)) ?? targets[0]?.version ?? null)
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const [refused, setRefused] = useState<Refusal | null>(null)
  const question = chosen === null ? null : `${at.rollback(name)}?to=${chosen}`
  const { value: consequence, refusal, again } = useAsked<Consequence>(question, 4_000)
  // While the metadata store is away nothing can be computed, and it can be rolled back all the same.
  const blind = model === null || (consequence === null && refusal?.code === 'SX_STORE_UNAVAILABLE')
  const ready =
    (chosen !== null || blind) && reason.trim() !== '' && !sending && (blind || consequence?.allowed === true)

  const send = async (): Promise<void> => {
    setSending(true)
    setRefused(null)
    try {
      await ask(at.rollback(name), {
        method: 'POST',
        body: {
          to: chosen,
          reason: reason.trim(),
          ...(consequence !== null && model?.defined === true
            ? { expected: { production: consequence.replaces } }
            : {}),
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
    <Dialog title={`Roll back ${name}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) void send()
        }}
      >
        {refused !== null && <RefusedStep refusal={refused} />}
        {model !== null && (
          <fieldset className="targets">
            <legend>{model.production === null ? 'To' : `From version ${model.production} to`}</legend>
            <div className="target-list">
              {targets.map(({ version, from, until }) => (
                <label key={version}>
                  <input
                    type="radio"
                    name="target"
                    value={version}
                    checked={chosen === version}
                    onChange={() => setChosen(version)}
                  />
                  <span className="version">Version {version}</span>
                  <span className="calm">
                    in production <When at={from} exact /> – {until !== null && <When at={until} exact />}
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
        )}
        {blind ? (
          <p className="notice warn">
            The metadata store is away, so what exactly would happen cannot be computed. It can be rolled back all the
            same: {chosen === null ? 'the version that was in production before' : `version ${chosen}`} answers within a
            second, and this is written down when the store is back.
          </p>
        ) : (
          <ConsequenceView consequence={consequence} refusal={refusal} />
        )}
        <Reason value={reason} onChange={setReason} />
        <footer>
          <button type="button" className="button plain" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className="button danger"
            aria-disabled={!ready}
            title={reason.trim() === '' ? 'Say why first.' : undefined}
          >
            {sending ? 'Asking …' : chosen === null ? 'Roll back' : `Roll back to version ${chosen}`}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
