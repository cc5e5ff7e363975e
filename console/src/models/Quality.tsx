/** How good the answers were, by the outcomes that came, next to what always answering the base rate would have got. */
import type { ModelStatus, OutputQuality } from '../data/wire.ts'
import { count, counted } from '../format.ts'
import { Figure } from '../parts/Figure.tsx'
import { QualityByDay } from './QualityByDay.tsx'
import { figuresOf, outcomesOf } from './quality-figures.ts'

interface Props {
  readonly model: string
  readonly quality: ModelStatus['quality']
}

export function Quality({ model, quality: { outcomes, ofDegraded, outputs } }: Props) {
  const shown = Object.entries(outputs)
  return (
    <>
      <h4>
        Quality{' '}
        <span className="aside">
          {outcomes === 0 ? 'by outcomes' : counted(outcomes, 'outcome')}
          {shown.length === 1 && said(shown[0]![1])}
          {ofDegraded > 0 && `, without ${count(ofDegraded)} of degraded answers`}
        </span>
      </h4>
      {shown.length === 0 && <p className="empty">Its outputs have no figure of quality.</p>}
      {shown.map(([output, quality]) => (
        <Output key={output} model={model} name={output} alone={shown.length === 1} quality={quality} />
      ))}
    </>
  )
}

const said = (quality: OutputQuality): string => {
  const outcomes = outcomesOf(quality)
  return outcomes === null ? '' : `, ${outcomes}`
}

interface OutputProps {
  readonly model: string
  readonly name: string
  readonly alone: boolean
  readonly quality: OutputQuality
}

function Output({ model, name, alone, quality }: OutputProps) {
  return (
    <>
      {!alone && (
        <h5>
          {name} <span className="aside">{outcomesOf(quality)}</span>
        </h5>
      )}
      <dl className="figures">
        {figuresOf(quality).map((figure) => (
          <Figure key={figure.name} {...figure} />
        ))}
      </dl>
      <QualityByDay model={model} output={name} quality={quality} />
    </>
  )
}
