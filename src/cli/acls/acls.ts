/** kafka-acls.sh: access control lists added, removed and listed. */
import type { AclBinding } from '../../client/admin/acls.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import { clientSentence, withAdmin } from '../clients/admin.ts'
import { setBootstrap } from '../clients/bootstrap.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { usageFailure } from '../options/option-checks.ts'
import { parsePrincipal, principalText } from '../text/principals.ts'
import { confirm } from '../tool/confirm.ts'
import { ToolExit } from '../tool/tool-exit.ts'
import { isOutside, type Terminal, type Tool, type ToolHost } from '../tool/tool.ts'
import { ACL_OPTIONS, aclOptions, type AclOptions } from './acl-options.ts'
import {
  aclWishes,
  entryText,
  patternText,
  patterns,
  patternType,
  type AclEntry,
  type ResourcePattern,
} from './acl-wishes.ts'

export const acls: Tool = async (argv, host) => {
  const options = aclOptions(argv)
  patternType(options)
  try {
    const properties = await commandConfig(host.world.disk, options.value('command-config'))
    setBootstrap(properties, options.value('bootstrap-server'), options.value('bootstrap-controller'))
    if (options.has('add')) await addAcls(options, host, properties)
    else {
      await withAdmin(host, properties, (admin) => {
        return options.has('list') ? listAcls(admin, options, host.terminal) : removeAcls(admin, options, host.terminal)
      })
    }
    return 0
  } catch (error) {
    if (!isOutside(error) || error instanceof ToolExit) throw error
    host.terminal.out(`Error while executing ACL command: ${clientSentence(error)}`)
    return 1
  }
}

function linesOf(entries: readonly AclEntry[]): string {
  return entries.map((entry) => `\t${entryText(entry)}`).join('\n')
}

async function addAcls(options: AclOptions, host: ToolHost, properties: Map<string, string>): Promise<void> {
  const type = patternType(options)
  if (type !== 'LITERAL' && type !== 'PREFIXED') {
    throw usageFailure(ACL_OPTIONS, `A '--resource-pattern-type' value of '${type}' is not valid when adding acls.`)
  }
  const wishes = aclWishes(options)
  if (wishes.some(({ entries }) => entries.length === 0)) {
    throw usageFailure(
      ACL_OPTIONS,
      'You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.',
    )
  }
  const { terminal } = host
  await withAdmin(host, properties, async (admin) => {
    for (const { pattern, entries } of wishes) {
      const known = new Set((await admin.describeAcls(pattern)).map(entryText))
      for (const entry of entries.filter((one) => known.has(entryText(one)))) {
        terminal.out(`Acl (pattern=${patternText(pattern)}, entry=${entryText(entry)}) already exists.`)
      }
      const fresh = entries.filter((one) => !known.has(entryText(one)))
      if (fresh.length === 0) continue
      terminal.out(`Adding ACLs for resource \`${patternText(pattern)}\`: \n ${linesOf(fresh)}\n`)
      ;(await admin.createAcls(fresh.map((entry) => ({ ...pattern, ...entry })))).all()
    }
  })
}

async function removeAcls(admin: AdminClient, options: AclOptions, terminal: Terminal): Promise<void> {
  for (const { pattern, entries } of aclWishes(options)) {
    const shown = patternText(pattern)
    const question =
      entries.length === 0
        ? `Are you sure you want to delete all ACLs for resource filter \`${shown}\`? (y/n)`
        : `Are you sure you want to remove ACLs: \n ${linesOf(entries)}\n from resource filter \`${shown}\`? (y/n)`
    if (!options.has('force') && !(await confirm(terminal, question))) continue
    const filters = entries.length === 0 ? [pattern] : entries.map((entry) => ({ ...pattern, ...entry }))
    ;(await admin.deleteAcls(filters)).all()
  }
}

async function listAcls(admin: AdminClient, options: AclOptions, terminal: Terminal): Promise<void> {
  const filters = patterns(options)
  const principals = options.values('principal').map((text) => principalText(parsePrincipal(text.trim())))
  const found: AclBinding[] = []
  for (const filter of filters.length === 0 ? [{}] : filters) found.push(...(await admin.describeAcls(filter)))
  if (principals.length === 0) printAcls(found, terminal)
  for (const principal of principals) {
    terminal.out(`ACLs for principal \`${principal}\``)
    printAcls(
      found.filter((one) => one.principal === principal),
      terminal,
    )
  }
}

/** In the order of their names: Kafka's own has none that holds. */
function printAcls(found: readonly AclBinding[], terminal: Terminal): void {
  const byPattern = new Map<string, Set<string>>()
  for (const one of found) {
    const { resourceType, resourceName, patternType: type } = one
    const pattern: ResourcePattern = { resourceType, resourceName, patternType: type }
    const entries = byPattern.get(patternText(pattern)) ?? new Set()
    byPattern.set(patternText(pattern), entries.add(`\t${entryText(one)}`))
  }
  for (const [pattern, entries] of [...byPattern].sort(([one], [other]) => (one < other ? -1 : 1))) {
    terminal.out(`Current ACLs for resource \`${pattern}\`:\n${[...entries].sort().join('\n')}\n`)
  }
}
