/**
 * Will this flight arrive more than a quarter of an hour late? Asked at its scheduled departure from New York, answered from what has
 * taken off, landed and been observed by then.
 */
import {
  batch,
  bounded,
  count,
  cron,
  entity,
  gate,
  increasing,
  last,
  max,
  mean,
  model,
  parquet,
  platform,
  query,
  source,
  stddev,
  sum,
  topic,
  training,
  view,
} from 'sixfold'

// --- what things are about

export const airline = entity('airline', {
  key: { carrier: 'string' },
  description: 'An airline, by its two-letter code',
})
export const origin = entity('origin', {
  key: { origin: 'string' },
  description: 'One of the three airports of New York',
})
export const route = entity('route', {
  key: { origin: 'string', dest: 'string' },
  description: 'From one airport to another',
})
export const aircraft = entity('aircraft', {
  key: { tailnum: 'string' },
  description: 'An aeroplane, by its tail number',
})

// --- what happens

const flown = {
  flight_id: 'int64',
  carrier: 'string',
  tailnum: 'string?',
  origin: 'string',
  dest: 'string',
  distance: { type: 'float64', range: [0, 6_000] },
  dep_delay: 'float64?',
} as const

/** Known when a flight takes off. Cancelled flights never do: those rows have no departure, and are no events. */
export const departures = source('departures', {
  description: 'Flights that took off',
  fields: { ...flown, departure: 'timestamp?' },
  time: 'departure',
  id: 'flight_id',
  zone: 'UTC',
  history: parquet('data/flights.parquet'),
  stream: topic('departures'),
})

/** Known when a flight lands, hours after it was asked about. */
export const landings = source('landings', {
  description: 'Flights that landed',
  fields: { ...flown, arr_delay: 'float64?', air_time: 'float64?', arrival: 'timestamp?' },
  time: 'arrival',
  id: 'flight_id',
  zone: 'UTC',
  history: parquet('data/flights.parquet'),
  stream: topic('landings'),
})

/** An observation is published some minutes after it was made. */
export const observations = source('observations', {
  description: 'Hourly weather at the airports of New York',
  fields: {
    origin: 'string',
    observed_at: 'timestamp',
    temp: 'float64?',
    wind_speed: { type: 'float64?', range: [0, 200] },
    wind_gust: 'float64?',
    precip: 'float64?',
    visib: { type: 'float64?', range: [0, 10] },
    pressure: 'float64?',
  },
  time: 'observed_at',
  known: { after: '10m' },
  zone: 'UTC',
  history: parquet('data/weather.parquet'),
  stream: topic('weather'),
})

export const planes = source('planes', {
  description: 'The register of aircraft, as it stood when the year began',
  fields: { tailnum: 'string', registered: 'timestamp', built: 'int64?', seats: 'int64?', engines: 'int64?' },
  time: 'registered',
  asOf: 'inclusive',
  zone: 'UTC',
  history: parquet('data/planes.parquet'),
})

// --- features

export const punctuality = view('airline_punctuality', {
  entity: airline,
  source: landings,
  features: ({ arr_delay }) => ({
    landings_3h: count().over('3h'),
    delay_3h: mean(arr_delay).over('3h'),
    late_rate_1d: mean(arr_delay.gt(15)).over('1d'),
    late_rate_30d: mean(arr_delay.gt(15)).over('30d'),
    trend: mean(arr_delay).over('3h').minus(mean(arr_delay).over('7d')),
  }),
})

export const congestion = view('origin_congestion', {
  entity: origin,
  source: departures,
  features: ({ dep_delay }) => ({
    departures_1h: count().over('1h'),
    delay_1h: mean(dep_delay).over('1h'),
    delay_3h: mean(dep_delay).over('3h'),
    worst_1h: max(dep_delay).over('1h'),
    held_share_3h: mean(dep_delay.gt(15)).over('3h'),
  }),
})

export const weather = view('origin_weather', {
  entity: origin,
  source: observations,
  features: ({ temp, wind_speed, wind_gust, precip, visib, pressure }) => ({
    temp: last(temp).over('6h'),
    wind_speed: last(wind_speed).over('3h'),
    gust: last(wind_gust).over('3h'),
    visib: last(visib).over('3h'),
    rain_6h: sum(precip).over('6h'),
    pressure: last(pressure).skipNulls().over('12h'),
  }),
})

