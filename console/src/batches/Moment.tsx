/** An instant in milliseconds, as instants are shown. */
import { When } from '../parts/When.tsx'

export const Moment = ({ at, exact = false }: { readonly at: number; readonly exact?: boolean }) => (
  <When at={new Date(at).toISOString()} exact={exact} />
)
