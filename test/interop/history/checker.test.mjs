import { expect, test } from 'vitest'
import { check, longestSilenceMs } from './checker.mjs'

let clock = 0
const tick = () => ++clock

const sent = (p, s, n, o, more = {}) => ({ e: 'sent', p, s, n, v: `${p}.${s}`, o, t0: tick(), t1: tick(), ...more })
const unsent = (p, s, n, more = {}) => ({ e: 'unsent', p, s, n, v: `${p}.${s}`, why: 'TIMED_OUT', ...more })
const ended = (x, how) => ({ e: 'ended', x, how, t0: tick(), t1: tick() })
const polled = (c, ...r) => ({ e: 'polled', c, t: tick(), r })
const assigned = (c, ...n) => ({ e: 'assigned', c, n, t: tick() })
const revoked = (c, ...n) => ({ e: 'revoked', c, n, t: tick() })
const committed = (g, n, o) => ({ e: 'committed', g, n, o, t: tick() })
const alone = { e: 'consumer', c: 'alone', g: null, committed: false }
const member = { e: 'consumer', c: 'member', g: 'group', committed: true }
const other = { e: 'consumer', c: 'other', g: 'group', committed: true }

/** The types of what is found. */
const types = (...events) => Object.keys(check([alone, member, other, ...events]).counts).sort()
/** Without the two members of a group, which would have to read everything. */
const typesAlone = (...events) => Object.keys(check([alone, ...events]).counts).sort()

test('a history in which everything went well, with an abort, an unknown end, a rebalance and a failed send, has no anomalies', () => {
  const { anomalies, totals } = check([
    alone,
    member,
    other,
    assigned('member', 0, 1),
    sent('p', 0, 0, 0),
    sent('p', 1, 0, 1),
    sent('p', 2, 1, 0),
    unsent('p', 3, 0),
    sent('t', 0, 0, 3, { x: 'a' }),
    ended('a', 'aborted'),
    sent('t', 1, 0, 5, { x: 'b' }),
    sent('t', 2, 1, 1, { x: 'b' }),
    ended('b', 'committed'),
    sent('t', 3, 0, 7, { x: 'c' }),
    ended('c', 'unknown'),
    polled('member', [0, 0, 'p.0'], [0, 1, 'p.1']),
    committed('group', 0, 2),
    polled('alone', [0, 0, 'p.0'], [0, 1, 'p.1'], [0, 2, 'p.3'], [0, 3, 't.0'], [0, 5, 't.1'], [0, 7, 't.3']),
    polled('alone', [1, 0, 'p.2'], [1, 1, 't.2']),
    polled('member', [0, 2, 'p.3']),
    revoked('member', 0),
    assigned('other', 0),
    polled('other', [0, 2, 'p.3'], [0, 5, 't.1']),
    polled('member', [1, 0, 'p.2'], [1, 1, 't.2']),
  ])
  expect(anomalies).toEqual([])
  expect(totals).toEqual({ sent: 7, unsent: 1, transactions: 3, polled: 15, commits: 1, pollsFailed: 0 })
})

test('an acknowledged record that nobody read is lost if something behind it was read', () => {
  expect(typesAlone(sent('p', 0, 0, 0), sent('p', 1, 0, 1), polled('alone', [0, 1, 'p.1']))).toEqual(['lost-write'])
})

test('an acknowledged record that nobody read is unseen if nothing behind it was read', () => {
  expect(typesAlone(sent('p', 0, 0, 0), sent('p', 1, 0, 1), polled('alone', [0, 0, 'p.0']))).toEqual(['unseen'])
})

test('an acknowledged record that only a consumer outside the group read is unseen by the group', () => {
  expect(types(sent('p', 0, 0, 0), polled('alone', [0, 0, 'p.0']))).toEqual(['unseen'])
})