export const pace = view('route_pace', {
  entity: route,
  source: landings,
  features: ({ arr_delay, air_time, distance }) => ({
    delay_7d: mean(arr_delay).over('7d'),
    late_rate_30d: mean(arr_delay.gt(15)).over('30d'),
    spread_30d: stddev(arr_delay).over('30d'),
    speed_30d: mean(distance.dividedBy(air_time)).over('30d'),
    landings_7d: count().over('7d'),
  }),
})

export const rotation = view('aircraft_rotation', {
  entity: aircraft,
  source: landings,
  features: ({ arrival, arr_delay }) => ({
    landed: last(arrival).over('1d'),
    inbound_delay: last(arr_delay).over('12h'),
    legs_1d: count().over('1d'),
  }),
})

export const airframe = view('airframe', {
  entity: aircraft,
  source: planes,
  features: ({ built, seats }) => ({ built: last(built).ever(), seats: last(seats).ever() }),
})

// --- models: the same question, answered by trees and by a line

const inputs = {
  airline: punctuality,
  congestion,
  weather,
  route: pace,
  rotation,
  airframe,
  request: { distance: 'float64', scheduled_departure: 'timestamp', scheduled_arrival: 'timestamp' },
} as const

const carriers = [
  'UA',
  'B6',
  'EV',
  'DL',
  'AA',
  'MQ',
  'US',
  '9E',
  'WN',
  'VX',
  'FL',
  'AS',
  'F9',
  'YV',
  'HA',
  'OO',
] as const

/** Gradient-boosted trees: missing values stay missing. */
export const late = model('late', {
  description: 'Arrives more than 15 minutes late: gradient-boosted trees',
  inputs,
  vector: ({ airline, congestion, weather, route, rotation, airframe, request, keys }) => ({
    carrier: keys.carrier.ordinal(...carriers),
    origin: keys.origin.ordinal('EWR', 'JFK', 'LGA'),
    hour: request.scheduled_departure.hour(),
    weekday: request.scheduled_departure.weekday(),
    distance: request.distance,
    slack: request.scheduled_arrival
      .since(request.scheduled_departure)
      .minutes()
      .minus(request.distance.dividedBy(route.speed_30d)),
    airline_delay_3h: airline.delay_3h,
    airline_late_1d: airline.late_rate_1d,
    airline_late_30d: airline.late_rate_30d,
    airline_trend: airline.trend,
    departures_1h: congestion.departures_1h,
    held_1h: congestion.delay_1h,
    held_3h: congestion.delay_3h,
    worst_1h: congestion.worst_1h,
    held_share_3h: congestion.held_share_3h,
    temp: weather.temp,
    wind: weather.wind_speed,
    gust: weather.gust,
    visib: weather.visib,
    rain_6h: weather.rain_6h,
    pressure: weather.pressure,
    route_delay_7d: route.delay_7d,
    route_late_30d: route.late_rate_30d,
    route_spread_30d: route.spread_30d,
    inbound: rotation.inbound_delay,
    on_ground: request.scheduled_departure.since(rotation.landed).minutes().clamp(0, 1440),
    legs_1d: rotation.legs_1d,
    seats: airframe.seats,
    built: airframe.built,
  }),
  output: { late: 'probability' },
  fallback: ({ airline }) => ({ late: airline.late_rate_30d.orElse(0.24) }),
})

