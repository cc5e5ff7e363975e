/** For suites that open a store afresh, and again over the same data: gives each a place of its own, and remembers which. */
export function places<Store extends object, Options = undefined>(
  openAt: (place: string, options?: Options) => Promise<Store> | Store,
) {
  const known = new WeakMap<Store, string>()
  let count = 0
  const at = async (place: string, options?: Options): Promise<Store> => {
    const store = await openAt(place, options)
    known.set(store, place)
    return store
  }
  return {
    open: (options?: Options): Promise<Store> => at(`place_${++count}`, options),
    again: (store: Store): Promise<Store> => at(known.get(store)!),
  }
}
