/** Whether a caller has what would be sent, by its `If-None-Match` (RFC 9110, 13.1.2): '*', or a list of tags, of which weak ones are as good. */
export const hasAlready = (ifNoneMatch: string | undefined, tag: string): boolean =>
  (ifNoneMatch ?? '').split(',').some((one) => one.trim() === '*' || opaque(one.trim()) === opaque(tag))

const opaque = (tag: string): string => tag.replace(/^W\//, '')
