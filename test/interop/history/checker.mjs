/**
 * What clients of a cluster saw, checked for the anomalies that Jepsen's checker for Kafka knows. Pure: a history goes in, what is
 * wrong with it comes out.
 *
 * A history is a list of events, as load.mjs and java/HistoryLoad.java write them, one JSON object a line; times are milliseconds
 * of one monotonic clock. Each value is sent once in the whole history.
 *
 *     {"e":"sent","p":"p1","s":7,"n":0,"v":"p1.7","o":12,"t0":1,"t1":2,"x":"x1"}   acknowledged; s: number within its producer; x: transaction
 *     {"e":"unsent","p":"p1","s":8,"n":0,"v":"p1.8","why":"TIMED_OUT"}             failed: it may be there or not
 *     {"e":"ended","x":"x1","how":"committed","t0":3,"t1":4}                       or aborted, unknown; t0: the end was asked for
 *     {"e":"consumer","c":"c1","g":"group","committed":true}                       g null: partitions of its own choice
 *     {"e":"assigned","c":"c1","n":[0,1],"t":5}                                    and revoked
 *     {"e":"polled","c":"c1","t":6,"r":[[0,12,"p1.7"]]}                            partition, offset, value
 *     {"e":"committed","g":"group","n":0,"o":13,"t":7}                             an offset, acknowledged
 *     {"e":"poll-failed","c":"c1","why":"…","t":8}
 *
 * `lost-write`: acknowledged, not there, though something behind it is. `unseen`: acknowledged and not read by anybody, or not by a
 * group that read everything else. The others say what they are where they are found.
 */

/** Of each type so many are told whole. */
const TOLD_MAX = 10
/** Between two records that one consumer read nobody leaves out more offsets than this to markers. */
const GAP_MAX = 1_000_000

/**
 * @typedef {{ type: string, what: string }} Anomaly
 * @param {Iterable<object>} events
 * @returns {{ anomalies: Anomaly[], counts: Record<string, number>, totals: Record<string, number> }}
 */
export function check(events) {
  const history = new History()
  for (const event of events) history.add(event)
  const found = new Findings()
  places(history, found)
  order(history, found)
  polls(history, found)
  transactions(history, found)
  delivery(history, found)
  return { anomalies: found.told, counts: found.counts, totals: history.totals() }
}

class Findings {
  told = []
  counts = {}

  add(type, what) {
    const count = (this.counts[type] ?? 0) + 1
    this.counts[type] = count
    if (count <= TOLD_MAX) this.told.push({ type, what })
  }
}

class History {
  /** By value: what became of it. */
  sent = new Map()
  unsent = new Map()
  transactions = new Map()
  consumers = new Map()
  /** Of consumers, in order: polled, assigned, revoked. */
  reading = []
  /** Of groups, in order. */
  commits = []
  pollsFailed = 0

  add(event) {
    switch (event.e) {
      case 'sent':
        this.sent.set(event.v, event)
        break
      case 'unsent':
        this.unsent.set(event.v, event)
        break
      case 'ended':
        this.transactions.set(event.x, event)
        break
      case 'consumer':
        this.consumers.set(event.c, event)
        break
      case 'polled':
      case 'assigned':
      case 'revoked':
        this.reading.push(event)
        break
      case 'committed':
        this.commits.push(event)
        break
      case 'poll-failed':
        this.pollsFailed++
        break
      default:
        throw new Error(`no such event: ${JSON.stringify(event)}`)
    }
  }

  /** Whose values everybody has to see. */
  isVisible({ x }) {
    return x === undefined || this.transactions.get(x)?.how === 'committed'
  }

  /** Whether readers of committed data may leave it out. */
  mayBeHidden(value) {
    const event = this.sent.get(value) ?? this.unsent.get(value)
    return event !== undefined && !this.isVisible(event)
  }

  *polled() {
    for (const event of this.reading) if (event.e === 'polled') yield event
  }

