export type ServiceName =
  | 'redis'
  | 'postgres'
  | 'kafka'
  | 's3'
  | 'nginx'
  | 'validators'
  | 'mlflow'
  | 'mlserver'
  | 'triton'
  | 'schemathesis'
  | 'airflow'
  | 'spark'
export const cache: string
export const kafkaFolder: string
export const versityProgram: string
export const validators: string
export const mlflowFolder: string
export const mlflowPython: string
export const mlserverFolder: string
export const tritonFolder: string
export const tritonPython: string
export const schemathesisFolder: string
export const schemathesisProgram: string
export const airflowFolder: string
export const airflowProgram: string
export const sparkFolder: string
export const sparkSubmit: string
export const sparkPython: string
export const names: readonly ServiceName[]
export function program(name: string): string | null
export function postgresFolder(): string | null
export function java(): string | null
export function missing(name: ServiceName): string | null
