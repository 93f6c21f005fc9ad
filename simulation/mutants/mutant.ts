// A mutant: one deliberate breakage of the law, as changes of text in the program's code, with where it must be noticed.

export type Edit = {
  readonly file: string
  /** Stands in the file exactly once. */
  readonly from: string
  readonly to: string
}

export type Mutant = {
  /** What the broken code does. */
  readonly name: string
  /** The clause that it breaks: of the law of once (`L1` to `L6`), an invariant (`I1` to `I11`), or what a door promises. */
  readonly law: string
  readonly edits: readonly Edit[]
  /** Within so many seeds the simulator has noticed it, or a test must; 0: a history cannot show it. */
  readonly seeds: number
  /** Tests that notice it too: run where the simulator has not, and where it cannot. */
  readonly tests: readonly string[]
}
