/** docs/reference/errors.md, from the one catalogue of errors. */
import { catalogue } from '../../src/kernel/errors.ts'
import { header, table } from './markdown.ts'

export function errors(): string {
  const rows = Object.entries(catalogue).map(([code, { status, retry, means, fix }]) => [
    `\`${code}\``,
    String(status),
    means,
    fix,
    retry ? 'yes' : 'no',
  ])
  return `${header('Errors', 'src/kernel/errors.ts')}Every error that a user can meet. Over HTTP it is a problem document (RFC 9457,
\`application/problem+json\`) with the members \`type\`, \`title\`, \`status\`, \`code\`, \`detail\`, \`fix\`, \`retry\` and, where there is more for a
program, \`details\`. In a Node process it is a \`SixfoldError\` with \`code\`, \`message\`, \`fix\`, \`status\`, \`retry\` and \`details\`;
\`isSixfoldError\` tells it from others. On the command line it is two lines on standard error, or \`{"error": …}\` with \`--json\`.

\`title\` is the meaning below; \`detail\` names the thing and the place; \`fix\` is the one below, or a sharper one. \`retry\` says whether the same
call may succeed later without any change by the caller; the server then sends \`Retry-After: 1\`.

What is expected is no error: an entity never seen, a feature that is missing and a fallback that answered are values.

${table(['Code', 'HTTP status', 'Meaning', 'What to do', 'Retry'], rows)}
`
}
