/**
 * Text that every database gives back as it was: SQLite ends it at a NUL character, PostgreSQL refuses one, and both replace half of a surrogate
 * pair.
 */

// The u flag takes pairs as one character, so that this finds halves alone.
const altered = /\0|\p{Surrogate}/u

export const isKeepable = (text: string): boolean => !altered.test(text)
