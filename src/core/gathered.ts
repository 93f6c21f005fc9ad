// One question for many: whoever asks while the one before is under way goes along with the next one.

import { present } from './assert.ts'

type Waiting<Item, Answer> = { readonly item: Item; readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void }

type Limits<Item> = {
  /** Items of one question. */
  readonly most: number
  /** What the items of one question may weigh together; one that is heavier goes alone. */
  readonly heaviest: number
  readonly weigh: (item: Item) => number
  /** Questions under way at once; one unless more are allowed. */
  readonly atOnce?: number
}

/**
 * Asks for many at once, one question at a time unless more are allowed. `ask` answers in the order given; when it fails, all who went along
 * get its error. Nothing waits for company: the first of an idle moment goes at once, with those who ask in the same breath.
 */
export function gathered<Item, Answer>(ask: (items: readonly Item[]) => Promise<readonly Answer[]>, limits: Limits<Item>): (item: Item) => Promise<Answer> {
  const waiting: Waiting<Item, Answer>[] = []
  let asking = 0
  const askAll = async (): Promise<void> => {
    if (asking === (limits.atOnce ?? 1)) return
    asking += 1
    while (waiting.length > 0) {
      const going = waiting.splice(0, countOf(waiting, limits))
      // What is left over need not wait for these where more may be under way.
      if (waiting.length > 0) queueMicrotask(() => void askAll())
      try {
        const answers = await ask(going.map(({ item }) => item))
        for (const [place, { resolve }] of going.entries()) resolve(present(answers[place], 'answer'))
      } catch (error) {
        for (const { reject } of going) reject(error)
      }
    }
    asking -= 1
  }
  return async (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    waiting.push({ item, resolve, reject })
    queueMicrotask(() => void askAll())
    return await promise
  }
}

function countOf<Item>(waiting: readonly { readonly item: Item }[], { most, heaviest, weigh }: Limits<Item>): number {
  let [count, weight] = [0, 0]
  for (const { item } of waiting) {
    weight += weigh(item)
    if (count === most || (count > 0 && weight > heaviest)) break
    count += 1
  }
  return count
}