  totals() {
    let polled = 0
    for (const { r } of this.polled()) polled += r.length
    const { sent, unsent, transactions: ended, commits, pollsFailed } = this
    return {
      sent: sent.size,
      unsent: unsent.size,
      transactions: ended.size,
      polled,
      commits: commits.length,
      pollsFailed,
    }
  }
}

/** `inconsistent-offsets`, `duplicate`, `phantom`. Leaves what stands where in `history.logs`. */
function places(history, found) {
  /** By partition: offset to value. */
  const logs = new Map()
  const placeOf = new Map()
  const stands = (partition, offset, value, who) => {
    let log = logs.get(partition)
    if (log === undefined) logs.set(partition, (log = new Map()))
    const other = log.get(offset)
    if (other === undefined) log.set(offset, value)
    else if (other !== value) {
      found.add('inconsistent-offsets', `${partition} ${offset} is ${other}, and ${value} for ${who}`)
    }
    const place = placeOf.get(value)
    if (place === undefined) placeOf.set(value, [partition, offset])
    else if (place[0] !== partition || place[1] !== offset) {
      found.add('duplicate', `${value} is at ${place.join(' ')} and, for ${who}, at ${partition} ${offset}`)
    }
  }
  for (const { n, o, v } of history.sent.values()) if (o >= 0) stands(n, o, v, 'its producer')
  for (const { c, r } of history.polled()) {
    for (const [partition, offset, value] of r) {
      stands(partition, offset, value, c)
      if (!history.sent.has(value) && !history.unsent.has(value))
        found.add('phantom', `${c} read ${value}: nobody sent it`)
    }
  }
  history.logs = logs
}

/** `nonmonotonic-send`: a producer's later record of a partition stands before an earlier one; `int-…`: in one transaction. */
function order(history, found) {
  const last = new Map()
  const inOrder = [...history.sent.values()].filter(({ o }) => o >= 0).sort((left, right) => left.s - right.s)
  for (const event of inOrder) {
    const key = `${event.p} ${event.n}`
    const before = last.get(key)
    if (before !== undefined && before.o > event.o) {
      const type = event.x !== undefined && event.x === before.x ? 'int-nonmonotonic-send' : 'nonmonotonic-send'
      found.add(type, `${before.v} is at ${before.n} ${before.o}, ${event.v}, which was sent later, at ${event.o}`)
    }
    last.set(key, event)
  }
}

/**
 * `nonmonotonic-poll` and `poll-skip`, with `int-` inside one poll; `commit-regression`: a member that was given a partition began
 * below what was committed before that.
 */
function polls(history, found) {
  const commits = [...history.commits].sort((left, right) => left.t - right.t)
  const committedBefore = (group, partition, t) => {
    let offset = null
    for (const commit of commits) {
      if (commit.t >= t) break
      if (commit.g === group && commit.n === partition) offset = commit.o
    }
    return offset
  }
  /** By consumer and partition: the offset read last, and in which event. */
  const last = new Map()
  /** By consumer and partition: where a new owner may begin. */
  const lowest = new Map()
  for (const event of history.reading) {
    const { group, isCommitted } = reader(history, event.c)
    if (event.e !== 'polled') {
      for (const partition of event.n) {
        const key = `${event.c} ${partition}`
        last.delete(key)
        if (event.e === 'assigned' && group !== null) lowest.set(key, committedBefore(group, partition, event.t))
      }
      continue
    }
    for (const [partition, offset] of event.r) {
      const key = `${event.c} ${partition}`
      const from = lowest.get(key)
      if (from !== undefined) {
        lowest.delete(key)
        if (from !== null && offset < from) {
          found.add('commit-regression', `${event.c} began with ${partition} ${offset}, and ${from} was committed`)
        }
      }
      const before = last.get(key)
      if (before !== undefined) {
        const int = before.event === event ? 'int-' : ''
        if (offset <= before.offset) {
          found.add(`${int}nonmonotonic-poll`, `${event.c} read ${partition} ${offset} after ${before.offset}`)
        } else {
          const skipped = firstSkipped(history, partition, before.offset + 1, offset, isCommitted)
          if (skipped !== null) {
            found.add(
              `${int}poll-skip`,
              `${event.c} read ${partition} ${offset} after ${before.offset}, and left out ${skipped.value} at ${skipped.at}`,
            )
          }
        }
      }
      last.set(key, { offset, event })
    }
  }
}

