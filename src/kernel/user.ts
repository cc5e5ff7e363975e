/** Who runs this process, by the name that the machine has for it. */
import { userInfo } from 'node:os'

/** A user without a name, as in some containers, is known by its number. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
