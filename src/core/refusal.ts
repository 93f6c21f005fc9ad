// Refusals: what the caller did wrong or the world refuses, with a stable code. Codes are never renamed or reused.

/**
 * Every code with its HTTP status and its cause. A refusal caused by `content` will be the same however often it is sent;
 * one caused by `state` may succeed later, so it spends no idempotency key.
 */
export const REFUSALS = {
  account_not_found: { status: 404, cause: 'state' },
  address_malformed: { status: 422, cause: 'content' },
  amount_exceeded: { status: 422, cause: 'content' },
  amount_malformed: { status: 422, cause: 'content' },
  amount_not_positive: { status: 422, cause: 'content' },
  amount_scale_exceeded: { status: 422, cause: 'content' },
  api_key_conflict: { status: 409, cause: 'state' },
  api_key_not_found: { status: 404, cause: 'state' },
  approval_conflict: { status: 409, cause: 'state' },
  approval_forbidden: { status: 403, cause: 'state' },
  approval_invalid: { status: 422, cause: 'state' },
  approval_mismatch: { status: 409, cause: 'state' },
  approval_missing: { status: 409, cause: 'state' },
  approver_missing: { status: 409, cause: 'state' },
  asset_not_found: { status: 422, cause: 'content' },
  balance_exceeded: { status: 422, cause: 'state' },
  body_exceeded: { status: 413, cause: 'content' },
  body_malformed: { status: 400, cause: 'content' },
  configuration_invalid: { status: 500, cause: 'state' },
  content_type_unsupported: { status: 415, cause: 'content' },
  cursor_malformed: { status: 400, cause: 'content' },
  database_role_forbidden: { status: 500, cause: 'state' },
  database_unavailable: { status: 503, cause: 'state' },
  database_version_unsupported: { status: 500, cause: 'state' },
  distribution_locked: { status: 409, cause: 'state' },
  distribution_not_found: { status: 404, cause: 'state' },
  drafts_exceeded: { status: 409, cause: 'state' },
  event_amounts_mismatch: { status: 422, cause: 'content' },
  event_backdated_forbidden: { status: 403, cause: 'state' },
  event_not_found: { status: 404, cause: 'state' },
  event_order_conflict: { status: 409, cause: 'state' },
  event_share_mismatch: { status: 422, cause: 'content' },
  event_time_exceeded: { status: 422, cause: 'state' },
  events_missing: { status: 422, cause: 'state' },
  fact_conflict: { status: 422, cause: 'content' },
  fact_exceeded: { status: 422, cause: 'content' },
  fact_invalid: { status: 422, cause: 'content' },
  fact_malformed: { status: 422, cause: 'content' },
  fact_mismatch: { status: 422, cause: 'content' },
  fact_not_found: { status: 422, cause: 'state' },
  field_malformed: { status: 422, cause: 'content' },
  file_conflict: { status: 409, cause: 'state' },
  file_malformed: { status: 422, cause: 'content' },
  file_not_found: { status: 404, cause: 'state' },
  floor_exceeded: { status: 409, cause: 'state' },
  idempotency_key_conflict: { status: 409, cause: 'content' },
  idempotency_key_malformed: { status: 400, cause: 'content' },
  inbox_row_forbidden: { status: 409, cause: 'state' },
  inbox_table_mismatch: { status: 409, cause: 'state' },
  instant_exceeded: { status: 422, cause: 'state' },
  journal_conflict: { status: 409, cause: 'state' },
  journal_malformed: { status: 422, cause: 'content' },
  journal_mismatch: { status: 409, cause: 'state' },
  key_invalid: { status: 401, cause: 'state' },
  key_malformed: { status: 422, cause: 'content' },
  ledger_conflict: { status: 409, cause: 'state' },
  ledger_copy_forbidden: { status: 409, cause: 'state' },
  ledger_not_found: { status: 404, cause: 'state' },
  master_key_mismatch: { status: 500, cause: 'state' },
  method_unsupported: { status: 405, cause: 'content' },
  migration_conflict: { status: 500, cause: 'state' },
  payout_locked: { status: 409, cause: 'state' },
  payout_not_found: { status: 404, cause: 'state' },
  permission_missing: { status: 403, cause: 'state' },
  plan_invalid: { status: 422, cause: 'content' },
  plan_locked: { status: 409, cause: 'state' },
  plan_not_found: { status: 404, cause: 'state' },
  pool_exceeded: { status: 422, cause: 'content' },
  pool_malformed: { status: 422, cause: 'content' },
  preview_exceeded: { status: 422, cause: 'state' },
  preview_mismatch: { status: 409, cause: 'state' },
  program_not_found: { status: 404, cause: 'content' },
  queue_exceeded: { status: 503, cause: 'state' },
  rail_not_found: { status: 422, cause: 'content' },
  rail_unavailable: { status: 503, cause: 'state' },
  rate_exceeded: { status: 429, cause: 'state' },
  recipient_malformed: { status: 422, cause: 'content' },
  recipient_not_found: { status: 404, cause: 'state' },
  reference_conflict: { status: 409, cause: 'content' },
  reference_lane_mismatch: { status: 422, cause: 'content' },
  reference_locked: { status: 409, cause: 'state' },
  reference_malformed: { status: 422, cause: 'content' },
  reference_test_forbidden: { status: 422, cause: 'content' },
  residual_not_found: { status: 422, cause: 'content' },
  reversal_exceeded: { status: 422, cause: 'state' },
  reversal_forbidden: { status: 422, cause: 'content' },
  rounding_not_found: { status: 422, cause: 'content' },
  rounding_state_mismatch: { status: 422, cause: 'content' },
  route_not_found: { status: 404, cause: 'content' },
  server_failed: { status: 500, cause: 'state' },
  settings_exceeded: { status: 409, cause: 'state' },
  settings_invalid: { status: 422, cause: 'content' },
  settings_locked: { status: 409, cause: 'state' },
  settings_not_found: { status: 404, cause: 'state' },
  signing_limit_exceeded: { status: 409, cause: 'state' },
  signing_refused: { status: 409, cause: 'state' },
  snapshot_conflict: { status: 409, cause: 'state' },
  snapshot_exceeded: { status: 422, cause: 'content' },
  snapshot_malformed: { status: 422, cause: 'content' },
  snapshot_not_found: { status: 404, cause: 'state' },
  snapshot_unsupported: { status: 422, cause: 'content' },
  template_not_found: { status: 404, cause: 'content' },
  wallet_conflict: { status: 409, cause: 'state' },
  wallet_not_found: { status: 404, cause: 'state' },
  weight_exceeded: { status: 422, cause: 'content' },
  weight_malformed: { status: 422, cause: 'content' },
  weights_exceeded: { status: 422, cause: 'content' },
  weights_missing: { status: 422, cause: 'content' },
} as const satisfies Record<string, { status: number; cause: 'content' | 'state' }>

export type RefusalCode = keyof typeof REFUSALS

/** Figures and names that belong to a refusal; money as text. Never a key, token or secret. */
export type RefusalDetails = { readonly [name: string]: string | number | boolean | null | readonly string[] }

/** The only error that is shown to callers. `message` says what was wrong, with the figures, and what to do. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly details: RefusalDetails

  constructor(code: RefusalCode, message: string, details: RefusalDetails = {}) {
    super(message)
    this.name = 'Refusal'
    this.code = code
    this.details = details
  }

  get status(): number {
    return REFUSALS[this.code].status
  }

  get causedBy(): 'content' | 'state' {
    return REFUSALS[this.code].cause
  }
}
