// `init`: writes a program's file from a template, with what belongs to it, into a folder. Nothing that is there is replaced unasked.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { quote } from '../../core/money.ts'
import { isFileProgram, type FileProgram } from '../../core/program.ts'
import { Refusal } from '../../core/refusal.ts'
import { maybeText, type Run } from '../command.ts'
import { readDocumentFile, readTextFile } from '../document-file.ts'

/** The file of a template that is the program's. */
const PROGRAM_FILE = 'deal.json'

type Template = { readonly name: string; readonly folder: string; readonly program: string; readonly summary: string }

export const run: Run = async ({ programs }, { words, options }, output) => {
  const templates = [...programs.values()].filter(isFileProgram).flatMap(templatesOf)
  const wanted = maybeText(words[0])
  if (wanted === null) {
    const list = templates.map(({ name, summary, program }) => ({ template: name, program, summary }))
    return output.result({ templates: list }, () => {
      output.table(list, [{ title: 'TEMPLATE', of: ({ template }) => template }, { title: 'WHAT IT DOES', of: ({ summary }) => summary }], 'no templates')
      output.line('\nNext: `npx apportion init <template>` writes one into a new folder.')
    })
  }
  const template = templates.find(({ name }) => name === wanted)
  if (template === undefined) {
    throw new Refusal('template_not_found', `there is no template ${quote(wanted)}; there are: ${templates.map(({ name }) => name).join(', ')}`, { template: wanted.slice(0, 60) })
  }
  const folder = maybeText(words[1]) ?? template.name
  const files = write(template, folder, options['force'] === true)
  const [deal, events, scenarios] = [PROGRAM_FILE, 'events.jsonl', 'scenarios.json'].map((name) => join(folder, name))
  output.result({ template: template.name, folder, files }, () => {
    output.line(`${folder} holds ${files.join(', ')}. Next:`)
    output.line(`  npx apportion try ${deal} ${events}`)
    output.line(`  npx apportion scenario run ${scenarios}`)
    output.line(`  npx apportion ledger create my-deal --program ${template.program} --file ${deal}`)
  })
}

function templatesOf({ name: program, templates }: FileProgram): readonly Template[] {
  return readdirSync(templates).toSorted().map((name) => {
    const folder = join(templates, name)
    const { summary } = z.object({ summary: z.string() }).parse(readDocumentFile(join(folder, PROGRAM_FILE)).value)
    return { name, folder, program, summary }
  })
}

/** Writes all files of a template, or none. Refuses `file_conflict`. */
function write({ folder: from }: Template, folder: string, force: boolean): readonly string[] {
  const names = readdirSync(from).toSorted()
  const there = names.find((name) => existsSync(join(folder, name)))
  if (there !== undefined && !force) {
    throw new Refusal('file_conflict', `${join(folder, there)} is there already: nothing was written; choose another folder, or say --force`, { file: join(folder, there) })
  }
  try {
    mkdirSync(folder, { recursive: true })
  } catch {
    throw new Refusal('file_conflict', `${folder} is no folder and cannot be made one: choose another`, { file: folder })
  }
  for (const name of names) writeFileSync(join(folder, name), moved(readTextFile(join(from, name)), { from, to: folder }))
  return names
}

/** A file's text with the path to its schema as it is from where it stands now. */
function moved(text: string, { from, to }: { from: string; to: string }): string {
  return text.replace(/^( *"\$schema": ")([^"]+)(")/m, (_, before: string, path: string, after: string) => {
    return `${before}${relative(resolve(to), resolve(from, path)).replaceAll('\\', '/')}${after}`
  })
}
