// The table of commands: what each takes, in words for people, and the file that does it. A new verb is one file and one entry here.

import { entry, type CommandEntry } from './command-entry.ts'
import { OFFLINE_COMMANDS } from './offline-commands.ts'

const LEDGER = ['--ledger <name>', 'which ledger; needed only when there are several'] as const
const AT = ['--at <instant>', 'as it was recorded by then; now when left out'] as const
const SPAN = [
  ['--from <instant>', 'from then on; from the beginning when left out'],
  ['--to <instant>', 'before then; until now when left out'],
] as const
const KEY = ['--key <key>', 'who you are; safer in APPORTION_KEY, where nobody sees it in a list of processes'] as const
const FROM = ['--from <instant>', 'in force from then on; as soon as the notice allows when left out'] as const
const HASH = ['--hash <hash>', 'of what you looked at'] as const
const REASON = ['--reason <text>', 'why'] as const
const DRAFT = ['<draft>', 'its id'] as const
const PLAN_FILE = ['<file>', 'the plan; - reads standard input'] as const
const PREVIEWED = ['<plan>', "a version's number, a draft's id, in-force, recorded (each event by its own version), or a file"] as const
const EVENTS = [
  ['--file <file>', "events in place of past ones: JSON lines in the program's words; - reads standard input"],
  ['--sample', "the program's sample in place of past events"],
  ['--fresh', 'let its rules begin without memory'],
] as const
const PAGE = [
  ['--limit <count>', 'rows of a page, 1 to 1000 (20)'],
  ['--cursor <cursor>', 'go on after this place, as the page before says'],
] as const

