#!/usr/bin/env node
// The command line (`npx apportion …` or `./scripts/apportion.js …`): the same bootstrap as every script, with the CLI as program.

process.argv.splice(2, 0, 'src/cli/main.ts')
await import('./run.js')
