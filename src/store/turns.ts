// Whose turn it is on a lane within this process: postings that follow one another on one connection share a turn, work that reads under
// the lock has one alone. It keeps neighbours from overtaking each other and saves them from failing; what makes posting safe is the
// head's row in the database, never this.

export type Turns = {
  /** Resolves in the order asked for, at once while nobody has or waits for a turn alone. The answer ends the turn. */
  readonly together: () => Promise<() => void>
  /** Resolves when everybody who asked before has ended. */
  readonly alone: () => Promise<() => void>
}

type Waiting = { readonly alone: boolean; readonly begin: (end: () => void) => void }

export function createTurns(): Turns {
  const waiting: Waiting[] = []
  let running = 0
  let exclusive = false
  const next = (): void => {
    for (;;) {
      const first = waiting[0]
      if (first === undefined || exclusive || (first.alone && running > 0)) return
      waiting.shift()
      running += 1
      exclusive = first.alone
      first.begin(once(() => {
        running -= 1
        exclusive = false
        next()
      }))
    }
  }
  const ask = async (alone: boolean): Promise<() => void> => {
    const { promise, resolve } = Promise.withResolvers<() => void>()
    waiting.push({ alone, begin: resolve })
    next()
    return await promise
  }
  return { together: async () => await ask(false), alone: async () => await ask(true) }
}

function once(end: () => void): () => void {
  let ended = false
  return () => {
    if (ended) return
    ended = true
    end()
  }
}
