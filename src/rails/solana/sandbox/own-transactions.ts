// The network's own transactions: airdrops, mints, frozen accounts. Each is a real transaction signed by the faucet,
// with signature, status and history like any other; none of them edits an account behind the machine's back.
import {
  appendTransactionMessageInstructions, compileTransaction, createNoopSigner, createTransactionMessage, getTransactionEncoder,
  pipe, setTransactionMessageFeePayer, setTransactionMessageLifetimeUsingBlockhash, type Address, type Blockhash, type Instruction,
  type SignatureBytes,
} from '@solana/kit'
import { getCreateAccountInstruction, getTransferSolInstruction } from '@solana-program/system'
import {
  TOKEN_PROGRAM_ADDRESS, getCreateAssociatedTokenIdempotentInstruction, getFreezeAccountInstruction, getInitializeMint2Instruction,
  getMintToInstruction, getThawAccountInstruction,
} from '@solana-program/token'
import { assert, present } from '../../../core/assert.ts'
import { textOf, type Key } from './bytes.ts'
import { readAccount, rentExemptMinimum } from './machine.ts'
import { enqueue } from './mempool.ts'
import { mintKeyOf, signWith, type OwnKey } from './own-keys.ts'
import { heightOf, BLOCKHASH_WINDOW } from './chain.ts'
import { hashOfSlot, type Network } from './state.ts'
import { associatedTokenKey, mintStateOf } from './token.ts'
import { identityOf, readWire } from './wire.ts'

const MINT_SPACE = 82
// The memo program that the machine has built in; the newer address is not.
const MEMO_PROGRAM_ADDRESS = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr' as Address

/** Sends lamports from the faucet. Returns the signature; the transfer lands in the next block. */
export function airdrop(network: Network, to: Key, lamports: bigint): Key {
  const source = createNoopSigner(addressOf(network.faucet.key))
  return submit(network, [], [getTransferSolInstruction({ source, destination: addressOf(to), amount: lamports })])
}

export type MadeMint = { readonly mint: Key; readonly signature: Key | null }
export type MintedTokens = { readonly tokenAccount: Key; readonly signature: Key }

/** Makes the mint of that name, faucet as mint and freeze authority. Signature null when it stands or waits already. */
export function createMint(network: Network, name: string, decimals: number): MadeMint {
  const own = mintKeyOf(network.genesisHash, name)
  if (readAccount(network.machine, own.key) !== null) return { mint: own.key, signature: null }
  const payer = createNoopSigner(addressOf(network.faucet.key))
  const newAccount = createNoopSigner(addressOf(own.key))
  const lamports = rentExemptMinimum(network.machine, MINT_SPACE)
  const signature = submit(network, [own], [
    getCreateAccountInstruction({ payer, newAccount, lamports, space: MINT_SPACE, programAddress: TOKEN_PROGRAM_ADDRESS }),
    getInitializeMint2Instruction({
      mint: newAccount.address, decimals, mintAuthority: payer.address, freezeAuthority: payer.address,
    }),
  ])
  return { mint: own.key, signature }
}

/** Makes the owner's associated token account where it is missing, and mints units into it. */
export function mintTo(network: Network, mint: Key, owner: Key, units: bigint): MintedTokens {
  const tokenAccount = associatedTokenKey(owner, mint)
  const token = addressOf(tokenAccount)
  const payer = createNoopSigner(addressOf(network.faucet.key))
  const signature = submit(network, [], [
    getCreateAssociatedTokenIdempotentInstruction({ payer, ata: token, owner: addressOf(owner), mint: addressOf(mint) }),
    getMintToInstruction({ mint: addressOf(mint), token, mintAuthority: payer, amount: units }),
  ])
  return { tokenAccount, signature }
}

/** Freezes or thaws a token account of a mint made here. */
export function setFrozen(network: Network, mint: Key, tokenAccount: Key, frozen: boolean): Key {
  const owner = createNoopSigner(addressOf(network.faucet.key))
  const input = { account: addressOf(tokenAccount), mint: addressOf(mint), owner }
  return submit(network, [], [frozen ? getFreezeAccountInstruction(input) : getThawAccountInstruction(input)])
}

/** Whether the faucet may mint and freeze this mint. */
export function isOwnMint(network: Network, mint: Key): boolean {
  const image = readAccount(network.machine, mint)
  return image !== null && mintStateOf(image)?.mintAuthority === network.faucet.key
}

function submit(network: Network, cosigners: readonly OwnKey[], instructions: readonly Instruction[]): Key {
  network.ownTransactions += 1
  const memo = {
    programAddress: MEMO_PROGRAM_ADDRESS,
    // Two equal airdrops on one blockhash would be one transaction.
    data: new TextEncoder().encode(`sandbox ${network.ownTransactions}`),
  }
  const blockhash = textOf(present(hashOfSlot(network, network.slot), 'newest blockhash')) as Blockhash
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayer(addressOf(network.faucet.key), m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(
      { blockhash, lastValidBlockHeight: BigInt(heightOf(network.slot) + BLOCKHASH_WINDOW) }, m),
    (m) => appendTransactionMessageInstructions([...instructions, memo], m),
  )
  const compiled = compileTransaction(message)
  const signatures: Record<Address, SignatureBytes | null> = { ...compiled.signatures }
  for (const own of [network.faucet, ...cosigners]) {
    signatures[addressOf(own.key)] = signWith(own, compiled.messageBytes as unknown as Uint8Array) as SignatureBytes
  }
  const wire = readWire(new Uint8Array(getTransactionEncoder().encode({ ...compiled, signatures })))
  assert(!('problem' in wire), 'the network builds well-formed transactions')
  enqueue(network, wire, { delaySlots: 0, own: true })
  return identityOf(wire)
}

const addressOf = (key: Key): Address => textOf(key) as Address