export const COMMANDS: readonly CommandEntry[] = [
  entry('ledger', 'list', { summary: 'the ledgers of this database', load: async () => await import('./commands/ledger/list.ts') }),
  entry('ledger', 'show', {
    summary: 'one ledger, with the file that its terms come from',
    words: [['<name>', 'its name']],
    load: async () => await import('./commands/ledger/show.ts'),
  }),
  entry('ledger', 'create', {
    summary: 'install a program as a new ledger',
    words: [['<name>', 'small letters, digits and dashes']],
    options: [
      ['--program <program>', 'which program', 'sale-split'],
      ['--file <file>', 'its terms, for a program that takes them from a file'],
      ['--production', 'real money: needs --network-url and a master key'],
      ['--network-url <url>', "the network's address; left out, the sandbox that the server runs"],
      ['--schema <schema>', 'where its tables stand; its own name when left out'],
      ['--token <asset=name>', "an asset that is not the network's own, such as USDC/6=<mint>"],
      ['--lanes <count>', 'lanes, fixed for ever (1)'],
    ],
    load: async () => await import('./commands/ledger/create.ts'),
  }),
  entry('event', 'record', {
    summary: 'record an event, or a file of them',
    words: [['[fields...]', "the event in the program's words: name=value"]],
    options: [
      LEDGER,
      ['--file <file>', 'JSON lines, one event each; - reads standard input'],
      ['--backdate', 'allow events that lie more than seven days back'],
      ['--follow', 'show progress until the payouts are settled'],
    ],
    load: async () => await import('./commands/event/record.ts'),
  }),
  entry('event', 'reverse', {
    summary: 'a refund or chargeback of an event, whole or in part',
    words: [
      ['<reference>', 'the event that is reversed'],
      ['<reversal>', "the reversal's own reference"],
    ],
    options: [LEDGER, ['--amount <amount>', 'of its asset, such as 1.5; all that is left when left out'], ['--note <text>', 'kept with it']],
    load: async () => await import('./commands/event/reverse.ts'),
  }),
  entry('event', 'list', { summary: 'events, newest first', options: [LEDGER, ...PAGE], load: async () => await import('./commands/event/list.ts') }),
  entry('event', 'show', {
    summary: 'one event with its shares',
    words: [['<reference>', "the event's own reference"]],
    options: [LEDGER],
    load: async () => await import('./commands/event/show.ts'),
  }),
  entry('distribution', 'list', {
    summary: 'how events were divided, and how far each share is',
    options: [LEDGER, ...PAGE],
    load: async () => await import('./commands/distribution/list.ts'),
  }),
  entry('distribution', 'show', {
    summary: 'the distribution of one event',
    words: [['<reference>', "the event's own reference"]],
    options: [LEDGER],
    load: async () => await import('./commands/distribution/show.ts'),
  }),
  entry('distribution', 'follow', {
    summary: 'show how far a distribution by snapshot is, until it is complete',
    words: [['<reference>', "the event's own reference"]],
    options: [LEDGER],
    load: async () => await import('./commands/distribution/follow.ts'),
  }),
  entry('distribution', 'proof', {
    summary: 'the Merkle proof of one share of a distribution by snapshot',
    words: [
      ['<reference>', "the event's own reference"],
      ['<recipient>', 'its id'],
    ],
    options: [LEDGER],
    load: async () => await import('./commands/distribution/proof.ts'),
  }),
  entry('snapshot', 'list', { summary: 'weights of many recipients, kept to distribute by', options: [LEDGER, ...PAGE], load: async () => await import('./commands/snapshot/list.ts') }),
  entry('snapshot', 'create', {
    summary: 'keep the weights of many recipients under a name',
    words: [['<name>', 'its name in this ledger']],
    options: [LEDGER, ['--record-at <instant>', 'of which it says what everybody held; now when left out'], ['--format <format>', "csv or jsonl; by the file's ending when left out"]],
    required: [['--file <file>', 'recipient and weight a line, as CSV or JSON, .gz too; - reads standard input']],
    load: async () => await import('./commands/snapshot/create.ts'),
  }),
  entry('snapshot', 'show', {
    summary: 'one snapshot',
    words: [['<name>', 'its name']],
    options: [LEDGER],
    load: async () => await import('./commands/snapshot/show.ts'),
  }),
  entry('payout', 'list', {
    summary: 'payouts, newest first',
    options: [LEDGER, ['--state <state>', 'queued, awaiting_approval, held, reserved, settled or cancelled'], ...PAGE],
    load: async () => await import('./commands/payout/list.ts'),
  }),
  entry('payout', 'show', {
    summary: 'one payout with its attempts',
    words: [['<payout>', 'its id']],
    options: [LEDGER],
    load: async () => await import('./commands/payout/show.ts'),
  }),
  entry('payout', 'follow', {
    summary: 'show progress until everything is settled or held',
    options: [LEDGER],
    load: async () => await import('./commands/payout/follow.ts'),
  }),
  entry('payout', 'approve', {
    summary: 'let payouts go that wait for a person',
    words: [['[payouts...]', 'their ids']],
    options: [LEDGER, KEY, ['--all-below <amount>', 'all that wait and are smaller'], ['--asset <asset>', 'of that amount']],
    load: async () => await import('./commands/payout/approve.ts'),
  }),
  entry('payout', 'reject', {
    summary: 'turn payouts away: held, and owed as before',
    words: [['<payouts...>', 'their ids']],
    options: [LEDGER, KEY],
    required: [REASON],
    load: async () => await import('./commands/payout/reject.ts'),
  }),
  entry('wallet', 'list', {
    summary: 'the wallets and what they hold',
    options: [LEDGER, ['--chain', 'ask the network too']],
    load: async () => await import('./commands/wallet/list.ts'),
  }),
  entry('wallet', 'create', {
    summary: 'a wallet whose key only the signer knows',
    words: [['<label>', 'its name in this ledger']],
    options: [LEDGER],
    load: async () => await import('./commands/wallet/create.ts'),
  }),
  entry('wallet', 'import', {
    summary: 'take over a wallet; the key is read from standard input',
    words: [['<label>', 'its name in this ledger']],
    options: [LEDGER],
    load: async () => await import('./commands/wallet/import.ts'),
  }),
  entry('recipient', 'list', { summary: 'who is paid where', options: [LEDGER, ...PAGE], load: async () => await import('./commands/recipient/list.ts') }),
  entry('recipient', 'show', {
    summary: 'where one is paid, and what has become of its shares',
    words: [['<recipient>', 'its id']],
    options: [LEDGER],
    load: async () => await import('./commands/recipient/show.ts'),
  }),
  entry('statement', 'show', {
    summary: 'what a recipient earned and was paid over a span',
    words: [['<recipient>', 'its id']],
    options: [
      LEDGER,
      ...SPAN,
      ['--by <order>', 'recorded_at, or event_at, which reads the whole history (recorded_at)'],
      ['--csv', 'all lines as CSV'],
      ...PAGE,
    ],
    load: async () => await import('./commands/statement/show.ts'),
  }),
  entry('report', 'totals', { summary: 'what stands in all accounts of each role', options: [LEDGER, AT], load: async () => await import('./commands/report/totals.ts') }),
  entry('report', 'top', {
    summary: 'the recipients who earned, are owed or were paid most',
    options: [LEDGER, ['--by <figure>', 'earned, payable or paid', 'earned'], ...SPAN, ['--limit <count>', 'how many of each asset, 1 to 1000 (20)']],
    load: async () => await import('./commands/report/top.ts'),
  }),
  entry('report', 'ageing', { summary: 'how old what waits and what is on its way is', options: [LEDGER], load: async () => await import('./commands/report/ageing.ts') }),
  entry('recipient', 'set', {
    summary: 'name where a recipient is paid from now on',
    words: [
      ['<recipient>', 'its id'],
      ['<address>', 'where it is paid'],
    ],
    options: [LEDGER, ['--label <label>', 'a name for people, for a new recipient']],
    load: async () => await import('./commands/recipient/set.ts'),
  }),
  entry('balance', 'list', {
    summary: 'what stands in each account',
    options: [LEDGER, AT, ['--role <role>', 'of one role: payable, wallet, …'], ['--account <account>', 'of one account'], ...PAGE],
    load: async () => await import('./commands/balance/list.ts'),
  }),
  entry('account', 'history', {
    summary: 'what moved in an account, newest first',
    words: [['<account>', 'its name, such as payable:ai']],
    options: [LEDGER, ['--oldest', 'oldest first'], ...PAGE],
    load: async () => await import('./commands/account/history.ts'),
  }),
  entry('block', 'list', { summary: 'the blocks of the journal with their hashes, newest first', options: [LEDGER, ...PAGE], load: async () => await import('./commands/block/list.ts') }),
  entry('inbox', 'list', { summary: 'rows that wait or were refused', options: [LEDGER, ...PAGE], load: async () => await import('./commands/inbox/list.ts') }),
  entry('inbox', 'admit', {
    summary: 'let in rows that waited for an operator',
    words: [['<references...>', 'their references']],
    options: [LEDGER],
    load: async () => await import('./commands/inbox/admit.ts'),
  }),
  entry('inbox', 'role', {
    summary: 'a database role that may only insert events by SQL',
    words: [['<role>', 'its name']],
    options: [LEDGER],
    load: async () => await import('./commands/inbox/role.ts'),
  }),
  entry('plan', 'list', { summary: 'the versions of the rules, and the drafts', options: [LEDGER], load: async () => await import('./commands/plan/list.ts') }),
  entry('plan', 'add', {
    summary: 'a new version of the rules, from a JSON file',
    words: [PLAN_FILE],
    options: [LEDGER, KEY, FROM],
    load: async () => await import('./commands/plan/add.ts'),
  }),
  entry('plan', 'show', {
    summary: 'one version or draft',
    words: [['<plan>', "a version's number, or a draft's id"]],
    options: [LEDGER],
    load: async () => await import('./commands/plan/show.ts'),
  }),
  entry('plan', 'validate', { summary: 'read a plan, and write nothing', words: [PLAN_FILE], options: [LEDGER, FROM], load: async () => await import('./commands/plan/validate.ts') }),
  entry('plan', 'preview', {
    summary: 'what a plan would do on past events, a file or the sample; nothing is written',
    words: [PREVIEWED],
    options: [LEDGER, ...SPAN, ...EVENTS],
    load: async () => await import('./commands/plan/preview.ts'),
  }),
  entry('plan', 'diff', {
    summary: 'what a change would change for whom: two plans on the same events, or one on two spans',
    words: [
      ['<plan>', `before, or what is compared with the version in force: ${PREVIEWED[1]}`],
      ['[after]', 'the other plan'],
    ],
    options: [LEDGER, ...SPAN, ...EVENTS, ['--before-from <instant>', 'of another span for what is before'], ['--before-to <instant>', 'where that one ends']],
    load: async () => await import('./commands/plan/diff.ts'),
  }),
  entry('plan', 'draft', { summary: 'write a plan down, to be approved', words: [PLAN_FILE], options: [LEDGER, KEY, FROM], load: async () => await import('./commands/plan/draft.ts') }),
  entry('plan', 'edit', { summary: 'write a draft anew', words: [DRAFT, PLAN_FILE], options: [LEDGER, KEY, FROM], load: async () => await import('./commands/plan/edit.ts') }),
  entry('plan', 'approve', {
    summary: 'agree to what a draft says',
    words: [DRAFT],
    options: [LEDGER, KEY, ['--preview <file>', 'the preview or diff you looked at, as its --json: made anew, and signed with it'], ['--file <events>', 'the events it was made on, where it was made on a file']],
    required: [HASH],
    load: async () => await import('./commands/plan/approve.ts'),
  }),
  entry('plan', 'reject', { summary: 'turn a draft away', words: [DRAFT], options: [LEDGER, KEY, REASON], load: async () => await import('./commands/plan/reject.ts') }),
  entry('plan', 'withdraw', { summary: 'take a draft back', words: [DRAFT], options: [LEDGER, KEY, REASON], load: async () => await import('./commands/plan/withdraw.ts') }),
  entry('approval', 'list', { summary: 'what waits for a person', options: [LEDGER, ...PAGE], load: async () => await import('./commands/approval/list.ts') }),
  entry('approval', 'show', {
    summary: 'the approvals given for a draft, a payout or a change of settings',
    words: [['<subject>', 'its id']],
    options: [LEDGER],
    load: async () => await import('./commands/approval/show.ts'),
  }),
  entry('approval', 'sign', {
    summary: 'seal a statement, for the API; needs no server',
    words: [['<statement>', 'as approval list --json shows it']],
    options: [KEY, ['--preview <hash>', 'of the preview you looked at']],
    needs: 'nothing',
    load: async () => await import('./commands/approval/sign.ts'),
  }),
  entry('settings', 'show', { summary: 'what the ledger asks for', options: [LEDGER], load: async () => await import('./commands/settings/show.ts') }),
  entry('settings', 'set', {
    summary: 'ask for more, at once, or for less, once others agreed',
    options: [
      LEDGER,
      KEY,
      ['--plan-approvals <persons>', 'who must approve a plan besides who drafted it'],
      ['--plan-notice <seconds>', 'least time from approval to effect'],
      ['--payout-above <asset=amount...>', 'a larger payout waits for a person; none takes it away'],
      ['--recoup-percent <percent>', 'how much of a share is kept back from a recipient who owes'],
      ['--fact-notice <name=seconds...>', 'notice of a raise of that fact; none takes it away'],
    ],
    load: async () => await import('./commands/settings/set.ts'),
  }),
  entry('settings', 'approve', {
    summary: 'agree to a change that waits',
    words: [['<change>', 'its id']],
    options: [LEDGER, KEY],
    required: [HASH],
    load: async () => await import('./commands/settings/approve.ts'),
  }),
  entry('settings', 'withdraw', {
    summary: 'take back a change that waits',
    words: [['<change>', 'its id']],
    options: [LEDGER, KEY, REASON],
    load: async () => await import('./commands/settings/withdraw.ts'),
  }),
  entry('fact', 'set', {
    summary: 'announce a standing fact',
    words: [
      ['<name>', 'such as profit_share_percent'],
      ['<subject>', 'whose'],
      ['<value>', 'a decimal'],
    ],
    options: [LEDGER, KEY, FROM],
    load: async () => await import('./commands/fact/set.ts'),
  }),
  entry('fact', 'list', {
    summary: 'standing facts, and what was announced',
    options: [LEDGER, ['--name <name>', 'of this name'], ['--subject <subject>', 'of this one'], ...PAGE],
    load: async () => await import('./commands/fact/list.ts'),
  }),
  entry('key', 'create', {
    summary: 'a key of the API, shown once',
    words: [['<name>', 'whose it is']],
    options: [
      LEDGER,
      ['--role <role>', 'viewer, recorder, operator, approver or admin'],
      ['--rights <rights>', 'in place of a role: read, record, backdate, propose, approve, administer (read,record)'],
    ],
    load: async () => await import('./commands/key/create.ts'),
  }),
  entry('key', 'list', { summary: 'the keys, without their secrets', options: [LEDGER], load: async () => await import('./commands/key/list.ts') }),
  entry('key', 'revoke', {
    summary: 'end a key',
    words: [['<name>', 'which']],
    options: [LEDGER],
    load: async () => await import('./commands/key/revoke.ts'),
  }),
  entry(null, 'explain', {
    summary: 'why an amount is what it is',
    words: [['<subject>', "an event's reference, <reference>#<role>, or a payout's id"]],
    options: [LEDGER],
    load: async () => await import('./commands/explain.ts'),
  }),
  entry(null, 'verify', {
    summary: 'recompute every figure and name the first break',
    options: [
      LEDGER,
      ['--incremental', 'from where the last such verification ended, and remember where this one does'],
      ['--from-block <block>', 'the journal from this block on'],
    ],
    load: async () => await import('./commands/verify.ts'),
  }),
  entry(null, 'export', {
    summary: 'write the journal to a file, for others to verify and for import',
    words: [['[file]', 'its name, compressed when it ends in .gz; standard output when left out']],
    options: [
      LEDGER,
      ['--without-records', 'digests alone of what was recorded with the events'],
      ['--from-block <block>', 'from this block on, of one lane'],
      ['--to-block <block>', 'up to this block'],
      ['--lane <position>', 'which lane the blocks are of, from 0'],
    ],
    load: async () => await import('./commands/export.ts'),
  }),
  entry(null, 'import', {
    summary: 'copy an exported journal into an empty ledger, to read and to prove by',
    words: [['<file>', 'as export wrote it; - reads standard input']],
    options: [LEDGER],
    load: async () => await import('./commands/import.ts'),
  }),
  entry(null, 'doctor', { summary: 'settings, database, ledgers and what fails', needs: 'database', load: async () => await import('./commands/doctor.ts') }),
  ...OFFLINE_COMMANDS,
]
