// Questions gathered into one statement: who goes along with whom, who goes alone, and who hears of a failure.

import { expect, it } from 'vitest'
import { gathered } from './gathered.ts'

function desk(limits: { readonly most?: number; readonly heaviest?: number; readonly atOnce?: number } = {}) {
  const asked: string[][] = []
  let open: PromiseWithResolvers<void> | null = null
  const ask = gathered<string, string>(
    async (items) => {
      asked.push([...items])
      await open?.promise
      if (items.includes('bad')) throw new Error('bad')
      return items.map((item) => `${item}!`)
    },
    { most: 10, heaviest: 100, ...limits, weigh: (item) => item.length },
  )
  return { ask, asked, hold: () => (open = Promise.withResolvers<void>()) }
}

it('asks at once, together for those of one breath, and in order', async () => {
  const { ask, asked } = desk()
  expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['a!', 'b!', 'c!'])
  expect(await ask('d')).toBe('d!')
  expect(asked).toEqual([['a', 'b', 'c'], ['d']])
})

it('takes those along that come while one is under way', async () => {
  const { ask, asked, hold } = desk()
  const first = hold()
  const answers = [ask('a')]
  await Promise.resolve()
  answers.push(ask('b'), ask('c'))
  first.resolve()
  expect(await Promise.all(answers)).toEqual(['a!', 'b!', 'c!'])
  expect(asked).toEqual([['a'], ['b', 'c']])
})

it('has several under way where more are allowed, and no more', async () => {
  const { ask, asked, hold } = desk({ most: 2, atOnce: 2 })
  const held = hold()
  const answers = ['a', 'b', 'c', 'd', 'e'].map(ask)
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
  expect(asked).toEqual([['a', 'b'], ['c', 'd']])
  held.resolve()
  expect(await Promise.all(answers)).toEqual(['a!', 'b!', 'c!', 'd!', 'e!'])
  expect(asked).toEqual([['a', 'b'], ['c', 'd'], ['e']])
})

it('asks for no more than so many, and so much, at a time', async () => {
  const few = desk({ most: 2 })
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map(few.ask))
  expect(few.asked).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  const light = desk({ heaviest: 4 })
  await Promise.all(['aa', 'bb', 'c', 'heavier', 'd'].map(light.ask))
  expect(light.asked).toEqual([['aa', 'bb'], ['c'], ['heavier'], ['d']])
})

it('tells a failure to those who went along, and goes on', async () => {
  const { ask } = desk({ most: 2 })
  const ended = await Promise.allSettled(['a', 'bad', 'c'].map(ask))
  expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  expect(await ask('d')).toBe('d!')
})
