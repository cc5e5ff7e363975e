/** The part of docs/reference/http.md that tells of MLflow's API: from its table of routes. */
import { mlflowOthers, mlflowTable } from '../../src/server/mlflow/index.ts'
import { table } from './markdown.ts'

export const mlflowRoutes = (): string => `## MLflow's API

Clients of MLflow 3 that have this server's address as their \`MLFLOW_TRACKING_URI\` log, register, search and load here. Bodies, answers and
errors are those of MLflow's REST API, not those above: an error is \`{"error_code","message"}\`. Each route is also served below
\`/ajax-api/\`. Traces, evaluation datasets and the gateway are not served: they answer 404 with \`ENDPOINT_NOT_FOUND\`. Where keys are
needed, a client sends one as \`MLFLOW_TRACKING_TOKEN\`, or as \`MLFLOW_TRACKING_PASSWORD\` beside a name.

A model that the platform defines moves through its gates here too: what one refuses is 400 with \`INVALID_PARAMETER_VALUE\`, and the message
names each precondition that is not met. Any other model is moved as MLflow moves it.

${table(
  ['Route', 'What it does', 'Asks for'],
  [
    ...mlflowTable.map(({ method, path, what, needs }) => [
      `\`${method} /api/${path}\``,
      what,
      `\`${typeof needs === 'string' ? needs : needs.right}\``,
    ]),
    ...mlflowOthers.map(([route, what]) => [
      `\`${route}\``,
      what,
      route.includes('mlflow-artifacts') ? (route.startsWith('GET') ? '`read`' : '`write`') : 'nothing',
    ]),
  ],
)}`
