/**
 * What is behind each port, as settings: what `store-urls.ts` reads from a URL and `stores.ts` opens. `describeSetting` is the only
 * way from a setting back to text, and leaves the password out.
 */

/** For each port the store behind it; null for the embedded one. */
export interface StoreSettings {
  readonly online: RedisSetting | null
  readonly log: KafkaSetting | PostgresSetting | null
  readonly metadata: PostgresSetting | null
  readonly artifacts: S3Place | null
  /** How paths that begin with s3:// are reached; null for as the environment's AWS settings say. */
  readonly offline: S3Access | null
  /** Null for where the metadata is, if that is PostgreSQL. */
  readonly serving: PostgresSetting | null
}
export type StorePort = keyof StoreSettings
export const storePorts: readonly StorePort[] = ['online', 'log', 'metadata', 'artifacts', 'offline', 'serving']

export interface RedisSetting {
  readonly technology: 'redis'
  /** Without user and password. */
  readonly url: string
  readonly username: string | null
  readonly password: string | null
  readonly prefix: string
}
export interface KafkaSetting {
  readonly technology: 'kafka'
  readonly brokers: readonly string[]
  readonly prefix: string
  readonly partitions: number
  readonly replication: number
  readonly tls: boolean
  readonly sasl: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    readonly username: string
    readonly password: string
  } | null
}
export interface PostgresSetting {
  readonly technology: 'postgres'
  /** With the user, without the password. */
  readonly url: string
  readonly password: string | null
  readonly schema: string
}
/** Credentials are the environment's, by AWS's own variables. */
export interface S3Access {
  readonly technology: 's3'
  readonly region: string | null
  readonly endpoint: string | null
  readonly pathStyle: boolean
}
export interface S3Place extends S3Access {
  readonly bucket: string
  /** Without a '/' at its ends; empty for the bucket as a whole. */
  readonly prefix: string
}

/** The variable that holds a port's password; S3 has its own. */
export const passwordVariables = {
  online: 'SIXFOLD_ONLINE_PASSWORD',
  log: 'SIXFOLD_LOG_PASSWORD',
  metadata: 'SIXFOLD_METADATA_PASSWORD',
  serving: 'SIXFOLD_SERVING_PASSWORD',
} as const satisfies { readonly [P in StorePort]?: string }

/** The URL of a setting, without its password: for messages and reports. */
export function describeSetting(setting: NonNullable<StoreSettings[StorePort]>): string {
  const { technology } = setting
  if (technology === 'redis')
    return `${setting.url.replace('://', `://${userBefore(setting.username)}`)}?prefix=${setting.prefix}`
  if (technology === 'postgres') return `${setting.url}${setting.url.includes('?') ? '&' : '?'}schema=${setting.schema}`
  if (technology === 'kafka')
    return `kafka://${userBefore(setting.sasl?.username ?? null)}${setting.brokers.join(',')}?${pairs({
      prefix: setting.prefix,
      partitions: setting.partitions,
      replication: setting.replication,
      tls: setting.tls ? 'true' : null,
      sasl: setting.sasl?.mechanism.toLowerCase() ?? null,
    })}`
  const { region, endpoint, pathStyle } = setting
  const query = pairs({ region, endpoint, pathStyle: pathStyle ? 'true' : null })
  const place = 'bucket' in setting ? `${setting.bucket}${setting.prefix === '' ? '' : `/${setting.prefix}`}` : ''
  return `s3://${place}${query === '' ? '' : `?${query}`}`
}

const userBefore = (user: string | null): string => (user === null ? '' : `${encodeURIComponent(user)}@`)

const pairs = (values: { readonly [name: string]: string | number | null }): string =>
  Object.entries(values)
    .flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}`]))
    .join('&')
