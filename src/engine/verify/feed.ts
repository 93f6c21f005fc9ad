// A stream of rows read one by one, of which only a page is in memory.

export type Feed<Row> = {
  /** The row to come, if it is in memory already; else `load` it. */
  readonly peek: () => Row | undefined
  /** The row to come, from the next page if need be; undefined at the end. */
  readonly load: () => Promise<Row | undefined>
  /** Moves on. */
  readonly skip: () => void
  /** Gives up the rest. */
  readonly end: () => Promise<void>
}

export function feedOf<Row>(pages: AsyncGenerator<readonly Row[], undefined>): Feed<Row> {
  let page: readonly Row[] = []
  let place = 0
  return {
    peek: () => page[place],
    load: async () => {
      while (place >= page.length) {
        const next = await pages.next()
        if (next.done === true) return undefined
        page = next.value
        place = 0
      }
      return page[place]
    },
    skip: () => {
      place += 1
    },
    end: async () => {
      await pages.return(undefined)
    },
  }
}