function firstSkipped(history, partition, from, to, isCommitted) {
  if (to - from > GAP_MAX) return null
  const log = history.logs.get(partition)
  for (let at = from; at < to; at++) {
    const value = log.get(at)
    if (value !== undefined && !(isCommitted && history.mayBeHidden(value))) return { at, value }
  }
  return null
}

function reader(history, name) {
  const consumer = history.consumers.get(name)
  if (consumer === undefined) throw new Error(`the history does not tell of the consumer ${name}`)
  return { group: consumer.g, isCommitted: consumer.committed }
}

/**
 * For readers of committed data: `aborted-read` (G1a), `precommitted-read` (before anybody asked for the commit), and
 * `torn-transaction`: one whose end its producer does not know, of which a part was read and an earlier part not.
 */
function transactions(history, found) {
  const readOf = new Map()
  const highest = new Map()
  for (const { c, t, r } of history.polled()) {
    if (!reader(history, c).isCommitted) continue
    for (const [partition, offset, value] of r) {
      highest.set(partition, Math.max(highest.get(partition) ?? -1, offset))
      const x = (history.sent.get(value) ?? history.unsent.get(value))?.x
      if (x === undefined) continue
      let read = readOf.get(x)
      if (read === undefined) readOf.set(x, (read = new Set()))
      read.add(value)
      const transaction = history.transactions.get(x)
      if (transaction === undefined) found.add('precommitted-read', `${c} read ${value} of ${x}, which never ended`)
      else if (transaction.how === 'aborted') found.add('aborted-read', `${c} read ${value} of ${x}, which was aborted`)
      else if (t < transaction.t0) {
        found.add(
          'precommitted-read',
          `${c} read ${value} ${(transaction.t0 - t).toFixed(1)} ms before ${x} was to be committed`,
        )
      }
    }
  }
  for (const { x, v, n, o } of history.sent.values()) {
    if (x === undefined || history.transactions.get(x)?.how !== 'unknown') continue
    const read = readOf.get(x)
    if (read !== undefined && !read.has(v) && o >= 0 && o < (highest.get(n) ?? -1)) {
      found.add('torn-transaction', `of ${x} ${[...read][0]} was read, and ${v} was not`)
    }
  }
}

/** `lost-write` and `unseen`. */
function delivery(history, found) {
  const anybody = new Set()
  const groups = new Map()
  for (const { g } of history.consumers.values()) if (g !== null) groups.set(g, new Set())
  const highest = new Map()
  for (const { c, r } of history.polled()) {
    const { group } = reader(history, c)
    const ofGroup = group === null ? null : groups.get(group)
    for (const [partition, offset, value] of r) {
      anybody.add(value)
      ofGroup?.add(value)
      highest.set(partition, Math.max(highest.get(partition) ?? -1, offset))
    }
  }
  for (const event of history.sent.values()) {
    if (!history.isVisible(event)) continue
    const { v, n, o, t1 } = event
    if (!anybody.has(v)) {
      const isLost = o >= 0 && o < (highest.get(n) ?? -1)
      found.add(isLost ? 'lost-write' : 'unseen', `${v} was acknowledged at ${n} ${o} (t ${t1}), and nobody read it`)
      continue
    }
    for (const [group, seen] of groups) {
      if (!seen.has(v)) found.add('unseen', `${v} at ${n} ${o} was not read by ${group}`)
    }
  }
}

/** The longest time in which nobody's record was acknowledged. */
export function longestSilenceMs(events) {
  const times = []
  for (const event of events) if (event.e === 'sent') times.push(event.t1)
  times.sort((left, right) => left - right)
  let longest = 0
  for (let at = 1; at < times.length; at++) longest = Math.max(longest, times[at] - times[at - 1])
  return longest
}
