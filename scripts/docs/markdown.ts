/** Small pieces of Markdown, and the line that says where a page comes from. */

export const header = (title: string, sources: string): string =>
  `# ${title}\n\n<!-- Made by scripts/docs.ts from ${sources}. Do not edit: run \`npx jiti scripts/docs.ts\`. -->\n\n`

/** A vertical bar in a cell would begin another. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

export const table = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  [
    `| ${columns.join(' | ')} |`,
    `|${columns.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ].join('\n')
