/** Whatever comes from outside, a model's name or a reason, stands in a card as text and never as a part of its form. */

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** Control characters, which no page may have, and those that turn the order of others around, are shown as one that stands for them. */
const visible = (text: string): string => text.replace(/(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')

/** For text and for values of attributes in quotes. */
export const escapeHtml = (text: string): string => visible(text).replace(/[&<>"']/g, (each) => entities[each]!)

/** On one line: what begins a list or a heading begins none, and HTML is none. */
export const escapeMarkdown = (text: string): string =>
  escapeHtml(text)
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]|~$]/g, (each) => `\\${each}`)
    .replace(/^(\s*)([#+\-=])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, '$1\\$2')
    // A scheme would become a link by itself.
    .replace(/\b(https?|ftp|mailto|javascript):/gi, '$1&#58;')

/** In a span of code nothing has a meaning but the end of it. */
export function codeMarkdown(text: string): string {
  const plain = visible(text).replace(/\s+/g, ' ').replaceAll('|', '\\|')
  const longest = Math.max(0, ...[...plain.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return longest === 0 ? `${fence}${plain}${fence}` : `${fence} ${plain} ${fence}`
}
