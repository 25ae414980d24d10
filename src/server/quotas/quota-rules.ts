/**
 * Which bound of one kind applies to a client, and with whom it shares it (KIP-13, KIP-55). The first of these that is set decides:
 *
 *     user and client id, user and any client id, user, any user and client id, any user and any client id, any user, client id, any client id
 *
 * A bound of a user holds for all clients of that user together, one of a client id for all users of it together, one that names both
 * for the two together; a default is had by each for itself. A client that doesn't tell its id has the empty one, which only a user's
 * bound holds for.
 */
import { quotaKey, type QuotaEntity } from '../../metadata/image.ts'

const USER = 'user'
const CLIENT_ID = 'client-id'

/** Null: the default of the type; undefined: not part of the entity. */
type Name = string | null | undefined

export interface Bound {
  readonly perSecondMax: number
  /** Who has the same one shares it. */
  readonly sharedBy: string
}

export class QuotaRules {
  /** By `quotaKey`. */
  readonly #bounds = new Map<string, number>()
  #ofUsers = false
  #ofClients = false
  #ofBoth = false

  /** @param kind as `producer_byte_rate` */
  constructor(entities: Iterable<QuotaEntity>, kind: string) {
    for (const { parts, values } of entities) {
      const bound = values.get(kind)
      const types = parts.map(({ type }) => type)
      if (bound === undefined || types.length === 0 || types.some((type) => type !== USER && type !== CLIENT_ID))
        continue
      this.#bounds.set(quotaKey(parts), bound)
      if (types.length > 1) this.#ofBoth = true
      else if (types[0] === USER) this.#ofUsers = true
      else this.#ofClients = true
    }
  }

  get isEmpty(): boolean {
    return this.#bounds.size === 0
  }

  /** Null: unbounded. */
  boundOf(user: string, clientId: string): Bound | null {
    const [sharedUser, sharedClientId] = this.#sharing(user, clientId)
    const perSecondMax = this.#bound(sharedUser, sharedClientId)
    return perSecondMax === null ? null : { perSecondMax, sharedBy: JSON.stringify([sharedUser, sharedClientId]) }
  }

  /** User and client id as far as they matter; an empty one does not. */
  #sharing(user: string, clientId: string): readonly [string, string] {
    if (!this.#ofUsers && !this.#ofBoth) return ['', clientId]
    if (!this.#ofBoth && !this.#ofClients) return [user, '']
    if (!this.#ofUsers && !this.#ofClients) return [user, clientId]
    if (this.#has(user, clientId) || this.#has(user, null)) return [user, clientId]
    if (this.#has(user, undefined)) return [user, '']
    if (this.#has(null, clientId) || this.#has(null, null)) return [user, clientId]
    return this.#has(null, undefined) ? [user, ''] : ['', clientId]
  }

  #bound(user: string, clientId: string): number | null {
    if (user !== '' && clientId !== '') {
      return this.#first([user, clientId], [user, null], [null, clientId], [null, null])
    }
    if (user !== '') return this.#first([user, undefined], [null, undefined])
    return clientId === '' ? null : this.#first([undefined, clientId], [undefined, null])
  }

  #first(...entities: readonly (readonly [Name, Name])[]): number | null {
    for (const [user, clientId] of entities) {
      const bound = this.#bounds.get(keyOf(user, clientId))
      if (bound !== undefined) return bound
    }
    return null
  }

  #has(user: Name, clientId: Name): boolean {
    return this.#bounds.has(keyOf(user, clientId))
  }
}

function keyOf(user: Name, clientId: Name): string {
  const parts: { type: string; name: string | null }[] = []
  if (clientId !== undefined) parts.push({ type: CLIENT_ID, name: clientId })
  if (user !== undefined) parts.push({ type: USER, name: user })
  return quotaKey(parts)
}
