// The process of one command: its streams, its environment and the signals that ask it to end.

import { exitCodeOf, hearSignals, outliveReaders } from '../boot/signals.ts'
import { runCommand } from './run-command.ts'

const asked = hearSignals()
outliveReaders()
const environment = { ...process.env }
// So that no child inherits it.
delete process.env['APPORTION_MASTER_KEY']
delete process.env['APPORTION_KEY']
const terminal = { input: () => process.stdin, out: process.stdout, err: process.stderr, environment, asked: asked.signal }
process.exitCode = await runCommand(process.argv.slice(2), terminal)
// Everything is closed by now; what still waits (for a key to be typed, say) would keep the process.
if (asked.signal.aborted) process.exit(exitCodeOf(await asked.came))
