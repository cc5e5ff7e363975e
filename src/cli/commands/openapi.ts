/** openapi: what can be asked of a server of this project, for generators of clients and tests. */
import { defineCommand } from '../command.ts'

export const openapi = defineCommand<object>({
  name: 'openapi',
  summary: 'Print the OpenAPI document: every route, with the types that the definitions give.',
  examples: ['sixfold openapi'],
  run: ({ tools, project }) => tools.openApi(project),
  render: (document) => JSON.stringify(document, null, 2),
})
