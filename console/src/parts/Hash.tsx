/** A hash by its beginning; whole under the pointer. */
interface Props {
  readonly of: string | null
  readonly digits?: number
}

export const Hash = ({ of, digits = 12 }: Props) =>
  of === null ? <span className="none">–</span> : <code title={of}>{of.slice(0, digits)}</code>
