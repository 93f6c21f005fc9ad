// What the chain's own books say, read by plain JSON-RPC. It shares no code with the engine or with the rail's client.

/** One transfer of the native coin inside a transaction that succeeded. */
export type ChainTransfer = { readonly signature: string; readonly from: string; readonly to: string; readonly lamports: bigint }

export type ChainTransaction = {
  readonly signature: string
  readonly failed: boolean
  readonly fee: bigint
  readonly feePayer: string
  readonly transfers: readonly ChainTransfer[]
}

type RpcTransaction = {
  readonly meta: { readonly err: unknown; readonly fee: number }
  readonly transaction: {
    readonly message: {
      readonly accountKeys: readonly string[]
      readonly instructions: readonly { readonly programIdIndex: number; readonly accounts: readonly number[]; readonly data: string }[]
    }
  }
}

const SYSTEM_PROGRAM = '11111111111111111111111111111111'
const TRANSFER = 2
const PAGE = 1000
const TRIES = 200

/** Asks until the network answers: the auditor comes after the faults, but a lost answer must not decide anything. */
export async function rpc<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
  let last: unknown
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: tries, method, params }),
      })
      const answer = (await response.json()) as { result?: T; error?: { message: string } }
      if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
      return answer.result as T
    } catch (error) {
      last = error
    }
  }
  throw last
}

export async function balanceOn(url: string, address: string): Promise<bigint> {
  const { value } = await rpc<{ value: number }>(url, 'getBalance', [address, { commitment: 'finalized' }])
  return BigInt(value)
}

/** All final transactions that an address took part in, oldest first. */
export async function historyOf(url: string, address: string): Promise<readonly ChainTransaction[]> {
  const signatures: string[] = []
  for (let before: string | undefined; ; ) {
    const page = await rpc<{ signature: string }[]>(url, 'getSignaturesForAddress', [
      address,
      { limit: PAGE, commitment: 'finalized', ...(before !== undefined && { before }) },
    ])
    signatures.push(...page.map(({ signature }) => signature))
    before = page.at(-1)?.signature
    if (page.length < PAGE) break
  }
  const found: ChainTransaction[] = []
  for (const signature of signatures.reverse()) {
    const answer = await rpc<RpcTransaction | null>(url, 'getTransaction', [
      signature,
      { encoding: 'json', commitment: 'finalized', maxSupportedTransactionVersion: 0 },
    ])
    if (answer === null) throw new Error(`the chain lists ${signature} but does not show it`)
    found.push(readTransaction(signature, answer))
  }
  return found
}

function readTransaction(signature: string, { meta, transaction: { message } }: RpcTransaction): ChainTransaction {
  const failed = meta.err !== null
  const keys = message.accountKeys
  const transfers = failed
    ? []
    : message.instructions.flatMap(({ programIdIndex, accounts, data }) => {
        const bytes = base58(data)
        const view = new DataView(bytes.buffer)
        if (keys[programIdIndex] !== SYSTEM_PROGRAM || bytes.length !== 12 || view.getUint32(0, true) !== TRANSFER) return []
        const [from = '', to = ''] = accounts.map((index) => keys[index] ?? '')
        return [{ signature, from, to, lamports: view.getBigUint64(4, true) }]
      })
  return { signature, failed, fee: BigInt(meta.fee), feePayer: keys[0] ?? '', transfers }
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

function base58(text: string): Uint8Array<ArrayBuffer> {
  let value = 0n
  for (const letter of text) value = value * 58n + BigInt(ALPHABET.indexOf(letter))
  const zeros = /^1*/.exec(text)?.[0].length ?? 0
  const hex = value === 0n ? '' : value.toString(16)
  const body = Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`)
  const bytes = new Uint8Array(zeros + body.length)
  bytes.set(body, zeros)
  return bytes
}