test('a record of a committed transaction that nobody read is lost, one of an aborted transaction is not', () => {
  const events = (how) => [
    sent('p', 0, 0, 0, { x: 'x' }),
    ended('x', how),
    sent('q', 0, 0, 2),
    polled('alone', [0, 2, 'q.0']),
  ]
  expect(typesAlone(...events('committed'))).toEqual(['lost-write'])
  expect(typesAlone(...events('aborted'))).toEqual([])
})

test('one offset with two values is inconsistent, between producers and between consumers', () => {
  const read = polled('alone', [0, 0, 'p.0'])
  expect(typesAlone(sent('p', 0, 0, 0), sent('q', 0, 0, 0), read, unsent('q', 1, 0))).toContain('inconsistent-offsets')
  const again = { ...alone, c: 'again' }
  const both = [
    unsent('p', 0, 0),
    unsent('q', 0, 0),
    polled('alone', [0, 0, 'p.0']),
    again,
    polled('again', [0, 0, 'q.0']),
  ]
  expect(typesAlone(...both)).toEqual(['inconsistent-offsets'])
})

test('one value at two places is a duplicate, also when its producer does not know where it is', () => {
  const twice = polled('alone', [0, 0, 'p.0'], [0, 1, 'p.0'])
  expect(typesAlone(sent('p', 0, 0, 0), twice)).toEqual(['duplicate'])
  expect(typesAlone(sent('p', 0, 0, -1), twice)).toEqual(['duplicate'])
  expect(typesAlone(unsent('p', 0, 0), twice)).toEqual(['duplicate'])
  expect(typesAlone(sent('p', 0, 0, 0), polled('alone', [1, 0, 'p.0']))).toEqual(['duplicate'])
})

test('a value that nobody sent is a phantom', () => {
  expect(typesAlone(polled('alone', [0, 0, 'p.0']))).toEqual(['phantom'])
})

test('a later record below an earlier one of its producer is a nonmonotonic send, whenever it was acknowledged', () => {
  const events = (more) => [
    sent('p', 1, 0, 0, more),
    sent('p', 0, 0, 1, more),
    polled('alone', [0, 0, 'p.1'], [0, 1, 'p.0']),
  ]
  expect(typesAlone(...events({}))).toEqual(['nonmonotonic-send'])
  expect(typesAlone(...events({ x: 'x' }), ended('x', 'committed'))).toEqual(['int-nonmonotonic-send'])
})

test('a consumer that goes back is a nonmonotonic poll, inside one poll or between two', () => {
  const all = [sent('p', 0, 0, 0), sent('p', 1, 0, 1)]
  const whole = polled('alone', [0, 0, 'p.0'], [0, 1, 'p.1'])
  expect(typesAlone(...all, whole, polled('alone', [0, 1, 'p.1']))).toEqual(['nonmonotonic-poll'])
  expect(typesAlone(...all, polled('alone', [0, 1, 'p.1'], [0, 0, 'p.0']))).toEqual(['int-nonmonotonic-poll'])
})

test('a consumer that leaves out a record is a skip, inside one poll or between two', () => {
  const all = [sent('p', 0, 0, 0), sent('p', 1, 0, 1), sent('p', 2, 0, 2), { ...alone, c: 'whole' }]
  const whole = polled('whole', [0, 0, 'p.0'], [0, 1, 'p.1'], [0, 2, 'p.2'])
  expect(typesAlone(...all, whole, polled('alone', [0, 0, 'p.0'], [0, 2, 'p.2']))).toEqual(['int-poll-skip'])
  const between = [polled('alone', [0, 0, 'p.0']), polled('alone', [0, 2, 'p.2'])]
  expect(typesAlone(...all, whole, ...between)).toEqual(['poll-skip'])
})

test('a reader of uncommitted data may not leave out what was aborted', () => {
  const all = [sent('p', 0, 0, 0), sent('t', 0, 0, 1, { x: 'x' }), ended('x', 'aborted'), sent('p', 1, 0, 3)]
  expect(typesAlone(...all, polled('alone', [0, 0, 'p.0'], [0, 3, 'p.1']))).toEqual(['int-poll-skip'])
})

