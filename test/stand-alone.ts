// The stand-alone verifier of journals as tests call it: the script itself, which shares nothing with the program.

export type StandAlone = {
  readonly KINDS: Readonly<Record<string, readonly [debit: string, credit: string]>>
  readonly OF_EVENTS: readonly string[]
  readonly FLOORS: readonly string[]
  readonly DEBIT_SIDE: readonly string[]
  readonly verifyJournal: (
    stream: Iterable<Uint8Array>,
    known?: string | null,
  ) => Promise<{ readonly transfers: number; readonly heads: readonly { readonly position: string; readonly head: string }[] }>
}

export const STAND_ALONE = new URL('../scripts/verify-journal.mjs', import.meta.url)

export async function standAlone(): Promise<StandAlone> {
  return (await import(STAND_ALONE.href)) as StandAlone
}

/** Null for a sound journal, or what the verifier says of the first break. */
export async function breakOutside(text: string): Promise<string | null> {
  const { verifyJournal } = await standAlone()
  try {
    await verifyJournal([Buffer.from(text)])
    return null
  } catch (error) {
    if (error instanceof Error && 'broken' in error) return error.message
    throw error
  }
}
