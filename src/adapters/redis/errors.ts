/** What Redis answers when it does not do what was asked, in the catalogue's terms. */
import { ErrorReply } from 'redis'
import { SixfoldError } from '../../kernel/errors.ts'
import { reasonOf, unavailable as unavailableStore } from '../unavailable.ts'

/** Trying again may help: the connection is lost, or Redis is not ready to answer. */
export class Lost extends Error {}

/** Redis does not know the script of that digest, or no longer. */
export class UnknownScript extends Error {}

export function failureOf(error: unknown, where: string): Error {
  const cause = error instanceof Error ? error : new Error(String(error))
  if (cause instanceof Lost || cause instanceof SixfoldError) return cause
  if (!(cause instanceof ErrorReply)) return new Lost(reasonOf(cause), { cause })
  const text = cause.message
  if (/^NOSCRIPT\b/.test(text)) return new UnknownScript(text)
  if (/^(LOADING|MASTERDOWN|BUSY|TRYAGAIN|CLUSTERDOWN)\b/.test(text)) return new Lost(text, { cause })
  // An older Redis puts its own words before the error of a command in a script.
  if (/\bOOM command not allowed/.test(text))
    return new SixfoldError('SX_STORAGE_FULL', `Redis at ${where} holds as much as its maxmemory allows.`, {
      fix: 'Raise maxmemory, or free memory; nothing needs repair.',
      cause,
    })
  if (/\bREADONLY\b/.test(text))
    return new SixfoldError('SX_STORE_READ_ONLY', `Redis at ${where} is a replica, which cannot be written to.`, {
      fix: 'Let the URL point to the primary.',
      cause,
    })
  if (/\bMISCONF\b/.test(text))
    return new SixfoldError('SX_STORE_UNAVAILABLE', `Redis at ${where} refuses to write: ${text}`, {
      fix: 'Give Redis room on its disk, or see its log for why it cannot save.',
      cause,
    })
  if (/^(NOAUTH|WRONGPASS)\b|^ERR (invalid password|AUTH )|Client sent AUTH/i.test(text))
    return new SixfoldError('SX_STORE_DENIED', `Redis at ${where} refuses the user or the password.`, {
      fix: 'Correct the user in the URL, and the password in SIXFOLD_ONLINE_PASSWORD.',
      cause,
    })
  if (/\bNOPERM\b|no permissions? to|can't run this command|ACL failure/i.test(text))
    return new SixfoldError('SX_STORE_DENIED', `Redis at ${where} forbids what the online store needs: ${text}`, {
      cause,
    })
  return new SixfoldError('SX_STORE_UNAVAILABLE', `Redis at ${where} answered: ${text}`, { cause })
}

export const unavailable = (where: string, why: string, cause?: unknown): SixfoldError =>
  unavailableStore(`Redis at ${where}`, why, cause)