/** Logistic regression: every entry is there, and of one scale. */
export const lateLinear = model('late_linear', {
  description: 'Arrives more than 15 minutes late: logistic regression',
  inputs,
  vector: ({ airline, congestion, weather, route, rotation, request, keys }) => ({
    origin: keys.origin.oneHot('EWR', 'JFK', 'LGA'),
    morning: request.scheduled_departure.hour().between(9, 15),
    evening: request.scheduled_departure.hour().between(20, 23).or(request.scheduled_departure.hour().lt(3)),
    distance: request.distance.standardize(1040, 733),
    airline_delay_3h: airline.delay_3h.orElse(0).clamp(-60, 180).standardize(5, 25),
    airline_late_1d: airline.late_rate_1d.orElse(0.24),
    airline_late_30d: airline.late_rate_30d.orElse(0.24),
    held_1h: congestion.delay_1h.orElse(10).clamp(-20, 180).standardize(12, 18),
    held_share_3h: congestion.held_share_3h.orElse(0.2),
    rain_6h: weather.rain_6h.orElse(0).clamp(0, 2),
    low_visibility: weather.visib.lt(5).orElse(false),
    wind: weather.wind_speed.orElse(10).standardize(10, 6),
    route_late_30d: route.late_rate_30d.orElse(0.24),
    inbound: rotation.inbound_delay.orElse(0).clamp(-60, 240).standardize(5, 40),
    inbound_unknown: rotation.inbound_delay.isMissing(),
    turnaround: request.scheduled_departure.since(rotation.landed).minutes().orElse(600).clamp(0, 600).rescale(0, 600),
  }),
  output: { late: 'probability' },
  fallback: ({ airline }) => ({ late: airline.late_rate_30d.orElse(0.24) }),
})

// --- how they are trained, and what a version must show before it answers

/** `start.ts` writes them: what is known of a flight when it is asked about, and whether it arrived late. */
const labels = parquet('labels/flights.parquet')

const trained = {
  labels,
  at: 'scheduled_departure',
  zone: 'UTC',
  train: { until: '2013-05-01T00:00:00Z' },
  heldOut: { until: '2013-06-01T00:00:00Z' },
  command: ['python3', 'train/train.py'],
  seeds: { seed: 1 },
} as const

export const lateTraining = training(late, trained)
export const lateLinearTraining = training(lateLinear, trained)

export const lateGate = gate(late, {
  invariants: { 'a probability': bounded('late', 0, 1) },
  latency: { rows: [1, 32], p99Ms: 10 },
  memoryBytes: 256 * 1024 * 1024,
})

export const lateLinearGate = gate(lateLinear, {
  invariants: {
    'a probability': bounded('late', 0, 1),
    'a later inbound aircraft makes it no less likely': increasing('late', 'inbound'),
  },
  latency: { rows: [1, 32], p99Ms: 5 },
})

// --- every evening, the risk of each airline on each route for the next day

export const nextDay = batch('next_day', {
  description: 'How likely the first flight of an airline on a route is late, the next day',
  model: late,
  key: { carrier: 'string', origin: 'string', dest: 'string' },
  // `evening.ts` writes the timetable, as somebody delivers it.
  rows: query(
    `SELECT carrier, origin, dest, first(tailnum ORDER BY scheduled_departure, flight_id) AS tailnum,
       first(distance ORDER BY scheduled_departure, flight_id) AS distance,
       min(scheduled_departure) AS scheduled_departure,
       first(scheduled_arrival ORDER BY scheduled_departure, flight_id) AS scheduled_arrival
     FROM timetable GROUP BY carrier, origin, dest`,
    { timetable: parquet('timetable/next-day.parquet') },
  ),
  schedule: cron('0 22 * * *', { zone: 'America/New_York', catchUp: 'none' }),
  decision: ({ output }) => output.late.gt(0.4),
  segments: ({ keys }) => ({ origin: keys.origin }),
  // Saturdays have fewer flights; and one storm moves every airline at once, so that distributions differ from day to day.
  gate: {
    ...{ rows: 0.5, keys: 0.6, segmentRows: 50, lacking: null },
    distances: { outputs: { psi: null, mean: 3 }, entries: { psi: null } },
  },
  publish: { keep: 14, promise: '26h' },
  unknown: { segment: ({ keys }) => keys.carrier, popular: true },
})

export default platform({
  airline,
  origin,
  route,
  aircraft,
  departures,
  landings,
  observations,
  planes,
  punctuality,
  congestion,
  weather,
  pace,
  rotation,
  airframe,
  late,
  lateLinear,
  lateTraining,
  lateLinearTraining,
  lateGate,
  lateLinearGate,
  nextDay,
})
