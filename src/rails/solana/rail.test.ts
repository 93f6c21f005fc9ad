// The rail as shared code meets it: the suite of every rail, in SOL and in a token.

import { railConformance } from '../conformance.ts'
import { solBench, tokenBench } from './conformance-bench.ts'

railConformance({ name: 'Solana in SOL', setup: solBench })
railConformance({ name: 'Solana in a token', setup: tokenBench })
