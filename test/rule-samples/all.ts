// The samples of all rules. A new rule puts its own here; the test of laws fails for a rule that has none.

import { BONUS_BY_PLATFORM, BONUS_BY_REFERRED, BONUS_IN_POOL } from './bonus.ts'
import { FEE_BANDS, FEE_ON_TOP, FEE_WHOLE, RECOUP_IN_ORDER, RECOUP_PRO_RATA } from './fees.ts'
import { CAP_OF_EVENT, CAP_OF_PERIOD, MINIMUM } from './limits.ts'
import { PROFIT_SHARE, WATERFALL } from './results.ts'
import type { Sample } from './sample.ts'
import { FIXED_SHARES, PRO_RATA } from './shares.ts'

export const SAMPLES: readonly Sample[] = [
  FIXED_SHARES,
  PRO_RATA,
  FEE_WHOLE,
  FEE_BANDS,
  FEE_ON_TOP,
  BONUS_IN_POOL,
  BONUS_BY_REFERRED,
  BONUS_BY_PLATFORM,
  CAP_OF_EVENT,
  CAP_OF_PERIOD,
  MINIMUM,
  RECOUP_IN_ORDER,
  RECOUP_PRO_RATA,
  PROFIT_SHARE,
  WATERFALL,
]
