/** A batch as a table of a real PostgreSQL: what readers of SQL see of it, whatever happens meanwhile. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Opened } from '../../src/runtime/open.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import type { Reader, TablePlace } from './table-place.ts'
import { platformWith, reader, tablePlace } from './table-place.ts'

describeWith(['postgres'], 'a batch as a table', () => {
  let postgres: Service
  let place: TablePlace
  let opened: Opened
  let sql: Reader
  beforeAll(async () => {
    postgres = await startPostgres()
    place = await tablePlace(postgres.url)
    sql = await reader(postgres.url)
    opened = await place.open(platformWith('tonight'))
  })
  afterAll(async () => {
    await opened?.close()
    await sql?.close()
    await postgres?.stop()
    place?.remove()
  })

  it('is read with SQL once it is live', async () => {
    await place.shops(1_000, 'i / 512')
    expect(await place.night(opened)).toMatchObject({ state: 'published', version: 1 })
    const rows = await sql.all('select * from tonight order by busy desc limit 1')
    expect(rows).toEqual([
      { shop: 's999', busy: 1.951171875, _decision: true, _version: '1', _as_of: new Date(place.clock.now()) },
    ])
  })
})
