/** The profiles of a batch, or of a part of it: of each output and entry of the vector over all rows, and of each output by segment. */
export interface ProfileSet<P> {
  readonly rows: number
  /** Rows of which an output is missing or not finite, by output. */
  readonly missing: { readonly [output: string]: number }
  readonly outputs: { readonly [output: string]: P }
  readonly entries: { readonly [entry: string]: P }
  /** 'carrier', then 'UA': at most a thousand values of a segment, the others together under ''. */
  readonly segments: { readonly [segment: string]: { readonly [value: string]: SegmentProfile<P> } }
  /** By output: what answers where a key is unknown. By the value of `unknown.segment`. */
  readonly unknown: { readonly [value: string]: SegmentProfile<P> }
}
export interface SegmentProfile<P> {
  readonly rows: number
  readonly outputs: { readonly [output: string]: P }
}
