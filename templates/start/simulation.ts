/** Stands in for the world: couriers who differ in how quick they are, which the model can only see in their deliveries. */

const minutesPerKm: { readonly [courier: string]: number } = { ann: 4, bob: 6, cem: 9 }

/** Three minutes at the door, the way, and two minutes more or less for the traffic. */
export const minutesItTook = (courier: string, km: number): number =>
  3 + (minutesPerKm[courier] ?? 6) * km + 4 * Math.random() - 2

/** One every ten minutes, back from now. The same hour gives the same orders, so that pushing them again adds nothing. */
export function dayOfDeliveries(now: Date) {
  const interval = 10 * 60_000
  const latest = Math.floor(now.getTime() / interval)
  return Array.from({ length: 140 }, (_, i) => {
    const courier = Object.keys(minutesPerKm)[(latest - i) % 3]!
    const km = 1 + ((latest - i) % 11) / 2
    return {
      order: `order-${latest - i}`,
      courier,
      km,
      minutes: minutesItTook(courier, km),
      delivered: new Date((latest - i) * interval),
    }
  })
}