test('a member that comes back to a partition may begin elsewhere, one that kept it may not', () => {
  const all = [
    sent('p', 0, 0, 0),
    sent('p', 1, 0, 1),
    assigned('member', 0),
    polled('member', [0, 0, 'p.0'], [0, 1, 'p.1']),
  ]
  expect(types(...all, revoked('member', 0), assigned('member', 0), polled('member', [0, 0, 'p.0']))).toEqual([])
  expect(types(...all, revoked('member', 1), polled('member', [0, 0, 'p.0']))).toEqual(['nonmonotonic-poll'])
})

test('a member that begins below what its group committed before is a regression, below a later commit it is not', () => {
  const all = [
    sent('p', 0, 0, 0),
    sent('p', 1, 0, 1),
    assigned('member', 0),
    polled('member', [0, 0, 'p.0'], [0, 1, 'p.1']),
  ]
  const again = polled('other', [0, 1, 'p.1'])
  expect(types(...all, committed('group', 0, 2), assigned('other', 0), again)).toEqual(['commit-regression'])
  expect(types(...all, committed('group', 0, 1), assigned('other', 0), committed('group', 0, 2), again)).toEqual([])
  expect(types(...all, committed('group', 0, 2), committed('group', 0, 1), assigned('other', 0), again)).toEqual([])
})

test('a reader of committed data that reads an aborted record is an aborted read', () => {
  const all = [sent('t', 0, 0, 0, { x: 'x' }), ended('x', 'aborted')]
  expect(types(...all, polled('member', [0, 0, 't.0']))).toEqual(['aborted-read'])
  expect(types(...all, polled('alone', [0, 0, 't.0']))).toEqual([])
})

test('a failed send of an aborted transaction that is read is an aborted read', () => {
  expect(types(unsent('t', 0, 0, { x: 'x' }), ended('x', 'aborted'), polled('member', [0, 0, 't.0']))).toEqual([
    'aborted-read',
  ])
})

test('a reader of committed data that reads before the commit was asked for is a precommitted read', () => {
  const record = sent('t', 0, 0, 0, { x: 'x' })
  expect(types(record, polled('member', [0, 0, 't.0']), ended('x', 'committed'))).toEqual(['precommitted-read'])
  expect(types(record, polled('member', [0, 0, 't.0']))).toEqual(['precommitted-read'])
  expect(types(record, ended('x', 'committed'), polled('member', [0, 0, 't.0']))).toEqual([])
})

test('a transaction of unknown end is read whole or not at all', () => {
  const all = [
    sent('t', 0, 0, 0, { x: 'x' }),
    sent('t', 1, 0, 1, { x: 'x' }),
    ended('x', 'unknown'),
    sent('p', 0, 0, 3),
  ]
  expect(types(...all, polled('member', [0, 3, 'p.0']))).toEqual([])
  expect(types(...all, polled('member', [0, 0, 't.0'], [0, 1, 't.1'], [0, 3, 'p.0']))).toEqual([])
  expect(types(...all, polled('member', [0, 0, 't.0'], [0, 3, 'p.0']))).toEqual(['torn-transaction'])
})

test('each type is counted in full and told ten times', () => {
  const events = Array.from({ length: 30 }, (_, s) => sent('p', s, 0, s))
  const { anomalies, counts } = check([alone, ...events])
  expect([anomalies.length, counts]).toEqual([10, { unseen: 30 }])
})

test('an event that is none is an error, not a history in which nothing happened', () => {
  expect(() => check([{ e: 'snet' }])).toThrow('no such event')
  expect(() => check([polled('nobody', [0, 0, 'p.0'])])).toThrow('nobody')
})

test('the longest silence is between two acknowledgements in the order of time', () => {
  const at = (t1) => ({ e: 'sent', t1 })
  expect(longestSilenceMs([at(10), at(25), at(12), { e: 'polled', t: 1000 }])).toBe(13)
  expect(longestSilenceMs([])).toBe(0)
})
