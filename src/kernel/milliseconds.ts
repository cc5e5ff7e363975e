/**
 * Milliseconds as text, to the microsecond, as `String(Math.round(ms * 1000) / 1000)` has them: 0.024, 12.5, 3. From a table of what stands behind the
 * point, since finding the shortest decimals of a double takes many times as long, and an answer says a dozen times.
 */
const behind: readonly string[] = Array.from({ length: 1000 }, (_, i) =>
  i === 0 ? '' : `.${String(i).padStart(3, '0').replace(/0+$/, '')}`,
)
/** Above it numbers are no small integers any more, and nobody is in a hurry. */
const most = 1_000_000

export function toMicroseconds(milliseconds: number): string {
  if (!(milliseconds >= 0 && milliseconds < most)) return String(Math.round(milliseconds * 1000) / 1000)
  const micros = Math.round(milliseconds * 1000)
  const whole = Math.trunc(micros / 1000)
  return whole + behind[micros - whole * 1000]!
}
