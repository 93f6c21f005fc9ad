// Signals that ask a process to end. They are heard from its first moment on, so that whatever a start has begun is ended in order;
// a second one changes nothing: it is mostly the terminal's and npm's same Ctrl-C.

const ASKING = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

export type AskingSignal = keyof typeof ASKING

export type Asked = {
  /** Aborted when the first signal comes, with an error that names it as reason. */
  readonly signal: AbortSignal
  /** Resolves when the first signal comes. */
  readonly came: Promise<AskingSignal>
}

/** Hears signals from now on, for as long as the process lives. */
export function hearSignals(): Asked {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<AskingSignal>()
  for (const name of Object.keys(ASKING) as AskingSignal[]) {
    process.on(name, () => {
      controller.abort(new Error(`stopped by ${name}`))
      resolve(name)
    })
  }
  return { signal: controller.signal, came: promise }
}

/** How shells name the end by a signal: 130 for Ctrl-C. */
export function exitCodeOf(signal: AskingSignal): number {
  return 128 + ASKING[signal]
}

/**
 * Goes on quietly when nobody reads any more what is printed (`… | head -1`): the work still ends in order, and with its own code.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
}
