/** One figure: what it is, how much, and what to hold it against. */
interface Props {
  readonly name: string
  readonly value: string
  readonly unit?: string
  readonly note?: string
}

export function Figure({ name, value, unit, note }: Props) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd>
        <span className="value">{value}</span>
        {unit !== undefined && <span className="unit"> {unit}</span>}
        {note !== undefined && <span className="note">{note}</span>}
      </dd>
    </div>
  )
}
